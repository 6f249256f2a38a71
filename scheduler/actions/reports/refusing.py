"""What is said of a table that is wrong as a whole: which headings, and what was expected of them."""

import polars as pl

from scheduler.core.variables import VariableDictionary
from scheduler.errors import ClinicalDataError

MOST_LINES = 20


class HeadingsUnknown(ClinicalDataError):
    """No heading of a table is known: its first row may be a patient's, so that nothing of it is repeated."""

    def __init__(self, *, file: str) -> None:
        super().__init__(
            f"{file}: no heading in its first row is known",
            advice="Give the table a first row of headings; `hepwatch rules show variables` lists them. Where they are "
            "in your own words, say with --map which is which of ours.",
        )


def check_headings(frame: pl.DataFrame, dictionary: VariableDictionary, *, file: str) -> None:
    """Raise `HeadingsUnknown` unless some heading of the frame is known."""
    if not any(heading in dictionary.headings for heading in frame.columns):
        raise HeadingsUnknown(file=file)


def told(problems: pl.DataFrame) -> list[str]:
    """A line for each problem of a whole table, the first of them: which column, what is wrong, what was expected.

    >>> row = {"column": "albumin", "problem": "is not a known heading", "expected": "perhaps albumin_g_l"}
    >>> told(pl.DataFrame([row]))
    ['- albumin is not a known heading; expected perhaps albumin_g_l']
    """
    rows = problems.head(MOST_LINES).iter_rows(named=True)
    lines = [f"- {row['column']} {row['problem']}; expected {row['expected']}" for row in rows]
    more = problems.height - MOST_LINES
    return [*lines, f"… and {more} more"] if more > 0 else lines
