"""The service's work in a real registry: days accounted for, and a file that was taken away and given back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from threading import Event

import pytest

from scheduler.actions.sites.describe_site import describe_site
from scheduler.cli.registry import rules_for
from scheduler.delivery.channels import Channels
from scheduler.jobs.keeping import Keeping, Serving
from scheduler.jobs.leaving import Leaving
from scheduler.jobs.rounds import Rounds
from scheduler.jobs.service import serve_once
from scheduler.store.registry import Registry
from tests.databases import ask, with_patients
from tests.jobs.ledger import Told

NOON = datetime(2026, 11, 22, 3, tzinfo=UTC)  # in Seoul


def a_clinic(url: str) -> str:
    """The registry at this URL, with the sites seoul and bonn."""
    with Registry.open(url) as registry:
        for code, zone in (("seoul", "Asia/Seoul"), ("bonn", "Europe/Berlin")):
            describe_site(registry, code, title=None, country=None, subdivision=None, time_zone=zone, actor="anna")
    return url


def keeping_of(
    url: str,
    told: Told,
    *,
    now: datetime = NOON,
    sites: tuple[str, ...] = (),
    pause: Callable[[Event, float], object] = lambda _stop, _seconds: None,
) -> Keeping:
    """An instance that works in the registry at this URL at this moment."""
    rounds = Rounds(
        open_registry=lambda: Registry.open(url),
        rules_of=rules_for,
        channels=Channels.read(None),
        actor="hepwatch",
        sites=sites,
    )
    return Keeping(rounds, Serving(at=time(7), now=lambda: now, worker="w-1", told=told, pause=pause))


def test_the_sites_whose_time_has_come_are_done_and_the_others_wait(database_url: str) -> None:
    told = Told()
    keeping = keeping_of(a_clinic(database_url), told)

    balanced = serve_once(keeping, Leaving())

    done = keeping.stood().look.days.select("site", "on", "state").rows()
    assert (balanced, done) == (True, [("seoul", date(2026, 11, 22), "balanced")])


def test_days_on_which_nothing_ran_are_accounted_for_as_missed(database_url: str) -> None:
    url = a_clinic(database_url)
    serve_once(keeping_of(url, Told(), sites=("seoul",)), Leaving())
    after_three_days = keeping_of(url, Told(), now=datetime(2026, 11, 26, 3, tzinfo=UTC), sites=("seoul",))

    balanced = serve_once(after_three_days, Leaving())

    days = after_three_days.stood().look.days.sort("on").select("on", "state").rows()
    assert balanced
    assert days == [
        (date(2026, 11, 22), "balanced"),
        *((date(2026, 11, day), "missed") for day in (23, 24, 25)),
        (date(2026, 11, 26), "balanced"),
    ]
    assert after_three_days.stood().look.gaps.is_empty()


def test_a_registry_file_that_is_taken_away_is_waited_for_until_it_is_given_back(
    sqlite_url: str, tmp_path: Path
) -> None:
    url, file, elsewhere = a_clinic(sqlite_url), Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "elsewhere.db"
    told, pauses = Told(), []

    def give_back(_stop: Event, seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            elsewhere.rename(file)

    keeping = keeping_of(url, told, pause=give_back)
    _, owed = keeping.check()
    file.rename(elsewhere)
    done = [keeping.do(site) for site in owed]

    assert (owed, done, len(pauses)) == (["seoul"], [True], 3)
    assert told.actions[:4] == ["database_away"] * 3 + ["replanned"]
    assert "database_back" in told.actions
    assert keeping.stood().database_answers


@pytest.mark.parametrize("at", ["check", "work"])
def test_nothing_is_made_where_the_registry_was(sqlite_url: str, tmp_path: Path, at: str) -> None:
    url, file = a_clinic(sqlite_url), Path(sqlite_url.removeprefix("sqlite:///"))
    keeping = keeping_of(url, Told(), pause=lambda stop, _seconds: stop.set())
    keeping.check()
    file.rename(tmp_path / "elsewhere.db")

    keeping.guarded(keeping.check if at == "check" else lambda: keeping.do("seoul"))

    assert not file.exists()


def test_a_plan_that_cannot_be_brought_up_to_the_day_keeps_no_reminder_back(sqlite_url: str) -> None:
    with Registry.open(sqlite_url) as registry:
        with_patients(registry, 2)
    ask(sqlite_url, "UPDATE plans SET protocol_id = 'our-own' WHERE episode_id = 1")  # which no rule file has any more
    told = Told()
    keeping = keeping_of(sqlite_url, told, now=datetime(2026, 3, 5, 3, tzinfo=UTC))

    balanced = serve_once(keeping, Leaving())

    assert balanced
    assert "replan_failed" in told.actions
    assert keeping.stood().look.days["eligible"].to_list() == [6]  # two visits to two recipients, two reports
    assert keeping.stood().defects == 1
