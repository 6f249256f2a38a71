"""The two forms of a patient, and scoring them."""
