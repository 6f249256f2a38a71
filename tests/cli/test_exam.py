"""`hepwatch exam`: what a coordinator reads after recording an examination, and the same for programs."""

from pathlib import Path

import pytest

from tests.actions.tables import a_patient, a_table
from tests.cli.conftest import Hepwatch

LIVER = ("--procedure", "liver_ct_mri")
FIRST_VISIT = ("--on", "2025-04-30")


@pytest.fixture
def long_ago(hepwatch: Hepwatch, clinic: Path, tmp_path: Path) -> None:
    """P-4 was operated on long ago, at low risk: visits three months apart."""
    table = a_table(tmp_path, a_patient(mrn="P-4", resected_on="2025-01-31"), name="long_ago.csv")
    assert hepwatch("patient", "import", table, "--sign", "surgery,pathology", "--by", "anna").status == 0


def test_recording_says_what_the_examination_counts_for_and_why(hepwatch: Hepwatch, long_ago: None) -> None:
    answer = hepwatch("exam", "record", "P-4", *LIVER, *FIRST_VISIT, "--finding", "no_recurrence", "--by", "anna")

    assert (answer.status, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[0] == "recorded liver CT/MRI on 2025-04-30 of P-4: no recurrence"
    assert lines[1] == (
        "counts as satisfies: performed 2025-04-30, inside the window 2025-02-28 to 2025-05-14 "
        "of the visit due 2025-04-30"
    )
    assert lines[2].startswith("the plan: ")


def test_a_recurrence_says_first_what_is_to_be_done(hepwatch: Hepwatch, long_ago: None) -> None:
    finding = ("--finding", "intrahepatic_recurrence", "--site-of-recurrence", "liver")

    answer = hepwatch("exam", "record", "P-4", *LIVER, *FIRST_VISIT, *finding)

    assert "of P-4: intrahepatic recurrence (liver)" in answer.out
    to_do = "to do: treatment decision by 2025-05-30 (treating clinician), because of intrahepatic recurrence"
    assert to_do in answer.out
    assert answer.out.index(to_do) < answer.out.index("active → paused")


def test_a_preview_says_so_first_and_stores_nothing(hepwatch: Hepwatch, long_ago: None) -> None:
    answer = hepwatch("exam", "record", "P-4", *LIVER, *FIRST_VISIT, "--finding", "both", "--preview")

    assert answer.out.startswith("preview: nothing was stored\n")
    assert "active → handed over" in answer.out
    assert hepwatch("exam", "list", "P-4").out == "no examination of P-4 is recorded\n"


def test_the_same_value_for_programs(hepwatch: Hepwatch, long_ago: None) -> None:
    answer = hepwatch("exam", "record", "P-4", "--procedure", "afp", *FIRST_VISIT, "--value", "4.5", "--json")

    told = {name: answer.value[name] for name in ("mrn", "procedure", "value", "number", "version", "verdict", "to_do")}
    assert told == {
        "mrn": "P-4",
        "procedure": "afp",
        "value": 4.5,
        "number": 1,
        "version": 1,
        "verdict": "satisfies",
        "to_do": [],
    }


def test_a_result_is_awaited_reviewed_corrected_and_deleted(hepwatch: Hepwatch, long_ago: None) -> None:
    which = ("P-4", *LIVER, *FIRST_VISIT)

    pending = hepwatch("exam", "record", *which, "--result", "pending").out
    too_early = hepwatch("exam", "review", *which, "--reviewed-by", "dr.lee")
    reviewed = hepwatch("exam", "review", *which, "--reviewed-by", "dr.lee", "--finding", "indeterminate").out
    corrected = hepwatch("exam", "correct", *which, "--finding", "inadequate", "--reason", "moved").out
    deleted = hepwatch("exam", "delete", *which, "--reason", "of another patient").out

    assert "of P-4: pending\ncounts as satisfies: " in pending
    assert "the result is pending, and counts unless it is found inadequate" in " ".join(pending.split())
    assert too_early.status == 4
    assert reviewed.startswith("reviewed liver CT/MRI on 2025-04-30 of P-4: indeterminate\ncounts as satisfies")
    assert corrected.startswith("corrected liver CT/MRI on 2025-04-30 of P-4: inadequate\ncounts as inadequate")
    assert deleted.startswith("deleted liver CT/MRI on 2025-04-30 of P-4: inadequate\nthe plan: ")


def test_the_list_shows_every_examination_with_its_verdict_and_reason(hepwatch: Hepwatch, long_ago: None) -> None:
    for arguments in (
        (*LIVER, *FIRST_VISIT, "--finding", "no_recurrence", "--reviewed-by", "dr.lee"),
        (*LIVER, *FIRST_VISIT, "--finding", "suspicious"),
        ("--procedure", "ultrasound", "--on", "2025-01-01", "--finding", "no_recurrence"),
    ):
        assert hepwatch("exam", "record", "P-4", *arguments).status == 0
    hepwatch("exam", "delete", "P-4", "--procedure", "ultrasound", "--on", "2025-01-01", "--reason", "not his")

    page = hepwatch("exam", "list", "P-4").out
    listed = hepwatch("exam", "list", "P-4", "--json").value

    assert page.startswith("Examinations of P-4\n")
    assert "dr.lee" in page
    assert "nobody yet" in page
    assert "liver CT/MRI (number 2 of the day)" in " ".join(page.split())
    assert page.endswith("1 examination deleted, each with its reason\n")
    assert [(row["number"], row["verdict"]) for row in listed] == [(1, "satisfies"), (2, "extra")]


MISTAKES = [
    pytest.param(["record", "P-9", *LIVER, *FIRST_VISIT, "--finding", "both"], 5, "no patient P-9", id="nobody"),
    pytest.param(["record", "P-4", *FIRST_VISIT], 2, "Missing option '--procedure'", id="no procedure"),
    pytest.param(["record", "P-4", *LIVER, "--on", "soon"], 2, "soon is not a date", id="no day"),
    pytest.param(["record", "P-4", *LIVER, *FIRST_VISIT], 4, "needs a finding", id="no finding"),
    pytest.param(
        ["record", "P-4", "--procedure", "ct", *FIRST_VISIT, "--finding", "both"],
        4,
        "one of liver_ct_mri",
        id="typing mistake",
    ),
    pytest.param(["record", "P-4", *LIVER, "--on", "2999-01-01", "--finding", "both"], 4, "in the future", id="future"),
    pytest.param(
        ["record", "P-4", "--procedure", "afp", *FIRST_VISIT, "--value", "200000"], 4, "--confirm", id="unusual"
    ),
    pytest.param(["review", "P-4", *LIVER, *FIRST_VISIT, "--reviewed-by", "x"], 5, "is not recorded", id="not there"),
    pytest.param(["correct", "P-4", *LIVER, *FIRST_VISIT], 2, "Missing option '--reason'", id="no reason"),
    pytest.param(["delete", "P-4", *LIVER, *FIRST_VISIT, "--reason", " "], 4, "needs a reason", id="empty reason"),
    pytest.param(["list", "P-9"], 5, "no patient P-9", id="nobody's list"),
]


@pytest.mark.parametrize(("arguments", "status", "said"), MISTAKES)
def test_a_mistake_is_told_in_a_sentence(
    hepwatch: Hepwatch, long_ago: None, arguments: list[str], status: int, said: str
) -> None:
    answer = hepwatch("exam", *arguments)

    assert (answer.status, answer.out) == (status, "")
    assert said in " ".join(answer.err.split())
    assert "Traceback" not in answer.err


def test_recording_twice_is_a_conflict_that_says_what_to_do(hepwatch: Hepwatch, long_ago: None) -> None:
    record = ("exam", "record", "P-4", *LIVER, *FIRST_VISIT, "--finding", "no_recurrence")
    hepwatch(*record)

    twice, again = hepwatch(*record), hepwatch(*record, "--again")

    assert twice.status == 6
    assert "is recorded already" in twice.err
    assert again.out.startswith("recorded liver CT/MRI (number 2 of the day) on 2025-04-30")
