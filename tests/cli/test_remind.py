"""The day's messages as a coordinator meets them: what goes out, what does not, what waits, and what is never shown."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from scheduler import clock
from tests.cli.conftest import Answer, Hepwatch
from tests.delivery.servers import MailFault, RecordingMailServer

DUE = date(2026, 9, 1)  # of P-1's first visit; P-2's is two weeks late and escalated
DAY = timedelta(days=1)
ADDRESS = "minji-private@example.org"
IDENTITY = (ADDRESS, "Hong Gildong", "Minji", "1961-02-03")


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ten in the morning in Seoul."""
    set_clock(monkeypatch, DUE)


@pytest.fixture
def told(hepwatch: Hepwatch, clinic: Path) -> Hepwatch:
    """A clinic on that day, where P-1 may be told by e-mail and anna coordinates."""
    reached = ("--channel", "email", "--address")
    assert hepwatch("contact", "set", "P-1", *reached, ADDRESS, "--consented-on", "2026-06-02").status == 0
    assert hepwatch("recipient", "set", "seoul", "coordinator", "anna", *reached, "anna@example.org").status == 0
    return hepwatch


def set_clock(monkeypatch: pytest.MonkeyPatch, on: date, hour: int = 1) -> None:
    """Set this machine's clock to an hour, in UTC, of a day."""
    monkeypatch.setattr(clock, "now", lambda: datetime(on.year, on.month, on.day, hour, tzinfo=UTC))
    monkeypatch.setattr(clock, "today", lambda: on)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RecordingMailServer]:
    """A mail server, to which the configured channel leads."""
    with RecordingMailServer() as running:
        file = tmp_path / "channels.yaml"
        url = f"mailto://127.0.0.1:{running.port}?from=clinic@example.org&to={{address}}"
        file.write_text(f"channels:\n  email: {{url: '{url}', attempts: 1, timeout_seconds: 5}}\n", "utf-8")
        file.chmod(0o600)
        monkeypatch.setenv("HEPWATCH_CHANNELS_FILE", str(file))
        yield running


def lines(answer: Answer, word: str) -> list[list[str]]:
    """The cells of the rows of a page that begin with a word."""
    rows = [line.split() for line in answer.out.splitlines()]
    return [row for row in rows if len(row) > 1 and row[0] == word]


def test_the_day_is_told_with_how_it_adds_up(told: Hepwatch) -> None:
    answer = told("remind")

    assert (answer.status, answer.err) == (0, "")
    assert lines(answer, "seoul") == [["seoul", "2026-09-01", "balanced", "4", "3", "0", "1", "0"]]
    assert answer.out.count("Subject: ") == 1  # anna's digest, on the console; a patient does not read it
    assert "no channel is configured" in answer.out


def test_a_program_gets_the_same_balance(told: Hepwatch, server: RecordingMailServer) -> None:
    answer = told("remind", "--json")

    counts = {"eligible": 4, "sent": 4, "failed": 0, "suppressed": 0, "unknown": 0}
    assert answer.value == [{"site": "seoul", "on": "2026-09-01", "state": "balanced", **counts, "reasons": {}}]
    assert answer.status == 0
    assert sorted(mail.recipient for mail in server.mails) == ["anna@example.org", ADDRESS]


def test_a_channel_that_is_missing_is_told_with_who_uses_it_and_the_others_get_their_messages(
    told: Hepwatch, server: RecordingMailServer
) -> None:
    assert told("recipient", "set", "seoul", "clinician", "han", "--channel", "teams").status == 0

    answer = told("remind")

    (line, *_) = answer.err.splitlines()
    assert line == (
        "channel teams is not in the channels file, and 1 recipient of seoul is to be told by it; list it in the file"
        " that HEPWATCH_CHANNELS_FILE names, or give those who use it another one (hepwatch recipient set, hepwatch"
        " contact set)"
    )
    assert answer.status == 7
    assert sorted(mail.recipient for mail in server.mails) == ["anna@example.org", ADDRESS]


def test_what_is_missing_is_told_on_a_day_on_which_nothing_is_owed_too(
    told: Hepwatch, server: RecordingMailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told("contact", "set", "P-1", "--channel", "kakao").status == 0
    set_clock(monkeypatch, DUE - 45 * DAY)

    answer = told("remind")
    elsewhere = told("remind", "--dry-run")

    assert (answer.status, lines(answer, "seoul")[0][4:6]) == (7, ["0", "0"])
    assert answer.err == elsewhere.err
    assert answer.err.startswith("channel kakao is not in the channels file, and 1 patient is to be told by it; ")
    assert elsewhere.status == 0


def test_a_channel_that_nobody_uses_is_told_and_no_trouble(
    told: Hepwatch, server: RecordingMailServer, tmp_path: Path
) -> None:
    assert told("contact", "withdraw", "P-1", "--reason", "moved").status == 0
    assert told("recipient", "set", "seoul", "coordinator", "anna", "--channel", "teams").status == 0
    (tmp_path / "channels.yaml").write_text("channels:\n  teams: {url: 'file:teams.jsonl'}\n", "utf-8")

    answer = told("remind")

    assert answer.status == 0
    assert "rungs of the reminder policy name it; nobody is told by it now; list it in the file" in answer.err


def test_a_site_that_named_nobody_is_told_where_messages_leave_the_machine(
    told: Hepwatch, server: RecordingMailServer
) -> None:
    assert told("recipient", "withdraw", "seoul", "coordinator", "anna", "--reason", "on leave").status == 0

    answer = told("remind")

    assert (answer.status, [mail.recipient for mail in server.mails]) == (7, [ADDRESS])
    assert answer.err == (
        "site seoul has named nobody who is told, so that nobody of its staff hears of its 3 patients; name somebody"
        " with hepwatch recipient set seoul coordinator CODE\n"
    )


def test_a_dry_run_says_who_would_be_told_what_and_sends_and_stores_nothing(
    told: Hepwatch, clinic: Path, server: RecordingMailServer
) -> None:
    before = clinic.read_bytes()

    answer = told("remind", "--dry-run")

    assert answer.status == 0
    assert lines(answer, "seoul")[:2] == [
        ["seoul", "P-1", "grid-3", "due", "1", "coordinator:anna", "email"],
        ["seoul", "P-1", "grid-3", "due", "1", "patient", "email"],
    ]
    assert answer.out.splitlines()[-1] == (
        "2026-09-01: 4 reminders asked for: 4 would be sent, 0 would not, 0 on the ledger already. Nothing was sent."
    )
    assert (clinic.read_bytes(), server.mails) == (before, [])
    assert lines(told("remind"), "seoul")[0][4] == "4"


def test_a_dry_run_says_why_somebody_would_not_be_told(told: Hepwatch) -> None:
    assert told("event", "record", "P-1", "death", "--on", "2026-08-31").status == 0

    page = told("remind", "--dry-run", "--as-of", "2026-09-01")
    rows = told("remind", "--dry-run", "--json").value

    assert ["seoul", "P-1", "grid-3", "due", "1", "patient", "surveillance", "has", "ended"] in lines(page, "seoul")
    whys = {(row["mrn"], row["recipient"]): (row["outcome"], row["why_not"]) for row in rows}
    assert whys["P-1", "patient"] == ("suppressed", "ended")
    assert told("remind", "--dry-run", "--csv").out.startswith("site,on,mrn,about,rung,occurrence,recipient,channel,")


def test_a_day_to_come_can_be_looked_at_but_not_done(told: Hepwatch) -> None:
    looked = told("remind", "--dry-run", "--as-of", "2026-09-16")
    refused = told("remind", "--as-of", "2026-09-02")

    assert (looked.status, "overdue" in looked.out) == (0, True)
    assert (refused.status, refused.out) == (4, "")
    assert "2026-09-02 has not begun at seoul, where today is 2026-09-01; nothing was sent" in refused.err


def test_a_day_that_is_over_is_only_accounted_for(told: Hepwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("remind").status == 0
    set_clock(monkeypatch, DUE + 2 * DAY)

    answer = told("remind", "--as-of", DUE + DAY)
    before_the_first = told("remind", "--as-of", DUE - DAY)

    assert [cells[1:3] for cells in lines(answer, "seoul")] == [["2026-09-02", "missed"]]
    assert (answer.status, "Subject: " in answer.out) == (0, False)
    assert (before_the_first.status, before_the_first.out) == (0, "No day was accounted for.\n")


def test_without_a_site_nobody_is_reminded(hepwatch: Hepwatch, sqlite_url: str) -> None:
    answer = hepwatch("remind")

    assert (answer.status, answer.out) == (0, "There is no site yet, so nobody is reminded.\n")


def test_a_clock_that_went_back_is_told(told: Hepwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told("remind").status == 0
    set_clock(monkeypatch, DUE - DAY)

    answer = told("remind")

    assert answer.status == 7
    assert "seoul: today is 2026-08-31 by this machine's clock, and 2026-09-01 is accounted for already" in answer.err


def test_what_is_unknown_waits_until_somebody_says_and_can_go_out_again(
    told: Hepwatch, server: RecordingMailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fault = MailFault.DROPS_AFTER_CONTENT
    said = ("--reason", "asked where it would have arrived")

    ran = told("remind", "--site", "seoul")
    listed = told("remind", "list")
    waiting = {row["recipient"]: row["message"] for row in told("remind", "list", "--json").value}
    arrived = told("remind", "resolve", waiting["patient"], "--arrived", *said)
    lost = told("remind", "resolve", waiting["coordinator:anna"], "--not-arrived", *said)
    server.fault = MailFault.NONE
    set_clock(monkeypatch, DUE, hour=2)
    again = told("remind")

    assert (ran.status, "hepwatch remind list" in ran.out) == (7, True)
    assert "To say what became of one: hepwatch remind resolve MESSAGE" in listed.out
    assert arrived.out == f"message {waiting['patient']}, about 1 patient: arrived\n"
    assert "about 3 patients: did not arrive; it goes out with the next run" in lost.out
    assert (again.status, lines(again, "seoul")[0][4]) == (0, "4")
    assert sorted(mail.recipient for mail in server.mails) == ["anna@example.org", "anna@example.org", ADDRESS]


def test_what_failed_for_now_goes_out_by_itself_and_needs_nobody(told: Hepwatch, server: RecordingMailServer) -> None:
    server.fault = MailFault.GREYLISTS
    ran = told("remind")
    listed = told("remind", "list", "--state", "failed", "--mrn", "#1")

    assert ran.status == 7
    assert "What failed for now goes out again with the next run" in listed.out
    assert "remind resolve" not in listed.out
    assert {cells[3] for cells in lines(listed, "1") + lines(listed, "2")} == {"P-1"}


def test_who_does_not_say_whether_it_arrived_changes_nothing(told: Hepwatch, server: RecordingMailServer) -> None:
    server.fault = MailFault.DROPS_AFTER_CONTENT
    assert told("remind").status == 7

    answer = told("remind", "resolve", told("remind", "list", "--json").value[0]["message"], "--reason", "x")

    assert (answer.status, "--arrived or --not-arrived" in answer.err) == (2, True)
    assert {row["state"] for row in told("remind", "list", "--json").value} == {"unknown"}


def test_what_is_asked_wrongly_is_told(told: Hepwatch) -> None:
    assert told("remind", "resolve", 1, "--arrived", "--reason", "x").status == 5
    assert told("remind", "resolve", 1, "--reason", "x").status == 2
    assert told("remind", "resolve", 1, "--arrived").status == 2
    assert told("remind", "list", "--state", "lost").status == 2
    assert told("remind", "list", "--mrn", "P-9").status == 5
    assert told("remind", "--site", "soul").status == 5
    assert told("remind", "--as-of", "tomorrow").status == 2
    assert told("remind", "list").out == "No reminder is unknown or failed or claimed.\n"


def test_messages_since_a_death_are_told_at_once_and_are_a_finding(told: Hepwatch, server: RecordingMailServer) -> None:
    assert told("remind").status == 0

    assert len(server.mails) == 2
    recorded = told("event", "record", "P-1", "death", "--on", "2026-08-30")
    findings = told("audit", "findings")

    assert "2 messages about this patient went out, or may have, since the death on 2026-08-30" in recorded.out
    assert "1 of them to the patient" in recorded.out.replace("\n", " ")
    assert "message after death" in findings.out


@pytest.mark.parametrize("fault", [MailFault.DROPS_AFTER_CONTENT, MailFault.REFUSES_RECIPIENT])
def test_no_address_name_or_birth_date_is_printed_and_no_mrn_on_stderr(
    told: Hepwatch, server: RecordingMailServer, fault: MailFault
) -> None:
    server.fault = fault

    answers = [
        told("remind", "--dry-run"),
        told("remind"),
        told("remind", "--json"),
        told("remind", "list", "--state", "sent,failed,unknown,claimed"),
        told("remind", "list", "--state", "sent,failed,unknown,claimed", "--json"),
        told("remind", "resolve", 99, "--arrived", "--reason", "x"),
        told("remind", "--as-of", "2099-01-01"),
    ]

    printed = "".join(answer.out + answer.err for answer in answers)
    errors = "".join(answer.err for answer in answers)
    assert [each for each in (*IDENTITY, "anna@example.org") if each in printed] == []
    assert "P-1" not in errors + answers[1].out + answers[2].out
    assert all("P-1" not in mail.text and ADDRESS not in mail.text for mail in server.mails)
