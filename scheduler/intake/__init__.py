"""A person's table file → a frame, and their words → ours. Knows files; knows nothing of medicine."""

from scheduler.intake.mapping import Dates, Mapping, MappingWrong, apply_mapping, load_mapping
from scheduler.intake.reading import Kind, Table, read_table

__all__ = [
    "Dates",
    "Kind",
    "Mapping",
    "MappingWrong",
    "Table",
    "apply_mapping",
    "load_mapping",
    "read_table",
]
