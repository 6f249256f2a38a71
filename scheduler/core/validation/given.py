"""A table as a person gave it: which column holds what, who is in which row, and how a cell may be echoed."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from scheduler.core.validation.cells import as_text, is_readable
from scheduler.core.validation.headings import Column, Headings, match_headings
from scheduler.core.validation.problems import MASK, PLACED_SCHEMA, shown
from scheduler.core.variables import VariableDictionary

ROW = "row"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One table beside the dictionary. ``columns` are those that can be read, by variable.

    `their_headings` gives back the words of the person's own file, where columns were renamed.
    """

    frame: pl.DataFrame
    dictionary: VariableDictionary
    headings: Headings
    columns: Mapping[str, Column]
    identify_by: str
    their_headings: Mapping[str, str]

    def heading_of(self, name: str) -> str:
        """The heading under which a variable stands in the person's file; its name where it has no column."""
        column = self.columns.get(name)
        return self.called(column.heading) if column else name

    def called(self, heading: str) -> str:
        """What the person's own file calls a column of the frame."""
        return self.their_headings.get(heading, heading)

    def cells(self, column: Column, positions: pl.Series) -> pl.Series:
        """The cells of a column at some positions, as text."""
        cells = self.frame[column.heading].gather(positions).to_frame()
        return cells.select(as_text(pl.col(column.heading), cells.schema[column.heading])).to_series()

    def is_masked(self, name: str) -> bool:
        """Whether a variable's cells identify a person; the one by which rows are found does not count."""
        return self.dictionary.recorded[name].identity and name != self.identify_by

    def problems_in(self, name: str, faults: pl.DataFrame) -> pl.DataFrame:
        """Faults of one variable's cells as problems that show what each cell holds."""
        column = self.columns.get(name)
        if self.is_masked(name) or column is None:
            value = pl.lit(MASK if self.is_masked(name) else None, dtype=pl.String)
        else:
            value = shown(pl.lit(self.cells(column, faults["position"])))
        return self.problems_of((name,), faults.with_columns(value=value))

    def problems_of(self, names: tuple[str, ...], faults: pl.DataFrame) -> pl.DataFrame:
        """Faults, with their `value`, as problems of one variable or of several together."""
        positions = faults["position"]
        return faults.with_columns(
            row=self.frame[ROW].gather(positions),
            mrn=self._mrns(positions),
            column=pl.lit(", ".join(self.heading_of(name) for name in names)),
            variable=pl.lit(", ".join(names)),
        ).select(pl.col(name).cast(kind) for name, kind in PLACED_SCHEMA.items())

    def _mrns(self, positions: pl.Series) -> pl.Expr:
        column = self.columns.get(self.identify_by)
        return shown(pl.lit(self.cells(column, positions))) if column else pl.lit(None, dtype=pl.String)


def given_table(
    frame: pl.DataFrame, dictionary: VariableDictionary, *, identify_by: str, their_headings: Mapping[str, str]
) -> Given:
    """The frame with its headings understood; the column `row` is its own and no finding.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> table = pl.DataFrame({"row": [2], "mrn": ["7"], "zodiac": ["lion"]})
    >>> given = given_table(table, DICTIONARY, identify_by="mrn", their_headings={"mrn": "Patient"})
    >>> given.heading_of("mrn"), given.headings.unknown, given.is_masked("birth_date")
    ('Patient', ('zodiac',), True)
    """
    headings = match_headings((name for name in frame.columns if name != ROW), dictionary)
    kinds = frame.schema
    return Given(
        frame=frame,
        dictionary=dictionary,
        headings=headings,
        columns={column.name: column for column in headings.columns if is_readable(kinds[column.heading])},
        identify_by=identify_by,
        their_headings=their_headings,
    )
