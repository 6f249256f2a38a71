"""One instance at work: it does what is owed, waits for a database that is away, and one site's error stays its own."""

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from threading import Event

import pytest

from scheduler.actions.reminders.running import Reminding
from scheduler.actions.reminders.unreached import SiteWithoutRecipients, UnlistedChannel
from scheduler.errors import HepwatchError
from scheduler.jobs.keeping import DefectMet
from scheduler.jobs.leaving import Leaving
from scheduler.jobs.service import Service, serve_once
from scheduler.store.errors import DatabaseUnreachable, RegistryNotFound, WrongKey
from tests.jobs.addresses import Address, an_address
from tests.jobs.ledger import SEOUL_AT_7, Ledger, Told, a_balance, keeping_of

AWAY = DatabaseUnreachable(place="the clinic's registry", reason="connection refused")
GONE = RegistryNotFound(place="the clinic's registry")
HOUR = timedelta(hours=1)
SEOUL_MIDNIGHT = SEOUL_AT_7 + 17 * HOUR
NO_TEAMS = UnlistedChannel(channel="teams", rungs=0, recipients={"seoul": 2}, patients=0)
UNUSED = UnlistedChannel(channel="email", rungs=4, recipients={}, patients=0)


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


@pytest.mark.parametrize(
    ("own", "beats"),
    [
        pytest.param("", ["/beat"], id="one address for all sites"),
        pytest.param("/{site}", ["/beat/apia", "/beat/seoul"], id="an address for each"),
    ],
)
def test_one_heartbeat_for_all_sites_goes_once_after_the_last(own: str, beats: list[str]) -> None:
    ledger = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"})

    with an_address() as address:
        url = f"{address.url}/beat{own}"
        for moment in (SEOUL_AT_7, SEOUL_AT_7 + HOUR):
            serve_once(keeping_of(ledger, Told(), heartbeat_url=url, now=lambda moment=moment: moment), Leaving())  # type: ignore[misc]

    assert asked_of(address) == beats


def test_one_sites_heartbeat_does_not_hide_that_another_is_silent() -> None:
    def apia_fails(reminding: Reminding) -> None:
        if reminding.site == "apia":
            raise KeyError("apia")

    ledger = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"}, before=apia_fails)

    with an_address() as address:
        url = f"{address.url}/beat"
        with pytest.raises(DefectMet):
            serve_once(keeping_of(ledger, Told(), heartbeat_url=url), Leaving())
        while_apia_is_silent = asked_of(address)
        ledger.before = lambda _reminding: None
        serve_once(keeping_of(ledger, Told(), heartbeat_url=url), Leaving())

    assert (while_apia_is_silent, asked_of(address)) == ([], ["/beat"])


def test_where_a_person_did_the_last_site_the_heartbeat_goes_all_the_same() -> None:
    ledger = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"})

    with an_address() as address:
        keeping = keeping_of(ledger, Told(), heartbeat_url=f"{address.url}/beat")
        keeping.check()
        keeping.do("apia")
        ledger.done["seoul", date(2026, 11, 22)] = a_balance("seoul", date(2026, 11, 22))
        keeping.check()
        keeping.do("seoul")  # its ring comes

    assert asked_of(address) == ["/beat"]


def test_a_service_that_starts_anew_every_hour_does_not_hide_a_silent_site_either() -> None:
    zones = {"bonn": "Europe/Berlin", "seoul": "Asia/Seoul"}
    ledger, beats = Ledger(zones=zones), []

    def bonn_fails(reminding: Reminding) -> None:
        if reminding.site == "bonn" and reminding.now() > SEOUL_AT_7 + timedelta(days=2):
            raise AWAY

    ledger.before = bonn_fails
    with an_address() as address:
        for hour in range(24 * 6):
            moment = SEOUL_AT_7 + hour * HOUR
            keeping = keeping_of(
                ledger,
                Told(),
                heartbeat_url=f"{address.url}/beat",
                most_tries=1,
                now=lambda m=moment: m,  # type: ignore[misc]
            )
            with suppress(DatabaseUnreachable):
                serve_once(keeping, Leaving())
            beats += [moment for _ in asked_of(address)]

    assert beats == [datetime(2026, 11, day, 6, tzinfo=UTC) for day in (22, 23)]


@pytest.mark.parametrize("at", [time(7), time(22)], ids=["in the morning", "late"])
def test_sites_on_both_sides_of_the_world_have_one_heartbeat_a_day(at: time) -> None:
    zones = {"apia": "Pacific/Apia", "seoul": "Asia/Seoul", "bonn": "Europe/Berlin", "hilo": "Pacific/Honolulu"}
    ledger = Ledger(zones=zones)
    beats: list[datetime] = []

    with an_address() as address:
        for hour in range(24 * 10):
            moment = datetime(2026, 11, 21, tzinfo=UTC) + hour * HOUR
            keeping = keeping_of(ledger, Told(), heartbeat_url=f"{address.url}/beat", at=at, now=lambda m=moment: m)  # type: ignore[misc]
            serve_once(keeping, Leaving())
            beats += [moment for _ in asked_of(address)]

    assert len(beats) >= 8
    assert {later - beat for beat, later in pairwise(beats)} == {timedelta(days=1)}


def test_a_site_that_waited_past_its_midnight_is_put_off_until_its_own_time() -> None:
    moments = [SEOUL_AT_7]
    ledger, told = Ledger(zones={"apia": "Asia/Seoul", "seoul": "Asia/Seoul"}), Told()

    def takes_all_day(reminding: Reminding) -> None:
        if reminding.site == "apia":
            moments.append(SEOUL_MIDNIGHT)

    ledger.before = takes_all_day
    at_night = serve_once(keeping_of(ledger, told, now=lambda: moments[-1]), Leaving())
    done_at_night = [site for site, _ in ledger.done]
    moments.append(SEOUL_AT_7 + timedelta(days=1))
    in_the_morning = serve_once(keeping_of(ledger, Told(), now=lambda: moments[-1]), Leaving())

    assert (at_night, done_at_night.count("seoul")) == (False, 0)
    assert ("put_off", {"site": "seoul", "on": date(2026, 11, 23)}) in told.lines
    states = {str(on): balance.state for (site, on), balance in ledger.done.items() if site == "seoul"}
    assert (in_the_morning, states) == (True, {"2026-11-22": "missed", "2026-11-23": "balanced"})


@pytest.mark.parametrize(
    ("back_at", "done"),
    [
        pytest.param(timedelta(hours=17, microseconds=-1), [("seoul", date(2026, 11, 22))], id="before midnight"),
        pytest.param(timedelta(hours=17), [], id="at midnight"),
        pytest.param(timedelta(hours=24, microseconds=-1), [], id="before the ring"),
        pytest.param(
            timedelta(hours=24), [("seoul", date(2026, 11, 22)), ("seoul", date(2026, 11, 23))], id="at the ring"
        ),
    ],
)
def test_a_site_whose_database_comes_back_after_its_midnight_is_put_off(
    back_at: timedelta, done: list[tuple[str, date]]
) -> None:
    moments = [SEOUL_AT_7]
    ledger = Ledger()

    def away_until(_reminding: Reminding) -> None:
        if len(moments) == 1:
            moments.append(SEOUL_AT_7 + back_at)
            raise AWAY

    ledger.before = away_until

    serve_once(keeping_of(ledger, Told(), now=lambda: moments[-1]), Leaving())

    assert list(ledger.done) == done


def test_what_keeps_messages_from_leaving_is_told_once_and_makes_nobody_wait() -> None:
    ledger, told = Ledger(missing=(NO_TEAMS, UNUSED)), Told()
    keeping = keeping_of(ledger, told)

    balanced = serve_once(keeping, Leaving())
    keeping.look_for_unreached()

    facts = {"rungs": 0, "recipients": 2, "patients": 0, "sites": 1}
    assert balanced
    assert told.lines[0] == ("channel_missing", {"channel": "teams", **facts})
    assert told.actions == ["channel_missing", "channel_missing", "day_done"]
    assert keeping.stood().reasons(now=SEOUL_AT_7, at=time(7)) == (NO_TEAMS.message,)


def test_what_was_put_right_is_no_reason_any_more() -> None:
    ledger = Ledger(missing=(SiteWithoutRecipients(site="seoul", patients=3),))
    keeping = keeping_of(ledger, Told())

    serve_once(keeping, Leaving())
    before = keeping.stood().reasons(now=SEOUL_AT_7, at=time(7))
    ledger.missing = ()
    keeping.look_for_unreached()

    assert (len(before), keeping.stood().reasons(now=SEOUL_AT_7, at=time(7))) == (1, ())


def test_cron_is_told_what_is_missing_only_where_something_is_owed() -> None:
    ledger, told, again = Ledger(missing=(NO_TEAMS,)), Told(), Told()

    serve_once(keeping_of(ledger, told), Leaving())
    serve_once(keeping_of(ledger, again), Leaving())

    assert (told.actions, again.actions) == (["channel_missing", "day_done"], [])


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


def asked_of(address: Address) -> list[str]:
    """What was asked of an address since it was looked at last."""
    return [address.asked.get_nowait() for _ in range(address.asked.qsize())]
