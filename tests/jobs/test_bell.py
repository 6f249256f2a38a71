"""The bell rings each site once a local day and asks for a gap check; it works on nothing itself."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from queue import SimpleQueue
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger

from scheduler.jobs.bell import Bell, EveryLocalDay
from scheduler.jobs.duty import next_ring

YEARS = [date(2026, 1, 1) + timedelta(days=number) for number in range(730)]
TIMES = {"02:30": time(2, 30), "07:00": time(7), "00:30": time(0, 30)}


def rings_by_day(trigger: BaseTrigger, zone: str) -> Counter[date]:
    """How often a trigger fires on each local day of 2026 and 2027, asked as APScheduler asks."""
    local = ZoneInfo(zone)
    now = datetime.combine(YEARS[0], time(0), local).astimezone(UTC) - timedelta(seconds=1)
    fired: Counter[date] = Counter()
    fire = trigger.get_next_fire_time(None, now)
    while fire.astimezone(local).date() <= YEARS[-1]:
        fired[fire.astimezone(local).date()] += 1
        fire = trigger.get_next_fire_time(fire, fire.astimezone(UTC) + timedelta(seconds=1))
    return fired


@pytest.mark.parametrize("at", TIMES)
@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati"]
)
def test_the_bell_rings_once_on_each_local_day(zone: str, at: str) -> None:
    fired = rings_by_day(EveryLocalDay(at=TIMES[at], time_zone=zone), zone)

    assert fired == Counter(YEARS)


@pytest.mark.parametrize(
    ("zone", "at", "wrong"),
    [
        pytest.param("Europe/Berlin", "07:00", {}, id="Berlin at 7: right"),
        pytest.param(
            "Europe/Berlin", "02:30", {date(2026, 10, 25): 2, date(2027, 10, 31): 2}, id="Berlin at 2:30: doubled"
        ),
        pytest.param(
            "Europe/Berlin", "00:30", {date(2026, 3, 30): 0, date(2027, 3, 29): 0}, id="Berlin after midnight: left out"
        ),
        pytest.param("America/New_York", "00:30", {date(2026, 3, 9): 0, date(2027, 3, 15): 0}, id="New York: left out"),
    ],
)
def test_the_cron_trigger_leaves_out_and_doubles_days_which_is_why_it_is_not_used(
    zone: str, at: str, wrong: dict[date, int]
) -> None:
    fired = rings_by_day(CronTrigger(hour=TIMES[at].hour, minute=TIMES[at].minute, timezone=ZoneInfo(zone)), zone)

    assert {on: fired[on] for on in YEARS if fired[on] != 1} == wrong


def test_a_bell_that_slept_rings_each_ring_that_it_missed_for_apscheduler_to_make_one_of_them() -> None:
    trigger = EveryLocalDay(at=time(7), time_zone="Asia/Seoul")
    slept_from = datetime(2026, 11, 18, 22, tzinfo=UTC)

    missed = trigger.get_next_fire_time(slept_from, slept_from + timedelta(days=3))

    assert missed == slept_from + timedelta(days=1)


def test_sites_are_followed_in_their_zones_and_changes_are_picked_up() -> None:
    bell = Bell(at=time(7), ring=lambda _site: None, check=lambda: None)
    bell.start()

    bell.follow({"seoul": "Asia/Seoul", "bonn": "Europe/Berlin"})
    first = bell.rings()
    bell.follow({"bonn": "America/New_York", "apia": "Pacific/Apia"})
    then = bell.rings()
    bell.stop()

    now = datetime.now(UTC)
    zones = {"bonn": "America/New_York", "apia": "Pacific/Apia"}
    assert sorted(first) == ["bonn", "seoul"]
    assert then == {site: next_ring(now, at=time(7), time_zone=zone) for site, zone in zones.items()}


def test_a_site_is_rung_at_its_time() -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.2)).time()
    rung: SimpleQueue[str] = SimpleQueue()
    bell = Bell(at=soon, ring=rung.put, check=lambda: None)
    bell.start()

    bell.follow({"clinic": "UTC"})
    site = rung.get(timeout=60)
    bell.stop()

    assert site == "clinic"
