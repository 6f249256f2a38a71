"""Workbooks, Parquet files, and files that are neither."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from scheduler.errors import HepwatchError
from scheduler.intake import Kind, read_table
from scheduler.intake.errors import CellErrors, DamagedFile, EmptyTable, TableAbsent, UnknownKind, WrongHeadings

Rows = Sequence[Sequence[object]]


def a_workbook(folder: Path, *sheets: Rows, name: str = "table.xlsx") -> Path:
    """A workbook; a cell `#DIV/0!` is a formula that fails."""
    path = folder / name
    workbook = xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"})
    for number, rows in enumerate(sheets, start=1):
        sheet = workbook.add_worksheet(f"sheet {number} & more")
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if cell == "#DIV/0!":
                    sheet.write_formula(place, column, "=1/0", None, cell)
                elif cell is not None:
                    sheet.write(place, column, cell)
    workbook.close()
    return path


def refusal(path: Path, family: type[HepwatchError]) -> str:
    with pytest.raises(family) as refused:
        read_table(path)
    assert refused.value.advice
    return refused.value.message


def test_a_workbook_keeps_dates_numbers_and_truths(tmp_path: Path) -> None:
    path = a_workbook(
        tmp_path,
        [
            ["mrn", " day ", "afp", "cirrhosis", "note"],
            ["007", date(2026, 3, 4), 4.5, True, 1],
            ["8", None, 300, False, "<1.3"],
        ],
    )

    table = read_table(path)

    assert (table.kind, table.notes) == (Kind.XLSX, ())
    assert table.frame.rows(named=True) == [
        {"row": 2, "mrn": "007", "day": date(2026, 3, 4), "afp": 4.5, "cirrhosis": True, "note": "1"},
        {"row": 3, "mrn": "8", "day": None, "afp": 300.0, "cirrhosis": False, "note": "<1.3"},
    ]


def test_a_time_of_day_in_a_workbook_is_kept_for_validation_to_refuse(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 4, 9, 30)  # noqa: DTZ001 a spreadsheet's

    table = read_table(a_workbook(tmp_path, [["day"], [moment]]))

    assert table.frame["day"].to_list() == [moment]


def test_rows_of_a_workbook_have_the_numbers_that_a_person_sees(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [[], [], [None, "mrn", "afp"], [None, "1", 2], [], [None, "  "], [None, "3", 4]])

    table = read_table(path)

    assert table.frame.rows() == [(4, "1", 2.0), (7, "3", 4.0)]


def test_the_first_worksheet_that_holds_anything_is_read_and_named(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [], [["mrn"], ["1"]], [["other"], ["2"]])

    table = read_table(path)

    assert table.frame.rows(named=True) == [{"row": 2, "mrn": "1"}]
    assert table.notes == ("table.xlsx has 3 worksheets; only 'sheet 2 & more' was read",)


def test_a_column_type_is_told_from_all_its_cells(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [["afp"], *[[n] for n in range(1500)], ["<1.3"]])

    table = read_table(path)

    assert table.frame["afp"].to_list()[-2:] == ["1499", "<1.3"]


def test_an_excel_error_is_never_taken_for_a_missing_value(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [], [["mrn", "afp"], ["1", "#DIV/0!"], ["2", 3]])

    message = refusal(path, CellErrors)

    assert message == "table.xlsx: found an Excel error such as #DIV/0! in B2; expected values"


def test_an_excel_error_in_a_worksheet_that_is_not_read_does_not_matter(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [["mrn"], ["1"]], [["#DIV/0!"]])

    assert read_table(path).frame.height == 1


def test_blank_and_repeated_headings_of_a_workbook_are_named(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [["a", None, "a", None], ["1", "2", "3"]])

    message = refusal(path, WrongHeadings)

    assert message == "table.xlsx: column 2 has no heading and the heading 'a' stands more than once"


@pytest.mark.parametrize(
    "sheets", [[[]], [[], []], [[["mrn", "afp"]]]], ids=["one blank sheet", "two", "headings alone"]
)
def test_an_empty_workbook_is_said_to_be_empty(tmp_path: Path, sheets: list[Rows]) -> None:
    refusal(a_workbook(tmp_path, *sheets), EmptyTable)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("table.xlsx", bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), "a workbook under a password, or an .xls"),
        ("table.xlsx", b"PK\x03\x04 and no more", "something else, or a damaged file"),
        ("table.xlsx", b"a,b\n1,2\n", "something else, or a damaged file"),
        ("table.xlsx", b"", "something else, or a damaged file"),
        ("table.parquet", b"PAR1 and no more", "something else, or a damaged file"),
        ("table.parquet", b"", "something else, or a damaged file"),
    ],
    ids=["password", "cut short", "renamed", "empty", "Parquet cut short", "Parquet empty"],
)
def test_a_file_that_cannot_be_opened_is_said_to_be_damaged(
    tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    assert found in refusal(path, DamagedFile)


def test_a_workbook_cut_in_half_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = a_workbook(tmp_path, [["mrn"], ["1"]])
    path.write_bytes(path.read_bytes()[:-200])

    refusal(path, DamagedFile)


def test_parquet_columns_keep_their_types_and_rows_count_from_two(tmp_path: Path) -> None:
    frame = pl.DataFrame({" mrn ": ["007", "8"], "afp": [1.5, None], "day": [date(2026, 3, 4), None], "age": [61, 62]})
    frame.write_parquet(tmp_path / "table.PARQUET")

    table = read_table(tmp_path / "table.PARQUET")

    assert table.kind is Kind.PARQUET
    assert table.frame.equals(frame.rename({" mrn ": "mrn"}).insert_column(0, pl.Series("row", [2, 3])))


def test_a_parquet_file_without_rows_is_empty(tmp_path: Path) -> None:
    pl.DataFrame({"mrn": []}, schema={"mrn": pl.String}).write_parquet(tmp_path / "table.parquet")

    refusal(tmp_path / "table.parquet", EmptyTable)


@pytest.mark.parametrize("name", ["table.xls", "table.ods", "table"])
def test_an_unknown_ending_names_the_endings_that_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("a,b\n1,2\n")

    message = refusal(tmp_path / name, UnknownKind)

    assert "read are .csv, .tsv, .txt, .xlsx and .parquet" in message


def test_a_file_that_is_absent_is_not_found(tmp_path: Path) -> None:
    assert refusal(tmp_path / "table.csv", TableAbsent) == "table.csv: there is no such file"
    assert refusal(tmp_path, TableAbsent).endswith("is a folder")
