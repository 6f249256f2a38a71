"""An XLSX workbook → typed cells: the first worksheet that holds anything.

Dates come as dates, numbers as numbers; a column of several kinds comes as text.
"""

import logging
import re
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from zipfile import ZipFile

import polars as pl

from scheduler.intake.errors import CellErrors, DamagedFile, EmptyTable
from scheduler.intake.sheet import Sheet

if TYPE_CHECKING:
    from fastexcel import ExcelReader

OLE = bytes.fromhex("d0cf11e0a1b11ae1")  # begins a workbook under a password, and every .xls
LEADING_ROWS = 100
ERROR_CELL = re.compile(rb'<c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+[0-9]+)"')
WORKBOOK = "an Excel workbook (.xlsx)"


def read_xlsx(path: Path) -> Sheet:
    """The first worksheet of a workbook that is not empty; a note says which, where there are several.

    The headings are its first row that is not blank. Blank rows are left out and counted; columns without a
    heading that are blank to the end are no columns.
    """
    import fastexcel

    logging.getLogger("fastexcel").setLevel(logging.ERROR)  # it warns of columns that are blank to the end
    with path.open("rb") as file:
        if file.read(len(OLE)) == OLE:
            raise DamagedFile(file=path.name, expected=WORKBOOK, found="a workbook under a password, or an .xls")
    try:
        return _first_filled(fastexcel.read_excel(path), path)
    except fastexcel.FastExcelError as error:
        raise DamagedFile(file=path.name, expected=WORKBOOK) from error


def _first_filled(workbook: "ExcelReader", path: Path) -> Sheet:
    names = workbook.sheet_names
    for name in names:
        leading = _leading_rows(workbook, name)
        filled = _filled(leading).arg_true()
        if len(filled):
            _refuse_error_cells(path, name)
            notes = (f"{path.name} has {len(names)} worksheets; only {name!r} was read",) if len(names) > 1 else ()
            return _sheet(_rows_below(workbook, name, filled[0]), leading.row(filled[0]), filled[0], notes)
    raise EmptyTable(file=path.name, found=f"{len(names)} worksheet(s) with nothing in the first {LEADING_ROWS} rows")


def _leading_rows(workbook: "ExcelReader", name: str) -> pl.DataFrame:
    """The first rows of a worksheet as text, from its very first on."""
    sheet = workbook.load_sheet(
        name, header_row=None, skip_rows=0, n_rows=LEADING_ROWS, dtypes="string", whitespace_as_null=True
    )
    return sheet.to_polars()


def _rows_below(workbook: "ExcelReader", name: str, header: int) -> pl.DataFrame:
    """The rows below the headings, each column of the type that all its cells have."""
    sheet = workbook.load_sheet(
        name, header_row=None, skip_rows=header + 1, schema_sample_rows=None, whitespace_as_null=True
    )
    return sheet.to_polars()


def _filled(rows: pl.DataFrame) -> pl.Series:
    """True for each row that is not blank."""
    return rows.select(filled=pl.any_horizontal(pl.all().is_not_null(), False)).to_series()


def _sheet(cells: pl.DataFrame, titles: Sequence[str | None], header: int, notes: tuple[str, ...]) -> Sheet:
    """The cells below the headings, which stand in row `header` (from 0)."""
    headings = [(title or "").strip() for title in titles]
    kept = [place for place, heading in enumerate(headings) if heading or cells[:, place].count()]
    cells = cells[:, kept].with_columns(_days(cells[:, place]) for place in kept)
    is_filled = _filled(cells)
    return Sheet(
        headings=tuple(headings[place] for place in kept),
        cells=cells.filter(is_filled),
        rows=is_filled.arg_true().cast(pl.Int64) + header + 2,
        notes=notes,
    )


def _days(cells: pl.Series) -> pl.Series:
    """Dates, where every timestamp of a column is at midnight; else the column as it is."""
    is_date = isinstance(cells.dtype, pl.Datetime) and bool((cells.dt.time() == time(0)).all())
    return cells.dt.date() if is_date else cells


def _refuse_error_cells(path: Path, name: str) -> None:
    """Refuse a worksheet with cells such as #DIV/0!, which the reader gives as missing."""
    with ZipFile(path) as archive:
        part = _part(archive, name)
        cells = [found.decode() for found in ERROR_CELL.findall(archive.read(part))] if part else []
    if cells:
        raise CellErrors(file=path.name, cells=cells)


def _part(archive: ZipFile, name: str) -> str | None:
    """Where in the archive a worksheet is, or None where the archive does not say."""
    try:
        sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iter()
        relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels")).iter()
    except (KeyError, ElementTree.ParseError):
        return None
    wanted = {
        value
        for sheet in sheets
        if sheet.get("name") == name
        for attribute, value in sheet.items()
        if attribute.endswith("}id")
    }
    targets = (relation.get("Target", "") for relation in relations if relation.get("Id") in wanted)
    parts = (target.removeprefix("/xl/") for target in targets)
    return next((f"xl/{part}" for part in parts if f"xl/{part}" in archive.namelist()), None)
