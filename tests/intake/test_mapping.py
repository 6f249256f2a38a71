"""`MAP.yaml`: what it changes in a table, and what is said of one that is wrong."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.core.validation import validate
from scheduler.intake import Dates, Mapping, MappingWrong, apply_mapping, load_mapping
from scheduler.intake.mapping import HeadingsCollide, MappingAbsent
from tests.core.validation_tables import DICTIONARY, TODAY

WHOLE = """
columns: {Patient: mrn, Albumin: albumin_g_dl, OP: resected_on, Resection: residual_tumor}
ignore: [Remarks]
values:
  residual_tumor: {complete: R0, microscopic: R1}
  cirrhosis: {No: 'false', 1: 'true'}
missing: ["[Not Available]", ~]
dates: day_month_year
"""


def a_mapping_file(folder: Path, text: str) -> Path:
    path = folder / "MAP.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(MappingWrong) as refused:
        load_mapping(a_mapping_file(folder, text), DICTIONARY)
    assert refused.value.advice
    return refused.value.problems


def test_a_mapping_is_read_word_for_word(tmp_path: Path) -> None:
    mapping = load_mapping(a_mapping_file(tmp_path, WHOLE), DICTIONARY)

    assert mapping == Mapping(
        columns={
            "Patient": "mrn",
            "Albumin": "albumin_g_dl",
            "OP": "resected_on",
            "Resection": "residual_tumor",
        },
        ignore=("Remarks",),
        values={
            "residual_tumor": {"complete": "R0", "microscopic": "R1"},
            "cirrhosis": {"No": "false", "1": "true"},
        },
        missing=("[Not Available]", "~"),
        dates=Dates.DAY_MONTH_YEAR,
    )


def test_an_empty_mapping_changes_nothing(tmp_path: Path) -> None:
    mapping = load_mapping(a_mapping_file(tmp_path, "# nothing yet\n"), DICTIONARY)
    frame = pl.DataFrame({"row": [2], "mrn": ["7"], "resected_on": ["03/04/2026"]})

    assert apply_mapping(frame, mapping, DICTIONARY).equals(frame)


def test_a_mapped_table_is_valid_and_its_problems_use_their_headings(tmp_path: Path) -> None:
    mapping = load_mapping(a_mapping_file(tmp_path, WHOLE), DICTIONARY)
    frame = pl.DataFrame(
        {
            "row": [2, 3],
            "Patient": ["007", "8"],
            "Albumin": ["4.1", "[not available] "],
            "OP": ["3.4.2026", "30/02/2026"],
            "Resection": ["complete ", "R1"],
            "Remarks": ["-", "-"],
            "cirrhosis": [1, 0],
        }
    )

    mapped = apply_mapping(frame, mapping, DICTIONARY)
    result = validate(mapped, DICTIONARY, today=TODAY, their_headings=mapping.their_headings)

    assert result.clean.select("mrn", "albumin_g_l", "resected_on", "residual_tumor", "cirrhosis").rows() == [
        ("007", 41.0, date(2026, 4, 3), "R0", True)
    ]
    assert result.problems.select("row", "column", "value", "problem").rows() == [
        (3, "OP", "2026-02-30", "is a day that does not exist")
    ]


@pytest.mark.parametrize(
    ("dates", "cell", "iso"),
    [
        (Dates.ISO, "03/04/2026", "03/04/2026"),
        (Dates.DAY_MONTH_YEAR, "3/4/2026", "2026-04-03"),
        (Dates.DAY_MONTH_YEAR, " 03.04.2026 00:00:00", "2026-04-03"),
        (Dates.MONTH_DAY_YEAR, "03-04-2026", "2026-03-04"),
        (Dates.YEAR_MONTH_DAY, "2026/3/4", "2026-03-04"),
        (Dates.YEAR_MONTH_DAY, "2026-6-15", "2026-06-15"),
        (Dates.DAY_MONTH_YEAR, "2026-04-03", "2026-04-03"),
        (Dates.DAY_MONTH_YEAR, "03/04/26", "03/04/26"),
        (Dates.DAY_MONTH_YEAR, None, None),
    ],
)
def test_dates_are_written_the_iso_way_where_they_fit(dates: Dates, cell: str | None, iso: str | None) -> None:
    frame = pl.DataFrame({"row": [2], "resected_on": [cell]}, schema_overrides={"resected_on": pl.String})

    mapped = apply_mapping(frame, Mapping(dates=dates), DICTIONARY)

    assert mapped["resected_on"].to_list() == [iso]


def test_only_columns_of_dates_are_rewritten() -> None:
    frame = pl.DataFrame({"row": [2], "site": ["1/2/2026"]})

    assert apply_mapping(frame, Mapping(dates=Dates.DAY_MONTH_YEAR), DICTIONARY).equals(frame)


def test_typed_columns_that_no_word_concerns_stay_typed() -> None:
    frame = pl.DataFrame({"row": [2], "afp_ng_ml": [1.5], "resected_on": [date(2026, 3, 4)]})

    assert apply_mapping(frame, Mapping(missing=("?",), dates=Dates.DAY_MONTH_YEAR), DICTIONARY).equals(frame)


def test_two_columns_for_one_heading_collide() -> None:
    frame = pl.DataFrame({"row": [2], "AFP": ["1"], "afp_ng_ml": ["2"]})

    with pytest.raises(HeadingsCollide, match="two columns for afp_ng_ml"):
        apply_mapping(frame, Mapping(columns={"AFP": "afp_ng_ml"}), DICTIONARY)


def test_every_problem_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
columns:
  AFP: afp
  Alb: albumin_g_l
  Albumin: albumin_g_l
  Site: site
ignore: [Site]
values:
  residual_tumour: {a: R0}
  residual_tumor:
    complete: R7
  cirrhosis: {x: perhaps}
"""

    assert problems_of(tmp_path, text) == (
        "MAP.yaml:2: unknown heading: found 'afp'; expected a heading of the dictionary",
        "MAP.yaml:3: heading given twice: found 'albumin_g_l'; expected one column for each heading",
        "MAP.yaml:4: heading given twice: found 'albumin_g_l'; expected one column for each heading",
        "MAP.yaml:5: heading both renamed and ignored: found 'Site' under columns and ignore; "
        "expected it under one of them",
        "MAP.yaml:8: unknown variable: found 'residual_tumour'; expected a recorded variable, perhaps residual_tumor",
        "MAP.yaml:10: unknown value: found 'R7'; expected R0, R1 and R2",
        "MAP.yaml:11: unknown value: found 'perhaps'; expected true, yes, 1, false, no and 0",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "column: {a: mrn}",
            "MAP.yaml:1: unknown key: found 'column'; expected columns, ignore, values, missing and dates",
        ),
        ("columns: mrn", "MAP.yaml:1: wrong kind of value: found 'mrn'; expected Input should be a valid dictionary"),
        ("\ndates: us", "MAP.yaml:2: wrong kind of value: found 'us'"),
        ("ignore: []\nignore: [a]", "MAP.yaml:2: the key 'ignore' is also in line 1; expected each key once"),
        ("columns:\n  a: mrn\n  a: site", "MAP.yaml:3: the key 'a' is also in line 2; expected each key once"),
        ("ignore: &a [x]\nmissing: *a", "MAP.yaml:1: an alias (*); expected the words themselves"),
        ("columns: {a: mrn", "MAP.yaml:1: not YAML"),
        ("? [a]\n: b", "MAP.yaml:1: a key that is no word; expected a word"),
        ("- a", "MAP.yaml:1: wrong kind of value"),
        ("a\x00b", "MAP.yaml:1: not YAML"),
    ],
    ids=["unknown key", "no table", "dates", "key twice", "heading twice", "alias", "open", "key", "list", "NUL"],
)
def test_a_mapping_that_cannot_be_used_says_why(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems_of(tmp_path, text)

    assert found.startswith(problem)


def test_a_mapping_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "MAP.yaml"
    path.write_bytes("columns: {Größe: afp_ng_ml}".encode("latin-1"))

    with pytest.raises(MappingWrong, match="not UTF-8"):
        load_mapping(path, DICTIONARY)


def test_a_mapping_that_is_absent_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(MappingAbsent, match=r"MAP\.yaml"):
        load_mapping(tmp_path / "MAP.yaml", DICTIONARY)
