"""What every reader gives: headings as they stand (stripped), cells under names of no meaning, row numbers."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table before its headings are checked; `cells` has a column per heading, `rows` a number per row."""

    headings: tuple[str, ...]
    cells: pl.DataFrame
    rows: pl.Series
    notes: tuple[str, ...] = ()
