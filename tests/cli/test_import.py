"""What an import prints, writes and leaves behind as its exit status."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from tests.actions.tables import HIGH, a_patient, a_table, without
from tests.cli.conftest import Hepwatch

BOTH = ("--sign", "surgery,pathology")


def test_an_import_says_what_was_stored_and_shows_the_caveat_of_ehr_preop(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path
) -> None:
    answer = hepwatch("patient", "import", a_table(tmp_path, a_patient(), a_patient(mrn="P-2", **HIGH)), *BOTH)

    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("2 rows read: 2 good, 0 refused; 2 patients enrolled\n")
    assert "ehr-preop" in answer.out
    assert "The printed EHR-preop cut-offs do not fit the printed formula" in answer.out
    assert "1 site not known before: seoul. Their due days keep off weekends only" in answer.out


def test_an_import_in_json_holds_the_same(hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path) -> None:
    said = hepwatch("patient", "import", a_table(tmp_path, a_patient()), *BOTH, "--json").value

    assert set(said) == {
        *("dry_run", "rows", "refused_rows", "enrolled", "reports", "differences", "assessments", "intensities"),
        *("visits", "caveats", "problems", "new_sites", "notes"),
    }
    assert said["intensities"] == [
        {"intensity": "basic", "provisional": "false", "no_surveillance": None, "patients": 1}
    ]
    assert any(caveat["model"] == "ehr-preop" for caveat in said["caveats"])


def test_a_dry_run_says_that_nothing_was_stored(hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path) -> None:
    table = a_table(tmp_path, a_patient())

    tried = hepwatch("patient", "import", table, "--dry-run", *BOTH)
    done = hepwatch("patient", "import", table, *BOTH)

    assert (tried.status, "1 patient would have been enrolled" in tried.out) == (0, True)
    assert tried.out.endswith("This was a dry run: nothing was stored.\n")
    assert "1 patient enrolled" in done.out


def test_bad_cells_are_named_the_good_rows_stored_and_the_status_is_4(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path
) -> None:
    table = a_table(tmp_path, a_patient(), a_patient(mrn="P-2", albumin_g_l="4.1", sex="?"))

    answer = hepwatch("patient", "import", table, "--problems", tmp_path / "problems.csv")

    with (tmp_path / "problems.csv").open(encoding="utf-8", newline="") as file:
        problems = list(csv.DictReader(file))
    assert answer.status == 4
    assert "2 rows read: 1 good, 1 refused; 1 patient enrolled" in answer.out
    assert "is the heading" in answer.out
    assert [(each["row"], each["mrn"], each["column"], each["value"]) for each in problems] == [
        ("3", "P-2", "sex", "?"),
        ("3", "P-2", "albumin_g_l", "4.1"),
    ]


def test_problems_run_as_no_formula_in_a_spreadsheet(hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path) -> None:
    table = a_table(tmp_path, a_patient(albumin_g_l="=cmd|' /C calc'!A0"))

    hepwatch("patient", "import", table, "--problems", tmp_path / "problems.csv")

    problems = pl.read_csv(tmp_path / "problems.csv", infer_schema=False)
    assert problems["value"].to_list() == ["'=cmd|' /C calc'!A0"]


def test_a_change_shows_old_and_new_and_waits_for_a_reason(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    table = a_table(tmp_path, a_patient(albumin_g_l="38.5"))

    waiting = hepwatch("patient", "import", table, *BOTH)
    stored = hepwatch("patient", "import", table, *BOTH, "--reason", "misread")

    assert waiting.status == 4
    assert "P-1   albumin_g_l     41.0           38.5   no" in waiting.out
    assert "1 change not stored: say why with --reason." in waiting.out
    assert stored.status == 0
    assert "P-1   albumin_g_l     41.0           38.5   yes" in stored.out


def test_pathology_that_waits_for_surgery_is_said_and_has_status_4(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path
) -> None:
    answer = hepwatch("patient", "import", a_table(tmp_path, a_patient()), "--sign", "pathology")

    assert answer.status == 4
    assert "1 pathology report kept as drafts: sign the surgery reports first" in answer.out


def test_another_name_is_shown_to_differ_and_nothing_more(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    answer = hepwatch("patient", "import", a_table(tmp_path, a_patient(name="Hong Kildong")), *BOTH)

    assert answer.status == 4
    assert "P-1   name      •••      •••            no" in answer.out
    assert "Kildong" not in answer.out + answer.err


def test_a_map_is_read_from_a_file(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    map_file = tmp_path / "map.yaml"
    map_file.write_text("columns: {Patient: mrn}\nvalues: {sex: {m: male}}\nignore: [Ward]\n", encoding="utf-8")
    table = a_table(tmp_path, without(a_patient(sex="m"), "mrn") | {"Patient": "P-1", "Ward": "7"})

    answer = hepwatch("patient", "import", table, "--map", map_file, *BOTH)

    assert answer.status == 0
    assert "1 row read: 1 good, 0 refused; 0 patients enrolled" in answer.out


def test_who_imports_is_the_signer(hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path) -> None:
    hepwatch("patient", "import", a_table(tmp_path, a_patient()), *BOTH, "--by", "dr.[i]lee[/]")

    shown = hepwatch("patient", "show", "P-1")

    assert "Surgery report, version 1, signed by dr.[i]lee[/]" in shown.out


def _workbook(path: Path) -> Path:
    """A workbook as a person fills it in: dates typed as dates, numbers as numbers."""
    with xlsxwriter.Workbook(path) as workbook:
        sheet, day = workbook.add_worksheet(), workbook.add_format({"num_format": "yyyy-mm-dd"})
        for column, (name, cell) in enumerate(a_patient().items()):
            sheet.write(0, column, name)
            if name in ("birth_date", "resected_on"):
                sheet.write_datetime(1, column, date.fromisoformat(cell), day)
            elif cell.replace(".", "").isdigit():
                sheet.write_number(1, column, float(cell))
            else:
                sheet.write(1, column, cell)
    return path


def _semicolons(path: Path) -> Path:
    row = a_patient()
    path.write_bytes("\n".join([";".join(row), ";".join(row.values())]).encode("utf-8-sig"))
    return path


def _parquet(path: Path) -> Path:
    row = a_patient()
    typed = pl.DataFrame([row]).with_columns(pl.col("birth_date", "resected_on").str.to_date())
    typed.with_columns(pl.col("albumin_g_l").cast(pl.Float64)).write_parquet(path)
    return path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        pytest.param(_workbook, "typed.xlsx", id="Excel with typed dates"),
        pytest.param(_semicolons, "semicolons.csv", id="BOM and semicolons"),
        pytest.param(_parquet, "typed.parquet", id="Parquet"),
    ],
)
def test_the_same_patient_in_another_kind_of_file_is_the_same(
    hepwatch: Hepwatch, clinic: Path, tmp_path: Path, write: Callable[[Path], Path], name: str
) -> None:
    answer = hepwatch("patient", "import", write(tmp_path / name), *BOTH, "--json")

    assert (answer.status, answer.value["enrolled"], answer.value["differences"]) == (0, 0, [])
    assert {report["outcome"] for report in answer.value["reports"]} == {"same"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "expected a row of headings", id="empty"),
        pytest.param(b"mrn,site,resected_on\n", "no row below them", id="headings only"),
        pytest.param(bytes(4096), "NUL bytes", id="NULs"),
        pytest.param(b"mrn,site,resected_on\nP-1,seoul\n", "row 2 has 2 cells", id="ragged"),
        pytest.param(b"P-1,seoul,Hong Gildong\nP-2,seoul,Kim Minji\n", "no heading in its first row", id="no headings"),
        pytest.param(b"mrn,site,resected_on\n\xff\xfe\xfa,a,b\n", "which is not UTF-8", id="another encoding"),
        pytest.param(
            ",".join(["mrn", "site", "resected_on", *(f"lab_{n}" for n in range(197))]).encode()
            + b"\nP-1,seoul,2026-06-01"
            + b",1" * 197
            + b"\n",
            "… and 177 more\nRename the headings",
            id="200 columns",
        ),
    ],
)
def test_a_file_that_is_no_such_table_is_told_in_a_sentence(
    hepwatch: Hepwatch, sqlite_url: str, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "table.csv").write_bytes(content)

    answer = hepwatch("patient", "import", tmp_path / "table.csv")

    assert (answer.status, answer.out) == (4, "")
    assert said in answer.err
    assert "Gildong" not in answer.err
