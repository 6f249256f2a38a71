"""Actions about where patients are followed, and when nobody works there."""
