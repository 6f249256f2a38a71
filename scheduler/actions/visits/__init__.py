"""Actions about appointments of visits."""
