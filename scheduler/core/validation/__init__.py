"""A frame as somebody typed it → clean rows, problems and warnings. Pure: no file, no clock."""

from scheduler.core.validation.problems import MASK, PROBLEM_SCHEMA, Severity, safe_for_spreadsheets
from scheduler.core.validation.table import Validated, screen, validate

__all__ = [
    "MASK",
    "PROBLEM_SCHEMA",
    "Severity",
    "Validated",
    "safe_for_spreadsheets",
    "screen",
    "validate",
]
