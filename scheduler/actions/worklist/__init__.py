"""What is to be done on a day."""
