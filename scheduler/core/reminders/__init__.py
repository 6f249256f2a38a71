"""Reminders: what a policy says, on which rung everything stands, and why somebody is not told."""
