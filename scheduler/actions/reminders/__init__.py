"""Reminders: who is owed what, claimed once, sent, and accounted for every day."""
