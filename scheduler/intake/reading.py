"""A person's table file → a frame with their headings and the row numbers that they see.

CSV cells are text, untouched: nothing is inferred, 007 stays 007. Workbooks and Parquet keep their types.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import polars as pl

from scheduler.intake.csv_file import read_csv
from scheduler.intake.errors import DamagedFile, EmptyTable, TableAbsent, UnknownKind, WrongHeadings
from scheduler.intake.sheet import Sheet
from scheduler.intake.xlsx_file import read_xlsx

ROW = "row"


class Kind(StrEnum):
    """The kinds of file that are read."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


ENDINGS = {
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".txt": Kind.CSV,
    ".xlsx": Kind.XLSX,
    ".parquet": Kind.PARQUET,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it stands in a file.

    `frame` has the person's headings, stripped of surrounding blanks, and first the column `row`: the number of
    the row in the file, the headings being row 1 (in Parquet, which shows none, as if they were). In a CSV file a
    cell over several lines is part of one row, and blank rows count though they are left out. `notes` are for
    the person: what was chosen where there was a choice.
    """

    frame: pl.DataFrame
    kind: Kind
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """The table in a CSV (comma, semicolon or tab), XLSX or Parquet file, told by its ending.

    Raises `TableAbsent` where there is no such file, and otherwise a `ClinicalDataError` that says what is wrong
    with the file as a whole; single cells are judged later.
    """
    kind = ENDINGS.get(path.suffix.lower())
    if not path.is_file():
        raise TableAbsent(file=path.name, why="is a folder" if path.is_dir() else "there is no such file")
    if kind is None:
        raise UnknownKind(file=path.name, endings=list(ENDINGS))
    try:
        sheet = READERS[kind](path)
    except PermissionError as error:
        raise TableAbsent(file=path.name, why="may not be read") from error
    _check_headings(path.name, sheet.headings)
    if sheet.cells.is_empty():
        raise EmptyTable(file=path.name, found="headings and no row below them")
    frame = sheet.cells.rename(dict(zip(sheet.cells.columns, sheet.headings, strict=True)))
    return Table(frame=frame.insert_column(0, sheet.rows.alias(ROW)), kind=kind, notes=sheet.notes)


def _check_headings(file: str, headings: Sequence[str]) -> None:
    """Refuse headings that are blank, that repeat, or that are ours; every one of them at once."""
    blank = [position for position, heading in enumerate(headings, start=1) if not heading]
    repeated = [heading for heading, times in Counter(headings).items() if heading and times > 1]
    reserved = [heading for heading in headings if heading == ROW]
    if blank or repeated or reserved:
        raise WrongHeadings(file=file, blank=blank, repeated=repeated, reserved=reserved)


def _read_parquet(path: Path) -> Sheet:
    """The table of a Parquet file, types untouched."""
    try:
        cells = pl.read_parquet(path, glob=False)
    except pl.exceptions.PolarsError as error:
        raise DamagedFile(file=path.name, expected="a Parquet file") from error
    headings = tuple(heading.strip() for heading in cells.columns)
    return Sheet(headings=headings, cells=cells, rows=pl.int_range(2, cells.height + 2, eager=True))


READERS: dict[Kind, Callable[[Path], Sheet]] = {
    Kind.CSV: read_csv,
    Kind.XLSX: read_xlsx,
    Kind.PARQUET: _read_parquet,
}
