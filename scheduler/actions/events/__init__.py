"""What happens in a patient's life."""
