"""Two people sign the same report at the same moment, in two processes, on both databases."""

import os
import subprocess
import sys
from pathlib import Path

from scheduler.actions.finding import find_patient
from scheduler.store.registry import Registry
from tests.actions.tables import SURGERY, a_patient, a_table, import_table, sign

REPOSITORY = Path(__file__).parents[3]
SIGNER = """
import sys
from scheduler.actions.reports.sign_report import ChangedSince
from scheduler.core.variables import CollectedAt
from scheduler.settings import database_url
from scheduler.store.registry import Registry
from tests.actions.tables import SURGERY, a_patient, a_table, import_table, sign

name, albumin, seen = sys.argv[1], sys.argv[2], int(sys.argv[3])
with Registry.open(database_url()) as registry:
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        sign(registry, stage=SURGERY, findings={"albumin_g_l": albumin}, actor=name, reason="read again", seen=seen)
        print("signed")
    except ChangedSince as error:
        print(error.message)
"""


def test_of_two_who_sign_at_once_the_second_is_told_what_changed_and_nothing_is_lost(drafted: Registry) -> None:
    with drafted.reading() as reading:
        seen = find_patient(reading, "P-1").version
    signers = [signer(name, albumin, seen) for name, albumin in (("dr.lee", "38"), ("dr.kim", "35"))]

    answers = at_once(signers)

    refused = next(answer for answer in answers if answer != "signed")
    assert sorted(answer == "signed" for answer in answers) == [False, True]
    winner, now, yours = ("dr.lee", "38.0", "35.0") if answers[0] == "signed" else ("dr.kim", "35.0", "38.0")
    assert f"- {winner}: sign surgery report on " in refused
    assert f"- albumin_g_l: now {now}, yours {yours}" in refused
    with drafted.reading() as reading:
        reports = reading.reports_of().filter(stage="surgery")
    assert reports.select("version", "state", "signed_by").rows() == [(1, "signed", winner)]


def test_the_second_may_sign_after_reading_again(drafted: Registry) -> None:
    with drafted.reading() as reading:
        seen = find_patient(reading, "P-1").version
    sign(drafted, stage=SURGERY, findings={"albumin_g_l": "38"}, actor="dr.lee", reason="read again", seen=seen)
    with drafted.reading() as reading:
        seen_again = find_patient(reading, "P-1").version

    signed = sign(
        drafted, stage=SURGERY, findings={"albumin_g_l": "35"}, actor="dr.kim", reason="the laboratory", seen=seen_again
    )

    assert (signed.version, signed.differences.select("old", "new").row(0)) == (2, ("38.0", "35.0"))


def signer(name: str, albumin: str, seen: int) -> subprocess.Popen[str]:
    """A process that has opened the registry and waits for the word."""
    process = subprocess.Popen(
        [sys.executable, "-c", SIGNER, name, albumin, str(seen)],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def at_once(signers: list[subprocess.Popen[str]]) -> list[str]:
    """Give the word to all; what each of them says."""
    for process in signers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120)[0].strip() for process in signers]


def test_an_import_raises_the_version_only_of_whom_it_changes(followed: Registry, tmp_path: Path) -> None:
    with followed.reading() as reading:
        before = reading.episodes_of()["version"].to_list()

    import_table(followed, a_table(tmp_path, a_patient()))
    with followed.reading() as reading:
        same = reading.episodes_of()["version"].to_list()
    import_table(followed, a_table(tmp_path, a_patient(albumin_g_l="38")), reason="read again")

    with followed.reading() as reading:
        changed = reading.episodes_of()["version"].to_list()
    assert same == before
    assert changed[0] > before[0]
