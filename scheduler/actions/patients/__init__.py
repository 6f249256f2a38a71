"""Who is in the registry."""
