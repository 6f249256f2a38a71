"""Actions about decisions of clinicians against the plan."""
