"""One instance at work: it does what is owed, waits for a database that is away, and one site's error stays its own."""

from datetime import UTC, date, datetime, timedelta
from threading import Event

import pytest

from scheduler.actions.reminders.running import Reminding
from scheduler.errors import HepwatchError
from scheduler.jobs.keeping import DefectMet
from scheduler.jobs.leaving import Leaving
from scheduler.jobs.service import Service, serve_once
from scheduler.store.errors import DatabaseUnreachable, RegistryNotFound, WrongKey
from tests.jobs.addresses import an_address
from tests.jobs.ledger import SEOUL_AT_7, Ledger, Told, keeping_of

AWAY = DatabaseUnreachable(place="the clinic's registry", reason="connection refused")
GONE = RegistryNotFound(place="the clinic's registry")


class Failing:
    """A step that raises these errors, one at each call, and then nothing."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = iter(errors)

    def __call__(self, *_facts: object) -> None:
        for error in self._errors:
            raise error


def test_after_a_stop_of_three_days_each_missed_day_is_accounted_for_once_and_today_is_done() -> None:
    ledger, told = Ledger(first=date(2026, 11, 19)), Told()

    balanced = serve_once(keeping_of(ledger, told), Leaving())
    again = serve_once(keeping_of(ledger, told), Leaving())

    states = {str(on): balance.state for (_, on), balance in ledger.done.items()}
    assert (balanced, again) == (True, True)
    assert states == {"2026-11-19": "missed", "2026-11-20": "missed", "2026-11-21": "missed", "2026-11-22": "balanced"}


def test_before_its_local_time_a_site_is_left_alone() -> None:
    ledger = Ledger()

    serve_once(keeping_of(ledger, Told(), now=lambda: SEOUL_AT_7 - timedelta(seconds=1)), Leaving())

    assert ledger.done == {}


def test_a_day_that_does_not_balance_is_said_by_the_exit() -> None:
    assert serve_once(keeping_of(Ledger(state="unbalanced"), Told()), Leaving()) is False


def test_the_heartbeat_goes_after_a_balanced_day_only() -> None:
    with an_address() as address:
        for state in ("unbalanced", "balanced"):
            url = f"{address.url}/{state}"
            serve_once(keeping_of(Ledger(state=state), Told(), heartbeat_url=url), Leaving())

    assert (address.asked.get_nowait(), address.asked.empty()) == ("/balanced", True)


def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost() -> None:
    ledger, told = Ledger(before=Failing(AWAY, AWAY)), Told()
    keeping = keeping_of(ledger, told)

    balanced = serve_once(keeping, Leaving())

    assert (balanced, len(ledger.done), told.actions[:3]) == (
        True,
        1,
        ["database_away", "database_away", "database_back"],
    )
    assert keeping.stood().database_answers


def test_while_the_database_is_away_the_standing_says_so() -> None:
    ledger, told = Ledger(before_look=Failing(AWAY, AWAY)), Told()
    keeping = keeping_of(ledger, told, most_tries=2)

    with pytest.raises(DatabaseUnreachable):
        serve_once(keeping, Leaving())

    assert not keeping.stood().database_answers


def test_a_registry_that_was_never_there_is_told_at_once() -> None:
    with pytest.raises(RegistryNotFound):
        serve_once(keeping_of(Ledger(before_look=Failing(GONE)), Told()), Leaving())


def test_a_registry_that_was_there_and_is_gone_is_waited_for() -> None:
    ledger, told = Ledger(before=Failing(GONE)), Told()

    assert serve_once(keeping_of(ledger, told), Leaving())
    assert told.actions == ["database_away", "database_back", "day_done"]


@pytest.mark.parametrize(
    ("error", "raised", "told_as"),
    [
        pytest.param(WrongKey(place="r"), WrongKey, "refused", id="an error that a person can help"),
        pytest.param(KeyError("Kim Minji"), DefectMet, "defect", id="a defect of ours"),
    ],
)
def test_one_sites_error_keeps_no_other_site_waiting(
    error: Exception, raised: type[HepwatchError], told_as: str
) -> None:
    ledger, told = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"}, before=Failing(error)), Told()

    with pytest.raises(raised):
        serve_once(keeping_of(ledger, told), Leaving())

    assert [site for site, _ in ledger.done] == ["seoul"]
    action, facts = told.lines[0]
    assert (action, facts["site"], "Kim" in str(facts)) == (told_as, "apia", False)


def test_a_service_rings_checks_works_and_stops() -> None:
    ledger, told = Ledger(zones={"seoul": "Asia/Seoul", "bonn": "Europe/Berlin"}), Told()
    leaving = Leaving()

    def stop_after_seoul(reminding: Reminding) -> None:
        if reminding.site == "seoul":
            leaving.say(None)

    ledger.before = stop_after_seoul
    service = Service(keeping_of(ledger, told), leaving, port=0)
    service.start()
    reason = leaving.wait()
    stopped = service.stop(within_seconds=60)

    assert (reason, stopped, list(ledger.done)) == (None, True, [("seoul", date(2026, 11, 22))])
    assert ("gap_checked", {"sites": 2, "owed": 1}) in told.lines


def test_what_is_left_when_the_service_stops_waits_for_the_next_start() -> None:
    ledger, told = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"}), Told()
    leaving = Leaving()
    keeping = keeping_of(ledger, told)

    def stopped_meanwhile(reminding: Reminding) -> None:
        leaving.say(None)
        keeping.stop.wait(60)
        assert reminding.stopping()

    ledger.before = stopped_meanwhile
    service = Service(keeping, leaving, port=0)
    service.start()
    leaving.wait()
    service.stop(within_seconds=60)

    assert [site for site, _ in ledger.done] == ["apia"]
    assert serve_once(keeping_of(Ledger(zones=ledger.zones, done=ledger.done), told), Leaving())
    assert [site for site, _ in ledger.done] == ["apia", "seoul"]


def test_work_that_does_not_end_in_time_is_left_behind() -> None:
    ledger, leaving, over = Ledger(), Leaving(), Event()

    def hang(_reminding: Reminding) -> None:
        leaving.say(None)
        over.wait(60)

    ledger.before = hang
    service = Service(keeping_of(ledger, Told()), leaving, port=0)
    service.start()
    leaving.wait()
    in_time = service.stop(within_seconds=0.1)
    over.set()

    assert in_time is False


def test_a_gap_check_that_waited_for_hours_looks_at_the_clock_again() -> None:
    moments = [SEOUL_AT_7 - timedelta(hours=3)]

    def away_until_seven() -> None:
        if moments[-1] < SEOUL_AT_7:
            moments.append(SEOUL_AT_7)
            raise AWAY

    keeping = keeping_of(Ledger(before_look=away_until_seven), Told(), now=lambda: moments[-1])

    _, owed = keeping.check()

    assert (owed, keeping.stood().checked_at) == (["seoul"], SEOUL_AT_7)


def test_an_hour_that_the_clocks_pass_twice_does_no_day_twice() -> None:
    moments = [datetime(2026, 10, 24, 20, 30, tzinfo=UTC) + timedelta(minutes=20 * number) for number in range(30)]
    ledger = Ledger(zones={"bonn": "Europe/Berlin"}, first=date(2026, 10, 25))
    done: list[str | None] = []
    ledger.before = lambda reminding: done.append(reminding.site)

    for moment in moments:
        serve_once(keeping_of(ledger, Told(), now=lambda moment=moment: moment), Leaving())  # type: ignore[misc]

    assert done == ["bonn"]
