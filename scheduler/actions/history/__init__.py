"""Examinations and events from files, applied in the order of their days."""
