"""How patients who consented are reached, and which staff of a site are told."""
