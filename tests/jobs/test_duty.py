"""A site's day is owed from its local time on, once on each local day, whatever its clocks do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.core.calendar import local_day
from scheduler.jobs.duty import LATEST, next_ring, overdue_days, owed_sites, ring_at

HOUR = timedelta(hours=1)
TIMES = pytest.mark.parametrize("at", [time(2, 30), time(7), time(0, 15), time(23, 30)], ids=str)
ZONES = pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",  # moves by half an hour
        "Pacific/Apia",
        "Pacific/Kiritimati",  # 14 hours ahead
        "Atlantic/Azores",  # jumps from midnight to one
        "America/Nuuk",  # jumps from 23:00 to midnight
        "America/Havana",  # passes the hour after midnight twice
    ],
)


def days_of(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def gaps_of(zone: str, *days: date, site: str = "clinic") -> pl.DataFrame:
    """Days that nobody has accounted for."""
    rows = [(site, zone, "remind", on) for on in days]
    return pl.DataFrame(rows, schema=["site", "time_zone", "job", "on"], orient="row")


@ZONES
@TIMES
def test_it_rings_exactly_once_on_each_local_day_of_2026_and_2027(zone: str, at: time) -> None:
    days = days_of(date(2026, 1, 1), 730)
    moment = datetime.combine(days[0], time(0), ZoneInfo(zone)).astimezone(UTC) - timedelta(microseconds=1)

    rung = []
    for _ in days:
        moment = next_ring(moment, at=at, time_zone=zone)
        rung.append(moment.astimezone(ZoneInfo(zone)).date())

    assert rung == days


@given(
    zone=st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})),
    at=st.times().map(lambda each: each.replace(microsecond=0)),
    first=st.dates(date(2012, 1, 2), date(2036, 1, 1)),
)
def test_it_rings_once_a_day_in_every_time_zone_at_every_time(zone: str, at: time, first: date) -> None:
    days = days_of(first, 370)

    moment = ring_at(first - timedelta(days=1), at=at, time_zone=zone)
    rung = []
    for _ in days:
        moment = next_ring(moment, at=at, time_zone=zone)
        rung.append(local_day(moment, zone))

    assert rung == days


def test_a_day_that_a_site_never_had_does_not_ring() -> None:
    before = ring_at(date(2011, 12, 29), at=time(7), time_zone="Pacific/Apia")

    after = next_ring(before, at=time(7), time_zone="Pacific/Apia")

    assert local_day(after, "Pacific/Apia") == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("on", "at", "zone", "local"),
    [
        pytest.param(date(2026, 3, 29), time(2, 30), "Europe/Berlin", "03:30+02:00", id="jumped over"),
        pytest.param(date(2026, 10, 25), time(2, 30), "Europe/Berlin", "02:30+02:00", id="passed twice: the first"),
        pytest.param(date(2026, 10, 4), time(2, 15), "Australia/Lord_Howe", "02:45+11:00", id="jumped over by half"),
        pytest.param(date(2026, 4, 5), time(1, 45), "Australia/Lord_Howe", "01:45+11:00", id="twice by half an hour"),
        pytest.param(date(2026, 3, 28), time(23, 30), "America/Nuuk", "22:30-02:00", id="jumped over at midnight"),
        pytest.param(date(2026, 3, 29), time(7), "Europe/Berlin", "07:00+02:00", id="after the jump"),
        pytest.param(date(2028, 2, 29), time(7), "Asia/Seoul", "07:00+09:00", id="29 February"),
    ],
)
def test_a_ring_keeps_to_the_local_time_as_the_clocks_allow(on: date, at: time, zone: str, local: str) -> None:
    rung = ring_at(on, at=at, time_zone=zone).astimezone(ZoneInfo(zone))

    assert rung.isoformat(timespec="minutes") == f"{on}T{local}"


@ZONES
@pytest.mark.parametrize("at", [time(0), time(0, 30), time(2, 30), time(7), LATEST], ids=str)
@pytest.mark.parametrize(
    "first",
    [date(2026, 3, 5), date(2026, 3, 27), date(2026, 4, 3), date(2026, 10, 2), date(2026, 10, 23), date(2027, 3, 12)],
    ids=str,
)
def test_hourly_gap_checks_alone_do_each_day_once_and_within_the_hour(zone: str, at: time, first: date) -> None:
    days = days_of(first, 5)
    checks = (ring_at(first, at=time(0, 17), time_zone=zone) + number * HOUR for number in range(5 * 24 + 2))
    done: dict[date, datetime] = {}

    for moment in checks:
        gaps = [on for on in days if on <= local_day(moment, zone) and on not in done]
        if gaps and owed_sites(gaps_of(zone, *gaps), now=moment, at=at):
            assert gaps == [local_day(moment, zone)]
            done[gaps[0]] = moment

    late = [moment - ring_at(on, at=at, time_zone=zone) for on, moment in done.items()]
    assert list(done) == days
    assert all(timedelta(0) <= each <= HOUR for each in late)


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        pytest.param(datetime(2026, 11, 21, 21, 59, 59, tzinfo=UTC), [], id="just before"),
        pytest.param(datetime(2026, 11, 21, 22, 0, 0, tzinfo=UTC), ["clinic"], id="on the ring"),
        pytest.param(datetime(2026, 11, 22, 14, 59, 59, tzinfo=UTC), ["clinic"], id="23:59:59 of the same day"),
        pytest.param(datetime(2026, 11, 22, 15, 0, 1, tzinfo=UTC), [], id="00:00:01 of the next day"),
    ],
)
def test_a_site_is_owed_from_the_ring_of_its_local_day_on(now: datetime, owed: list[str]) -> None:
    gaps = gaps_of("Asia/Seoul", date(2026, 11, 22))

    assert owed_sites(gaps, now=now, at=time(7)) == owed


def test_days_that_were_missed_wait_for_todays_ring_so_that_nobody_is_woken_at_night() -> None:
    missed = gaps_of("Asia/Seoul", *days_of(date(2026, 11, 18), 4))
    at_night, in_the_morning = (datetime(2026, 11, 21, hour, tzinfo=UTC) for hour in (18, 22))

    assert owed_sites(missed, now=at_night, at=time(7)) == []
    assert owed_sites(missed, now=in_the_morning, at=time(7)) == ["clinic"]


def test_each_site_is_owed_by_its_own_clock() -> None:
    gaps = pl.concat(
        [
            gaps_of("Pacific/Kiritimati", date(2026, 11, 22), site="east"),
            gaps_of("Pacific/Pago_Pago", date(2026, 11, 21), site="west"),
        ]
    )

    assert owed_sites(gaps, now=datetime(2026, 11, 21, 17, tzinfo=UTC), at=time(7)) == ["east"]
    assert owed_sites(gaps, now=datetime(2026, 11, 21, 18, tzinfo=UTC), at=time(7)) == ["east", "west"]


@pytest.mark.parametrize(
    ("now", "overdue"),
    [
        pytest.param(datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC), [], id="two hours after the ring"),
        pytest.param(datetime(2026, 11, 22, 0, 0, 1, tzinfo=UTC), [("clinic", date(2026, 11, 22))], id="a second more"),
    ],
)
def test_a_day_is_overdue_when_it_is_not_accounted_for_two_hours_after_its_ring(
    now: datetime, overdue: list[tuple[str, date]]
) -> None:
    gaps = gaps_of("Asia/Seoul", date(2026, 11, 22), date(2026, 11, 23))

    assert overdue_days(gaps, now=now, at=time(7)) == overdue
