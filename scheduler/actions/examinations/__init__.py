"""Actions about what was done and found at follow-up."""
