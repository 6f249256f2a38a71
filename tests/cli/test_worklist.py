"""What a coordinator reads of a day's work and of the patients, and the same for programs."""

import csv
import io
from pathlib import Path

import pytest

from tests.cli.conftest import Hepwatch

LIST_DAY = "2026-09-16"


def test_visits_and_what_else_is_to_be_done_are_two_tables(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("event", "record", "P-1", "lost", "--on", "2026-08-30")

    page = hepwatch("worklist", "--as-of", LIST_DAY).out

    lines = [line.strip() for line in page.splitlines()]
    assert lines.index("Visits") < lines.index("To do")
    assert "find patient" in page
    assert "3 d overdue" in page
    assert lines[-2] == "2 visits: 2 overdue"


def test_for_programs_visits_and_tasks_stand_under_their_names(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("event", "record", "P-1", "lost", "--on", "2026-08-30")

    listed = hepwatch("worklist", "--as-of", LIST_DAY, "--json").value

    assert list(listed) == ["visits", "tasks"]
    found = next(task for task in listed["tasks"] if task["task"] == "find_patient")
    assert (found["mrn"], found["due_on"], found["days_overdue"]) == ("P-1", "2026-09-13", 3)


@pytest.mark.parametrize(
    ("option", "names"), [("--visits-only", ["visits"]), ("--tasks-only", ["tasks"])], ids=["visits", "tasks"]
)
def test_one_of_the_two_can_be_left_out(hepwatch: Hepwatch, clinic: Path, option: str, names: list[str]) -> None:
    assert list(hepwatch("worklist", "--as-of", LIST_DAY, option, "--json").value) == names


def test_tasks_as_csv_parse_back(hepwatch: Hepwatch, clinic: Path) -> None:
    hepwatch("event", "record", "P-1", "lost", "--on", "2026-08-30")

    rows = list(csv.DictReader(io.StringIO(hepwatch("worklist", "--as-of", LIST_DAY, "--tasks-only", "--csv").out)))

    assert "find_patient" in [row["task"] for row in rows]


@pytest.mark.parametrize(
    ("moment", "visits"),
    [
        pytest.param("2020-01-01", 0, id="before anything was recorded"),
        pytest.param("2020-01-01T09:00+09:00", 0, id="with a time zone"),
        pytest.param("2999-12-31", 2, id="a day to come: everything is known by its end"),
        pytest.param("2999-12-31T00:00Z", 2, id="a moment to come"),
    ],
)
def test_the_list_can_be_asked_for_as_it_was_known_at_a_moment(
    hepwatch: Hepwatch, clinic: Path, moment: str, visits: int
) -> None:
    answer = hepwatch("worklist", "--as-of", LIST_DAY, "--as-known-at", moment, "--json")

    assert len(answer.value["visits"]) == visits


@pytest.mark.parametrize(
    ("option", "said"),
    [
        pytest.param(("--as-known-at", "2026-09-16T10:00"), "has no time zone", id="no time zone"),
        pytest.param(("--as-known-at", "yesterday"), "yesterday is not a moment", id="no moment"),
        pytest.param(("--group", "medium"), "'medium' is not one of 'low', 'intermediate', 'high'", id="group"),
        pytest.param(("--intensity", "dense"), "'dense' is not one of", id="intensity"),
    ],
)
def test_a_word_that_means_nothing_is_wrong_usage(
    hepwatch: Hepwatch, clinic: Path, option: tuple[str, str], said: str
) -> None:
    answer = hepwatch("worklist", *option)

    assert (answer.status, answer.out) == (2, "")
    assert said in " ".join(answer.err.split())


def test_a_procedure_that_no_protocol_asks_for_has_exit_status_5(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("worklist", "--procedure", "ultrasound")

    assert answer.status == 5
    assert "no protocol asks for a procedure ultrasound" in answer.err


@pytest.mark.parametrize(
    ("options", "mrns"),
    [
        pytest.param(("--intensity", "intensive"), ["P-2"], id="intensity"),
        pytest.param(("--group", "high"), ["P-2"], id="group"),
        pytest.param(("--procedure", "afp"), ["P-2", "P-1"], id="procedure"),
        pytest.param(("--awaiting-pathology",), [], id="awaiting pathology"),
        pytest.param(("--provisional",), [], id="provisional"),
    ],
)
def test_the_list_is_narrowed_by_options(
    hepwatch: Hepwatch, clinic: Path, options: tuple[str, ...], mrns: list[str]
) -> None:
    listed = hepwatch("worklist", "--as-of", LIST_DAY, *options, "--json").value

    assert [row["mrn"] for row in listed["visits"]] == mrns


def test_patients_are_listed_with_what_is_signed(hepwatch: Hepwatch, clinic: Path) -> None:
    page = hepwatch("patient", "list").out

    assert "surgery, pathology" in page
    assert page.endswith("3 patients\n")


def test_who_awaits_pathology_is_listed_for_programs(hepwatch: Hepwatch, clinic: Path) -> None:
    listed = hepwatch("patient", "list", "--awaiting", "pathology", "--older-than", "30", "--json").value

    assert [(row["mrn"], row["signed_reports"], row["state"]) for row in listed] == [("P-3", [], "active")]


def test_patients_as_csv_parse_back(hepwatch: Hepwatch, clinic: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(hepwatch("patient", "list", "--csv").out)))

    assert [row["mrn"] for row in rows] == ["P-1", "P-2", "P-3"]
    assert rows[0]["signed_reports"] == "surgery|pathology"


def test_the_first_patients_are_shown_and_the_others_are_counted(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("patient", "list", "--limit", "1")

    assert answer.out.endswith("3 patients; the first 1 are shown (--limit)\n")
