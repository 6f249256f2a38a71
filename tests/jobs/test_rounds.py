"""The service's work in a real registry: days accounted for, and a file that was taken away and given back."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from threading import Event

import pytest

from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.unreached import SiteWithoutRecipients
from scheduler.actions.sites.describe_site import describe_site
from scheduler.cli.registry import rules_for
from scheduler.delivery.channels import Channels
from scheduler.jobs.keeping import Keeping, Serving
from scheduler.jobs.leaving import Leaving
from scheduler.jobs.rounds import Rounds
from scheduler.jobs.service import serve_once
from scheduler.store.registry import Registry
from tests.databases import ask, with_patients
from tests.delivery.ways import a_channels_file
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
    told: Callable[..., None],
    *,
    now: datetime = NOON,
    clock: Callable[[], datetime] | None = None,
    channels: Channels | None = None,
    rules_of: Callable[[Registry], Rules] = rules_for,
    sites: tuple[str, ...] = (),
    pause: Callable[[Event, float], object] = lambda _stop, _seconds: None,
) -> Keeping:
    """An instance that works in the registry at this URL at this moment."""
    rounds = Rounds(
        open_registry=lambda: Registry.open(url),
        rules_of=rules_of,
        channels=channels or Channels.read(None),
        actor="hepwatch",
        sites=sites,
    )
    return Keeping(rounds, Serving(at=time(7), now=clock or (lambda: now), worker="w-1", told=told, pause=pause))


def by_mail(folder: Path) -> Channels:
    """A channels file that lists e-mail."""
    return Channels.read(a_channels_file(folder, "channels:\n  email: {url: 'file:sent.jsonl'}\n"))


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


def test_whom_no_message_can_reach_is_looked_up_in_the_registry(database_url: str, tmp_path: Path) -> None:
    with Registry.open(database_url) as registry:
        with_patients(registry, 2)
    told = Told()
    keeping = keeping_of(database_url, told, channels=by_mail(tmp_path))

    keeping.look_for_unreached()

    (reason,) = keeping.stood().unreached
    assert (reason, told.actions) == (SiteWithoutRecipients(site="S1", patients=2), ["nobody_named"])
    keeping_of(database_url, told).look_for_unreached()  # everything is written to standard output
    assert told.actions == ["nobody_named"]


def test_rules_that_cannot_be_read_keep_no_site_waiting(database_url: str, tmp_path: Path) -> None:
    def wrong_rules(_registry: Registry) -> Rules:
        raise KeyError("rules")

    told = Told()
    keeping = keeping_of(a_clinic(database_url), told, channels=by_mail(tmp_path), rules_of=wrong_rules)

    keeping.guarded(keeping.look_for_unreached)

    assert (told.actions, keeping.check()[1]) == (["defect"], ["seoul"])


def test_a_site_whose_plans_took_until_its_midnight_is_put_off(database_url: str) -> None:
    moments, told = [NOON], Told()

    def midnight_comes(action: str, **facts: object) -> None:
        told(action, **facts)
        if action == "replanned":
            moments.append(NOON + timedelta(hours=12))

    keeping = keeping_of(a_clinic(database_url), midnight_comes, clock=lambda: moments[-1])
    keeping.check()
    keeping.guarded(lambda: keeping.do("seoul"), site="seoul")

    assert told.lines[-1] == ("put_off", {"site": "seoul", "on": date(2026, 11, 23)})
    assert keeping.check()[0].days.is_empty()


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
