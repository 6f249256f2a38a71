"""`hepwatch event`: what a coordinator reads after recording an event, and the same for programs."""

from pathlib import Path

import pytest

from tests.actions.tables import a_patient, a_table
from tests.cli.conftest import Hepwatch


@pytest.fixture
def long_ago(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    """P-4 was operated on long ago, at low risk, and examined once."""
    table = a_table(tmp_path, a_patient(mrn="P-4", resected_on="2025-01-31"), name="long_ago.csv")
    scan = ("--procedure", "liver_ct_mri", "--on", "2025-04-30", "--finding", "no_recurrence")
    assert hepwatch("patient", "import", table, "--sign", "surgery,pathology", "--by", "anna").status == 0
    assert hepwatch("exam", "record", "P-4", *scan).status == 0


def test_a_recurrence_says_what_it_did_and_what_is_to_be_done(hepwatch: Hepwatch, long_ago: None) -> None:
    recurrence = ("recurrence", "--on", "2025-05-01", "--detail", "intrahepatic")

    answer = hepwatch("event", "record", "P-4", *recurrence, "--by", "anna")

    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[:2] == [
        "recorded recurrence (intrahepatic) on 2025-05-01 of P-4: active → paused",
        "to do: treatment decision by 2025-05-31 (treating clinician), "
        "because of intrahepatic recurrence on 2025-05-01",
    ]
    assert lines[2].startswith("episode from 2025-01-31: active → paused")


def test_a_death_says_which_examinations_come_after_it(hepwatch: Hepwatch, long_ago: None) -> None:
    page = hepwatch("event", "record", "P-4", "death", "--on", "2025-03-01").out

    assert "recorded death on 2025-03-01 of P-4: active → ended" in page
    assert "1 other examination counted anew: 1 after end" in page
    assert "performed 2025-04-30, after the episode ended on 2025-03-01" in page
    assert "not due any more" in page


def test_a_death_is_taken_back_and_the_list_tells_both(hepwatch: Hepwatch, long_ago: None) -> None:
    hepwatch("event", "record", "P-4", "death", "--on", "2025-03-01", "--by", "anna")
    hepwatch("event", "record", "P-4", "last_seen", "--on", "2025-05-01", "--by", "anna")
    before = hepwatch("event", "list", "P-4").out

    back = hepwatch("event", "take-back", "P-4", "death", "--on", "2025-03-01", "--reason", "not him", "--by", "kim")

    after = hepwatch("event", "list", "P-4").out
    assert "after the death on 2025-03-01: kept, changes nothing" in before
    assert back.out.startswith("took back death on 2025-03-01 of P-4\n")
    assert "ended → active" in back.out
    assert "taken back by kim: not him" in after
    assert "a contact" in after


def test_the_list_says_what_an_examination_found_and_what_is_to_be_done(hepwatch: Hepwatch, long_ago: None) -> None:
    found = ("--procedure", "liver_ct_mri", "--on", "2025-07-30", "--finding", "intrahepatic_recurrence")
    hepwatch("exam", "record", "P-4", *found)

    page = hepwatch("event", "list", "P-4").out

    assert "an examination" in page
    assert "to do: treatment decision by 2025-08-29 (treating clinician)" in page


def test_a_preview_says_so_first_and_stores_nothing(hepwatch: Hepwatch, long_ago: None) -> None:
    answer = hepwatch("event", "record", "P-4", "curative_treatment", "--on", "2025-05-01", "--preview")

    assert answer.out.startswith("preview: nothing was stored\n")
    assert "ends the episode and begins the next" in answer.out
    assert hepwatch("event", "list", "P-4").out == "no event of P-4 is recorded\n"


def test_the_same_values_for_programs(hepwatch: Hepwatch, long_ago: None) -> None:
    recorded = hepwatch("event", "record", "P-4", "lost", "--on", "2025-05-01", "--json").value
    listed = hepwatch("event", "list", "P-4", "--json").value

    assert (recorded["event"], recorded["on"], recorded["detail"]) == ("lost", "2025-05-01", None)
    assert recorded["to_do"] == listed["to_do"]
    assert [(row["event"], row["effect"]) for row in listed["events"]] == [("lost", recorded["effect"])]


MISTAKES = [
    pytest.param(["record", "P-9", "lost", "--on", "2025-05-01"], 5, "no patient P-9", id="nobody"),
    pytest.param(["record", "P-4", "died", "--on", "2025-05-01"], 4, "there is no event died", id="unknown event"),
    pytest.param(["record", "P-4", "lost"], 2, "Missing option '--on'", id="no day"),
    pytest.param(["record", "P-4", "recurrence", "--on", "2025-05-01"], 4, "intrahepatic, extrahepatic", id="detail"),
    pytest.param(["record", "P-4", "death", "--on", "2999-01-01"], 4, "is in the future", id="future"),
    pytest.param(["take-back", "P-4", "death", "--on", "2025-05-01", "--reason", "x"], 5, "no death", id="nothing"),
    pytest.param(["take-back", "P-4", "death", "--on", "2025-05-01"], 2, "Missing option '--reason'", id="no reason"),
    pytest.param(["list", "P-9"], 5, "no patient P-9", id="nobody's list"),
]


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES)
def test_a_mistake_is_told_in_a_sentence(
    hepwatch: Hepwatch, long_ago: None, arguments: list[str], status: int, said: str
) -> None:
    answer = hepwatch("event", *arguments)

    assert (answer.status, answer.out) == (status, "")
    assert said in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_a_second_death_says_how_to_take_the_first_one_back(hepwatch: Hepwatch, long_ago: None) -> None:
    hepwatch("event", "record", "P-4", "death", "--on", "2025-05-01")

    answer = hepwatch("event", "record", "P-4", "death", "--on", "2025-05-02")

    assert answer.status == 6
    assert "hepwatch event take-back P-4 death --on 2025-05-01 --reason REASON" in answer.err
