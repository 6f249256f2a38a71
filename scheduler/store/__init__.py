"""The store: every patient, report, assessment, plan, visit and audit row, behind `Registry`.

Frames go in and frames come out; database rows never leave this room.
"""
