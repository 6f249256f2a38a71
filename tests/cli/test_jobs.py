"""What a coordinator reads of the daily job: which days were done, which were missed, what comes next."""

from datetime import UTC, date, datetime, time
from pathlib import Path

import polars as pl

from scheduler.cli.jobs_page import job_lines, sentences
from scheduler.jobs.standing import DAYS, GAPS
from tests.cli.conftest import Hepwatch

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)  # ten in the morning in Seoul
ZONES = {"seoul": "Asia/Seoul"}


def a_day(on: date, state: str, **counts: int) -> dict[str, object]:
    """The account of one day of the reminders in Seoul."""
    usual = {"eligible": 3, "sent": 3, "failed": 0, "suppressed": 0, "unknown": 0}
    moments = {"started_at": NOW, "finished_at": NOW}
    return {"job": "reminders", "site": "seoul", "on": on, "state": state, **moments, **usual, **counts}


def days_of(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=DAYS)


def gaps_of(*days: date) -> pl.DataFrame:
    return pl.DataFrame([("seoul", "Asia/Seoul", "reminders", on) for on in days], schema=GAPS, orient="row")


def test_a_day_that_was_done_is_shown_with_how_it_adds_up(hepwatch: Hepwatch, clinic: Path) -> None:
    assert hepwatch("remind").status == 0

    page = hepwatch("jobs", "list", "--at", "00:00").out

    (line,) = [line.split() for line in page.splitlines() if line.startswith("seoul")]
    assert (line[0], line[1], line[4]) == ("seoul", "reminders", "balanced")
    assert page.splitlines()[-1] == "Every day is accounted for."


def test_a_site_of_which_no_day_was_done_is_shown_with_what_is_owed(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("jobs", "list", "--at", "00:00", "--json").value

    (job,) = answer
    assert (job["site"], job["last_on"], job["state"], len(job["owed"]), job["missed"]) == ("seoul", None, None, 1, [])


def test_a_site_that_is_not_there_is_told(hepwatch: Hepwatch, clinic: Path) -> None:
    answer = hepwatch("jobs", "list", "--site", "soul")

    assert (answer.status, "there is no site soul" in answer.err) == (5, True)


def test_the_next_ring_is_in_the_sites_own_time() -> None:
    (line,) = job_lines(ZONES, gaps_of(), days_of(), now=NOW, at=time(7))

    assert line.next_ring.isoformat() == "2026-11-23T07:00:00+09:00"


def test_the_last_day_is_the_newest_and_old_missed_days_are_not_repeated() -> None:
    days = days_of(
        a_day(date(2026, 11, 21), "balanced", eligible=7),
        a_day(date(2026, 11, 20), "missed"),
        a_day(date(2026, 10, 23), "missed"),
        a_day(date(2026, 10, 22), "missed"),
    )

    (line,) = job_lines(ZONES, gaps_of(), days, now=NOW, at=time(7))

    assert (line.last_on, line.state, line.counts["eligible"]) == (date(2026, 11, 21), "balanced", 7)
    assert line.missed == (date(2026, 10, 23), date(2026, 11, 20))


def test_what_a_person_should_look_at_is_said_in_sentences() -> None:
    days = days_of(a_day(date(2026, 11, 21), "balanced", unknown=1, failed=2), a_day(date(2026, 11, 20), "missed"))

    said = sentences(job_lines(ZONES, gaps_of(date(2026, 11, 22)), days, now=NOW, at=time(7)))

    assert said == [
        "seoul: 2026-11-22 not accounted for yet; the service does it within the hour, or: hepwatch run --once",
        "seoul: nothing ran on 2026-11-20; what was still owed went out afterwards",
        "seoul: 1 reminder may or may not have arrived; see hepwatch remind list",
        "seoul: 2 reminders did not arrive; see hepwatch remind list",
    ]


def test_today_is_not_owed_before_its_time() -> None:
    (line,) = job_lines(ZONES, gaps_of(date(2026, 11, 22)), days_of(), now=NOW, at=time(11))

    assert (line.owed, line.next_ring.isoformat()) == ((), "2026-11-22T11:00:00+09:00")
