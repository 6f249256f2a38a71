"""`hepwatch exam import` and `hepwatch event import`: what a person sees."""

from datetime import date
from pathlib import Path

import pytest

from scheduler import clock
from tests.actions.tables import a_table
from tests.cli.conftest import Hepwatch

SCAN = {"mrn": "P-1", "procedure": "liver_ct_mri", "performed_on": "2026-08-28", "finding": "no_recurrence"}
LATER = "2028-01-10"


@pytest.fixture(autouse=True)
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after everything in these tables."""
    monkeypatch.setattr(clock, "today", lambda: date.fromisoformat(LATER))


def test_a_table_of_examinations_is_imported_once(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    table = a_table(tmp_path, {**SCAN, "afp_ng_ml": "4.5"}, name="exams.csv")

    first = hepwatch("exam", "import", table, "--by", "anna")
    again = hepwatch("exam", "import", table, "--by", "anna", "--json")

    assert first.status == again.status == 0
    assert "1 row read: 1 good, 0 refused; 2 stored, 0 there already" in first.out
    assert "What the examinations of the table count for" in first.out
    assert (again.value["stored"], again.value["there_already"]) == (0, 2)


def test_a_preview_says_so_and_stores_nothing(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    table = a_table(tmp_path, SCAN, name="exams.csv")

    preview = hepwatch("exam", "import", table, "--by", "anna", "--preview")
    stored = hepwatch("exam", "import", table, "--by", "anna", "--json")

    assert preview.status == 0
    assert "preview: nothing was stored" in preview.out
    assert "1 would be stored" in preview.out
    assert stored.value["stored"] == 1


def test_refused_rows_are_named_with_exit_status_4(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    table = a_table(tmp_path, SCAN, {**SCAN, "mrn": "P-9"}, {**SCAN, "finding": "clear"}, name="exams.csv")

    answer = hepwatch("exam", "import", table, "--by", "anna", "--problems", tmp_path / "problems.csv")

    assert answer.status == 4
    assert "3 rows read: 1 good, 2 refused; 1 stored" in answer.out
    assert "is no patient of this registry" in answer.out
    assert (tmp_path / "problems.csv").read_text("utf-8").count("\n") == 3


def test_a_difference_is_told_with_exit_status_4(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    hepwatch("exam", "import", a_table(tmp_path, SCAN, name="exams.csv"), "--by", "anna")

    answer = hepwatch("exam", "import", a_table(tmp_path, {**SCAN, "finding": "suspicious"}, name="other.csv"))

    assert answer.status == 4
    assert "1 difference from what is stored; nothing was changed" in answer.out


def test_a_table_of_events_is_imported(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    table = a_table(tmp_path, {"mrn": "P-2", "event": "death", "on": "2027-03-01", "detail": ""}, name="events.csv")

    answer = hepwatch("event", "import", table, "--by", "anna", "--json")

    assert answer.status == 0
    assert answer.value["states"] == [{"state": "ended", "episodes": 1}]
    assert {row["change"] for row in answer.value["visits"]} <= {"censored", "missed"}


def test_a_table_without_the_columns_is_told_what_is_missing(clinic: Path, hepwatch: Hepwatch, tmp_path: Path) -> None:
    answer = hepwatch("event", "import", a_table(tmp_path, {"mrn": "P-2", "date": "2027-03-01"}, name="events.csv"))

    assert answer.status == 4
    assert "events.csv cannot be imported; nothing was stored" in answer.err
    assert "event is missing; expected a column event" in answer.err
