"""`hepwatch remind preview`, as a person sees it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from scheduler.actions.reminders.preview import UnknownRung
from scheduler.cli.remind_preview import preview_command
from tests.rulebook.broken_files import REMINDERS, write


def previewed(*arguments: str) -> str:
    """What the command prints."""
    answer = CliRunner().invoke(preview_command, arguments, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return str(answer.stdout)


def test_a_coordinator_reads_what_the_patient_and_the_coordinator_would_get() -> None:
    page = previewed("--rung", "due", "--language", "ko")

    assert [line for line in page.splitlines() if line.startswith("== ")] == [
        "== to the patient, by email: patient_due, a message of its own, on working days; "
        "shows of the patient: nothing",
        "== to the coordinator, by email: staff_digest, one message for everything of a day, on working days; "
        "shows of the patient: number",
    ]
    assert "진료받으실 때가 되었습니다" in page


def test_the_policy_s_own_language_is_spoken_where_none_is_named() -> None:
    assert "Please arrange your appointment at Example clinic" in previewed("--rung", "due", "--to", "patient")


def test_a_task_s_rung_is_shown_as_json_for_programs() -> None:
    [value] = json.loads(previewed("--rung", "due", "--task", "unread_result", "--json"))

    assert (value["role"], value["sends_on"], value["subject"]) == (
        "clinician",
        "every_day",
        "Example clinic: result to be read, due",
    )
    assert value["text"].startswith("Example clinic, 8 May 2026\n\n#17: result to be read, due 8 May 2026.")


def test_a_site_s_own_policy_is_shown_by_its_id(tmp_path: Path) -> None:
    write(tmp_path, REMINDERS, ('subject: "Please call {{ site }}"', 'subject: "A word from {{ site }}"'))

    page = previewed("--rung", "overdue", "--to", "patient", "--policy", "at-our-site", "--rules", str(tmp_path))

    assert "A word from Example clinic" in page


def test_a_rung_that_is_not_there_is_no_silence() -> None:
    with pytest.raises(UnknownRung):
        previewed("--rung", "late")
