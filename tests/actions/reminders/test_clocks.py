"""Clocks that jump, days that other years do not have, sites on both sides of the date line: each local day once."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scheduler.actions.reminders.days import list_days
from scheduler.actions.sites.describe_site import describe_site
from scheduler.store.registry import Registry
from tests.actions.reminders.post import Post, may_be_told, with_staff
from tests.actions.tables import BOTH, a_patient, a_table, import_table

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # where the database has no say
DAY = timedelta(days=1)
LAST_SECOND, FIRST_SECOND = time(23, 59, 59), time(0, 0, 1)
KIRITIMATI, PAGO_PAGO = "Pacific/Kiritimati", "Pacific/Pago_Pago"  # 14 hours before UTC, 11 hours after it


def local(on: date, at: time, zone: str) -> datetime:
    """A site's local time, in UTC."""
    return datetime.combine(on, at, ZoneInfo(zone)).astimezone(UTC)


def a_site(registry: Registry, folder: Path, zone: str, *, resected_on: date, code: str = "seoul") -> None:
    """A site in a time zone, in a country that works on Sundays, with staff and a patient who may be told."""
    mrn = f"P-{code}"
    row = a_patient(mrn=mrn, site=code, resected_on=str(resected_on))
    import_table(registry, a_table(folder, row), sign=BOTH, today=resected_on + 20 * DAY)
    in_zone(registry, zone, code)
    may_be_told(registry, mrn, on=resected_on)
    with_staff(registry, code)


def in_zone(registry: Registry, zone: str, code: str = "seoul") -> None:
    """Say in which time zone a site is."""
    describe_site(registry, code, title=code, country="IL", subdivision=None, time_zone=zone, actor="anna")


def accounted(registry: Registry, site: str = "seoul") -> list[tuple[date, str, int]]:
    """Day, state and number of sent of every account of a site."""
    days = list_days(registry, site=site).sort("on")
    return days.select("on", "state", "sent").rows()


@on_sqlite
@pytest.mark.parametrize(
    ("zone", "on"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
    ],
    ids=["Berlin on", "Berlin back", "New York on", "New York back", "Lord Howe half an hour on", "Lord Howe back"],
)
def test_a_day_on_which_the_clocks_change_is_one_day_and_its_messages_go_out_once(
    registry: Registry, tmp_path: Path, post: Post, zone: str, on: date
) -> None:
    a_site(registry, tmp_path, zone, resected_on=on - 40 * DAY)  # the first reminder is owed since some weeks
    twice = [local(on, time(1, 45, fold=fold), zone) for fold in (0, 1)]

    for moment in [local(on, FIRST_SECOND, zone), *twice, local(on + DAY, FIRST_SECOND, zone)]:
        post.remind(registry, on, at=moment)

    assert accounted(registry) == [(on, "balanced", 2), (on + DAY, "balanced", 0)]
    assert len(post.came()) == 2


@on_sqlite
def test_the_last_second_of_a_day_and_the_first_of_the_next_are_two_days_though_the_clocks_changed_between(
    registry: Registry, tmp_path: Path, post: Post
) -> None:
    zone, on = "Europe/Berlin", date(2026, 10, 24)
    a_site(registry, tmp_path, zone, resected_on=on - 50 * DAY)

    for each in (on, on + DAY):
        post.remind(registry, each, at=local(each, LAST_SECOND, zone))
        post.remind(registry, each + DAY, at=local(each + DAY, FIRST_SECOND, zone))

    assert accounted(registry) == [(on, "balanced", 0), (on + DAY, "balanced", 2), (on + 2 * DAY, "balanced", 0)]
    assert len(post.came()) == 2


@on_sqlite
def test_what_is_due_on_29_february_is_told_on_29_february(registry: Registry, tmp_path: Path, post: Post) -> None:
    a_site(registry, tmp_path, "Asia/Seoul", resected_on=date(2027, 11, 29))
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]

    for on in days:
        post.remind(registry, on)

    assert accounted(registry) == [(on, "balanced", sent) for on, sent in zip(days, (2, 2, 0), strict=True)]
    with registry.reading() as reading:
        told = reading.reminders_of(tasks_of=None).select("owed_on", "rung").unique().sort("owed_on").rows()
    assert told == [(date(2028, 2, 28), "upcoming"), (date(2028, 2, 29), "due")]


@on_sqlite
def test_a_missed_29_february_is_accounted_for(registry: Registry, tmp_path: Path, post: Post) -> None:
    a_site(registry, tmp_path, "Asia/Seoul", resected_on=date(2027, 11, 29))

    post.remind(registry, date(2028, 2, 28))
    post.remind(registry, date(2028, 3, 1))

    assert accounted(registry) == [
        (date(2028, 2, 28), "balanced", 2),
        (date(2028, 2, 29), "missed", 0),
        (date(2028, 3, 1), "balanced", 2),
    ]


def test_sites_on_both_sides_of_the_date_line_have_their_own_days_in_one_run(
    registry: Registry, tmp_path: Path, post: Post
) -> None:
    west, east = date(2026, 8, 9), date(2026, 8, 11)  # a Sunday and a Tuesday, at the same moment
    for code, zone in (("east", KIRITIMATI), ("west", PAGO_PAGO)):
        a_site(registry, tmp_path, zone, resected_on=date(2026, 6, 1), code=code)
    moment = datetime(2026, 8, 10, 10, 30, tzinfo=UTC)

    first = post.remind(registry, west, at=moment)
    again = post.remind(registry, west, at=moment + timedelta(minutes=20))
    later = post.remind(registry, west, at=moment + DAY)

    assert [(each.site, each.on, each.sent) for each in first] == [("east", east, 2), ("west", west, 1)]
    assert first[1].reasons == {"late_hour": 1}  # half past eleven at night there: no patient is told
    assert again == first
    assert [(each.site, each.on, each.sent) for each in later] == [("east", east + DAY, 0), ("west", west + DAY, 0)]
    assert accounted(registry, "east") == [(east, "balanced", 2), (east + DAY, "balanced", 0)]
    assert accounted(registry, "west") == [(west, "balanced", 1), (west + DAY, "balanced", 0)]
    assert len(post.came()) == 3


def test_a_site_that_moves_over_the_date_line_has_no_day_twice(registry: Registry, tmp_path: Path, post: Post) -> None:
    a_site(registry, tmp_path, KIRITIMATI, resected_on=date(2026, 6, 1))
    moment = datetime(2026, 8, 10, 10, 30, tzinfo=UTC)
    post.remind(registry, moment.date(), at=moment)

    in_zone(registry, PAGO_PAGO)
    moved = [post.remind(registry, moment.date(), at=moment + timedelta(hours=hours)) for hours in (1, 24, 48)]

    tenth, eleventh = date(2026, 8, 10), date(2026, 8, 11)  # the eleventh was done before the site moved
    assert [[each.on for each in balances] for balances in moved] == [[tenth], [tenth], [eleventh]]
    assert [(on, sent) for on, _, sent in accounted(registry)] == [(tenth, 0), (eleventh, 2)]
    assert len(post.came()) == 2
