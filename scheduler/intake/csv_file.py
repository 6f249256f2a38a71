"""A CSV file → text cells. Structure is checked before a cell is read, so that no row can slip sideways.

Polars fills a short row with nothing and says nothing, so cells are counted first, line by line, without
splitting them. Irregular quotation marks send the file through the standard library's slower reader.
"""

import csv
import io
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import polars as pl

from scheduler.intake.errors import SHOWN, EmptyTable, NotText, RaggedRows, UnpairedQuote, WrongEncoding
from scheduler.intake.sheet import Sheet

DELIMITERS = (",", ";", "\t")
QUOTED = r'"[^"]*"'
STAND_IN = "\0"  # for what stands in quotation marks; no text that is read has one of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class _Header:
    """The row of headings: its separator and cells, its row number, and the lines of the file up to its end."""

    delimiter: str
    headings: tuple[str, ...]
    row: int
    lines: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Records:
    """The rows of a file: how many cells each has, which are blank; regular or not in their quotation marks."""

    cells: pl.Series
    is_blank: pl.Series
    is_regular: bool


def read_csv(path: Path) -> Sheet:
    """The table of a CSV file in UTF-8, or UTF-16 with a byte order mark; every cell as text, an empty one missing.

    The separator is the one of comma, semicolon and tab that the headings use most. Blank rows, those of nothing
    but separators, are left out and counted.
    """
    content = _as_utf8(path.read_bytes(), path.name)
    header = _header(content, path.name)
    records = _records(content, header.delimiter)
    if not records.is_regular:
        content = _rewritten(content, header.delimiter, path.name)
        header, records = _header(content, path.name), _records(content, header.delimiter)
    _refuse_ragged(records, header, path.name)
    return _sheet(content, header, records)


def _as_utf8(content: bytes, file: str) -> bytes:
    """The file's text as UTF-8 without a byte order mark, lines ending in a line feed alone."""
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        content = _decoded(content, "utf-16", file).encode()
    content = content.removeprefix(BOM_UTF8)
    if b"\0" in content:
        raise NotText(file=file, count=content.count(b"\0"), first=content.index(b"\0") + 1)
    _decoded(content, "utf-8", file)
    if b"\r" not in content:
        return content
    return content.replace(b"\r\n", b"\n") if b"\n" in content else content.replace(b"\r", b"\n")


def _decoded(content: bytes, encoding: str, file: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1 if encoding == "utf-8" else None
        raise WrongEncoding(file=file, byte=content[error.start], line=line, expected=encoding.upper()) from error


def _header(content: bytes, file: str) -> _Header:
    """The first row that is not blank."""
    text, row, is_open = "", 0, False
    for lines, line in enumerate(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n"), start=1):
        row += not is_open
        is_open ^= line.count('"') % 2 == 1
        text += line
        if not is_open and text.strip(' \t\n",;'):
            return _header_of(text, row=row, lines=lines)
        text = text if is_open else ""
    if is_open:
        raise UnpairedQuote(file=file, row=row)
    raise EmptyTable(file=file, found="nothing" if not content else "nothing but blanks and separators")


def _header_of(text: str, *, row: int, lines: int) -> _Header:
    bare = "".join(text.split('"')[::2])  # what stands outside quotation marks
    delimiter = max(DELIMITERS, key=bare.count)
    cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    return _Header(delimiter=delimiter, headings=tuple(cell.strip() for cell in cells), row=row, lines=lines)


def _records(content: bytes, delimiter: str) -> _Records:
    """The rows of the text, told from its lines and quotation marks alone."""
    records = pl.read_lines(content, name="record").to_series()
    bare, is_regular = records, True
    if b'"' in content:
        records = _joined(records)
        bare = records.str.replace_all(QUOTED, STAND_IN)
        irregular = rf'"|[^\x00{delimiter}]\x00|\x00[^\x00{delimiter}]'
        is_regular = not bare.str.contains(irregular).any()
    return _Records(
        cells=bare.str.count_matches(delimiter, literal=True) + 1,
        is_blank=records.str.strip_chars(f' \t\n"{delimiter}') == "",
        is_regular=is_regular,
    )


def _joined(lines: pl.Series) -> pl.Series:
    """The lines, those joined that stand within one pair of quotation marks."""
    marks = lines.str.count_matches('"', literal=True)
    is_inside = (marks.cum_sum() - marks) % 2 == 1
    if not is_inside.any():
        return lines
    rows = pl.DataFrame({"record": lines, "row": (~is_inside).cum_sum()})
    return rows.group_by("row", maintain_order=True).agg(pl.col("record").str.join("\n"))["record"]


def _rewritten(content: bytes, delimiter: str, file: str) -> bytes:
    """The same rows with regular quotation marks, or `UnpairedQuote` at the row where that fails."""
    rows = csv.reader(
        io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""), delimiter=delimiter, strict=True
    )
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    for row in count(1):
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise UnpairedQuote(file=file, row=row) from error
        if cells is None:
            break
        writer.writerow(cells)
    return written.getvalue().encode()


def _refuse_ragged(records: _Records, header: _Header, file: str) -> None:
    """Refuse rows below the headings that have more or fewer cells than there are headings."""
    cells, expected = records.cells[header.row :], len(header.headings)
    wrong = (~records.is_blank[header.row :] & (cells != expected)).arg_true()
    if len(wrong):
        rows = [(header.row + 1 + position, cells[position]) for position in wrong.head(SHOWN).to_list()]
        raise RaggedRows(file=file, rows=rows, count=len(wrong), expected=expected)


def _sheet(content: bytes, header: _Header, records: _Records) -> Sheet:
    """The cells below the headings, blank rows left out."""
    schema = {str(position): pl.String() for position in range(len(header.headings))}
    is_filled = ~records.is_blank[header.row :]
    rows = is_filled.arg_true().cast(pl.Int64) + header.row + 1
    if rows.is_empty():
        return Sheet(headings=header.headings, cells=pl.DataFrame(schema=schema), rows=rows)
    cells = pl.read_csv(content, has_header=False, skip_lines=header.lines, schema=schema, separator=header.delimiter)
    return Sheet(headings=header.headings, cells=cells if is_filled.all() else cells.filter(is_filled), rows=rows)
