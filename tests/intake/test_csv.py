"""CSV files: what is read, and what is said of a file that cannot be."""

import csv
import io
from pathlib import Path
from typing import Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.errors import HepwatchError
from scheduler.intake import Kind, read_table
from scheduler.intake.errors import EmptyTable, NotText, RaggedRows, UnpairedQuote, WrongEncoding, WrongHeadings


def a_file(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, family: type[HepwatchError]) -> str:
    with pytest.raises(family) as refused:
        read_table(path)
    assert refused.value.advice
    return refused.value.message


def test_every_cell_is_text_as_it_stands(tmp_path: Path) -> None:
    path = a_file(tmp_path, "mrn, afp ,day\n007,1.50,2026-03-04\n8, x ,\n")

    table = read_table(path)

    assert table.kind is Kind.CSV
    assert table.frame.schema == {"row": pl.Int64, "mrn": pl.String, "afp": pl.String, "day": pl.String}
    assert table.frame.rows() == [(2, "007", "1.50", "2026-03-04"), (3, "8", " x ", None)]


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,\xc3\xa9\n",
        b"\xef\xbb\xbfa,b\n1,\xc3\xa9\n",
        "a,b\n1,é\n".encode("utf-16"),
        b"\xfe\xff" + "a,b\n1,é\n".encode("utf-16-be"),
        b"a,b\r\n1,\xc3\xa9\r\n",
        b"a,b\r1,\xc3\xa9\r",
        b"a,b\n1,\xc3\xa9",
        b"a;b\n1;\xc3\xa9\n",
        b"a\tb\n1\t\xc3\xa9\n",
        b'"a","b"\n"1","\xc3\xa9"\n',
    ],
    ids=[
        "UTF-8",
        "byte order mark",
        "UTF-16",
        "UTF-16 big-endian",
        "Windows line ends",
        "old Macintosh line ends",
        "no last line end",
        "semicolons",
        "tabs",
        "quotation marks",
    ],
)
def test_the_same_table_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    table = read_table(a_file(tmp_path, content))

    assert table.frame.rows(named=True) == [{"row": 2, "a": "1", "b": "é"}]


def test_the_separator_is_looked_for_outside_quotation_marks(tmp_path: Path) -> None:
    table = read_table(a_file(tmp_path, '"a, b, c";d\n1;2,5\n'))

    assert table.frame.rows(named=True) == [{"row": 2, "a, b, c": "1", "d": "2,5"}]


def test_blank_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    table = read_table(a_file(tmp_path, '\na,b\n1,2\n\n  \n,\n"",""\n3,4\n\n'))

    assert table.frame.rows() == [(3, "1", "2"), (8, "3", "4")]


def test_a_cell_over_several_lines_is_part_of_one_row(tmp_path: Path) -> None:
    table = read_table(a_file(tmp_path, '"a\nx",b\n"1\n\n2",3\n4,"5 ""six"", 7"\n'))

    assert table.frame.rows(named=True) == [
        {"row": 2, "a\nx": "1\n\n2", "b": "3"},
        {"row": 3, "a\nx": "4", "b": '5 "six", 7'},
    ]


def test_a_quotation_mark_inside_a_plain_cell_is_a_character(tmp_path: Path) -> None:
    table = read_table(a_file(tmp_path, 'a,b\n5" wide,"x, y"\n\n6" wide,z\n'))

    assert table.frame.rows() == [(2, '5" wide', "x, y"), (4, '6" wide', "z")]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found nothing;"),
        (b"\xef\xbb\xbf", "found nothing;"),
        (b"\n \n,,\n", "nothing but blanks and separators"),
        (b"a,b\n", "headings and no row below them"),
        (b"a,b\n,\n\n", "headings and no row below them"),
    ],
    ids=["nothing", "a mark alone", "blanks", "headings", "headings and blanks"],
)
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes, found: str) -> None:
    assert found in refusal(a_file(tmp_path, content), EmptyTable)


def test_a_file_of_nul_bytes_is_no_text(tmp_path: Path) -> None:
    message = refusal(a_file(tmp_path, b"\0" * 4096), NotText)

    assert message == "table.csv: found 4,096 NUL bytes, the first at byte 1; expected text"


def test_utf_16_without_its_mark_is_no_text(tmp_path: Path) -> None:
    assert "NUL" in refusal(a_file(tmp_path, "a,b\n1,2\n".encode("utf-16-le")), NotText)


def test_a_byte_that_is_not_utf_8_is_named_with_its_line_and_no_cell(tmp_path: Path) -> None:
    message = refusal(a_file(tmp_path, "mrn,name\n1,Kim\n2,Gómez\n".encode("latin-1")), WrongEncoding)

    assert message == "table.csv: found byte 0xF3 in line 3, which is not UTF-8"


def test_broken_utf_16_is_said_to_be_so(tmp_path: Path) -> None:
    assert "not UTF-16" in refusal(a_file(tmp_path, b"\xff\xfea\0,\0b"), WrongEncoding)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1\n", "row 2 has 1 cells; expected 2, one for each heading"),
        ("a,b\n1,2\n\n1,2,3\n4\n", "row 4 has 3 and row 5 has 1 cells; expected 2, one for each heading"),
        ('a,b\n"1,2"\n', "row 2 has 1 cells; expected 2, one for each heading"),
        ('a,b\n"x\ny",2\n1\n', "row 3 has 1 cells; expected 2, one for each heading"),
        ('a,b\n5" x,1\n1\n', "row 3 has 1 cells; expected 2, one for each heading"),
        (
            "a,b\n" + "1\n" * 7,
            "row 2 has 1, row 3 has 1, row 4 has 1, row 5 has 1 and row 6 has 1 cells (7 such rows in all); "
            "expected 2, one for each heading",
        ),
    ],
    ids=["short", "long and short", "in quotation marks", "after several lines", "irregular marks", "many"],
)
def test_rows_with_too_many_or_too_few_cells_are_named(tmp_path: Path, content: str, message: str) -> None:
    assert refusal(a_file(tmp_path, content), RaggedRows) == f"table.csv: {message}"


@pytest.mark.parametrize(
    ("content", "row"),
    [('a,b\n1,2\n"3,4\n5,6\n', 3), ('"a,b\n1,2\n', 1), ('a,b\n\n"1"x,2\n', 3)],
    ids=["never closed", "in the headings", "closed in mid cell"],
)
def test_a_quotation_mark_without_a_partner_is_found(tmp_path: Path, content: str, row: int) -> None:
    message = refusal(a_file(tmp_path, content), UnpairedQuote)

    assert message == f"table.csv: a quotation mark in row {row} has no partner where one is expected"


def test_every_wrong_heading_is_named_at_once(tmp_path: Path) -> None:
    message = refusal(a_file(tmp_path, "a,b, a ,,b,row\n1,2,3,4,5,6\n"), WrongHeadings)

    assert message == (
        "table.csv: column 4 has no heading, the heading 'a' stands more than once, the heading 'b' stands more than "
        "once and the heading 'row' is kept for the row number"
    )


def test_a_file_of_two_hundred_columns_is_read(tmp_path: Path) -> None:
    headings = ",".join(f"column {n}" for n in range(200))

    table = read_table(a_file(tmp_path, f"{headings}\n{','.join('1' * 200)}\n"))

    assert table.frame.shape == (1, 201)


@given(
    st.lists(st.tuples(*[st.text('ab", ;\n\té', max_size=5)] * 3), min_size=1, max_size=6),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_what_any_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]], delimiter: str, is_quoted: bool
) -> None:
    written = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if is_quoted else csv.QUOTE_MINIMAL
    writer = csv.writer(written, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerows([("x", "y", "z"), *rows, ("1", "2", "3")])

    table = read_table(a_file(tmp_path_factory.mktemp("csv"), written.getvalue()))

    filled = [(n, *row) for n, row in enumerate(rows, start=2) if "".join(row).strip(f' \t\n"{delimiter}')]
    read = table.frame.with_columns(pl.col(pl.String).fill_null(""))
    assert read.rows() == [*filled, (len(rows) + 2, "1", "2", "3")]
