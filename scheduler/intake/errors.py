"""What can be wrong with a table file. No sentence echoes a cell: any cell may name a person."""

from collections.abc import Sequence

from scheduler.errors import ClinicalDataError, NotFound, listed

SHOWN = 5


class TableAbsent(NotFound):
    """There is no such file, or it may not be read."""

    def __init__(self, *, file: str, why: str) -> None:
        super().__init__(f"{file}: {why}", advice="check the path and the file's permissions")


class UnknownKind(ClinicalDataError):
    """The file's ending is none that is read."""

    def __init__(self, *, file: str, endings: Sequence[str]) -> None:
        found = f"{file}: the ending says neither a text table, nor an Excel workbook, nor Parquet"
        super().__init__(f"{found}; read are {listed(endings)}", advice="save the table as .xlsx or as CSV UTF-8")


class EmptyTable(ClinicalDataError):
    """Nothing is in the file, or nothing below its headings."""

    def __init__(self, *, file: str, found: str) -> None:
        message = f"{file}: found {found}; expected a row of headings and a row for each patient"
        super().__init__(message, advice="check that this is the file you meant, and that it was saved")


class NotText(ClinicalDataError):
    """A CSV file holds NUL bytes: it is no text."""

    def __init__(self, *, file: str, count: int, first: int) -> None:
        found = f"found {count:,} NUL bytes, the first at byte {first:,}"
        advice = "the file is damaged or not a text table; export it again as CSV UTF-8, or give the .xlsx itself"
        super().__init__(f"{file}: {found}; expected text", advice=advice)


class WrongEncoding(ClinicalDataError):
    """A CSV file is written in an encoding that is not read."""

    def __init__(self, *, file: str, byte: int, line: int | None, expected: str) -> None:
        place = "" if line is None else f" in line {line:,}"
        advice = "save it again as CSV UTF-8 (in Excel: File, Save As, CSV UTF-8)"
        super().__init__(f"{file}: found byte 0x{byte:02X}{place}, which is not {expected}", advice=advice)


class UnpairedQuote(ClinicalDataError):
    """A quotation mark opens or closes where it cannot."""

    def __init__(self, *, file: str, row: int) -> None:
        found = f"{file}: a quotation mark in row {row:,} has no partner where one is expected"
        advice = 'a cell in quotation marks ends with one, and a mark inside it is doubled: "a ""b"" c"'
        super().__init__(found, advice=advice)


class RaggedRows(ClinicalDataError):
    """Some rows have more or fewer cells than there are headings; `rows` are (row number, cells)."""

    def __init__(self, *, file: str, rows: Sequence[tuple[int, int]], count: int, expected: int) -> None:
        shown = listed([f"row {row:,} has {cells:,}" for row, cells in rows[:SHOWN]])
        more = f" ({count:,} such rows in all)" if count > SHOWN else ""
        message = f"{file}: {shown} cells{more}; expected {expected:,}, one for each heading"
        super().__init__(message, advice="a cell that holds the separator must stand in quotation marks")


class WrongHeadings(ClinicalDataError):
    """Headings that are blank, that repeat, or that are ours to use; all of them at once."""

    def __init__(self, *, file: str, blank: Sequence[int], repeated: Sequence[str], reserved: Sequence[str]) -> None:
        found = [f"column {position} has no heading" for position in blank]
        found += [f"the heading {heading!r} stands more than once" for heading in repeated]
        found += [f"the heading {heading!r} is kept for the row number" for heading in reserved]
        advice = "give every column one heading of its own, or delete the column"
        super().__init__(f"{file}: {listed(found)}", advice=advice)


class DamagedFile(ClinicalDataError):
    """A workbook or a Parquet file that cannot be opened."""

    def __init__(self, *, file: str, expected: str, found: str = "something else, or a damaged file") -> None:
        message = f"{file}: found {found}; expected {expected}"
        super().__init__(message, advice="open it where it was made and save it again, without a password")


class CellErrors(ClinicalDataError):
    """Cells of a worksheet hold an Excel error such as #DIV/0!, which must not pass for a missing value."""

    def __init__(self, *, file: str, cells: Sequence[str]) -> None:
        more = f" and {len(cells) - SHOWN:,} more" if len(cells) > SHOWN else ""
        found = f"{file}: found an Excel error such as #DIV/0! in {', '.join(cells[:SHOWN])}{more}; expected values"
        super().__init__(found, advice="correct the formula, or clear the cell if the value is unknown")
