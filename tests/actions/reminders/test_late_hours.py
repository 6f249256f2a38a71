"""Late in the day nobody's telephone rings: patients are told the day after, and those who work there at once."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scheduler.store.registry import Registry
from tests.actions.reminders.post import Post, may_be_told
from tests.actions.tables import a_table, import_table, some_patients

DUE = date(2026, 9, 1)
DAY = timedelta(days=1)
PATIENT, ANNA = "patient@example.org", "anna@example.org"


def in_seoul_at(on: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime.combine(on, time(hour, minute, second), ZoneInfo("Asia/Seoul")).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        pytest.param(in_seoul_at(DUE, 20, 59, 59), [ANNA, PATIENT], id="a second before nine"),
        pytest.param(in_seoul_at(DUE, 21), [ANNA], id="at nine"),
        pytest.param(in_seoul_at(DUE, 23, 30), [ANNA], id="a first start late at night"),
    ],
)
def test_patients_are_told_until_nine_in_the_evening(
    clinic: Registry, post: Post, moment: datetime, told: list[str]
) -> None:
    [balance] = post.remind(clinic, DUE, at=moment)

    assert sorted(each["address"] for each in post.came()) == told
    assert balance.reasons == ({} if PATIENT in told else {"late_hour": 1})


def test_who_was_not_told_late_is_told_the_day_after(clinic: Registry, post: Post) -> None:
    late, again, after = (
        post.remind(clinic, on, at=moment)[-1]
        for on, moment in (
            (DUE, in_seoul_at(DUE, 22)),
            (DUE, in_seoul_at(DUE, 23)),
            (DUE + DAY, in_seoul_at(DUE + DAY, 7)),
        )
    )

    assert (late.state, late.sent, late.suppressed) == ("balanced", 1, 1)
    assert again == late
    assert (after.on, after.sent, after.reasons) == (DUE + DAY, 1, {})
    assert [each["address"] for each in post.came()] == [ANNA, PATIENT]


def test_a_run_that_lasts_into_the_late_hours_leaves_the_other_patients_for_the_day_after(
    clinic: Registry, post: Post, tmp_path: Path
) -> None:
    import_table(clinic, a_table(tmp_path, *some_patients(2)))
    may_be_told(clinic, "P-2")
    moments = [in_seoul_at(DUE, 20, 59)]

    def hear(action: str, **_facts: Any) -> None:
        if action == "marked":
            moments.append(in_seoul_at(DUE, 21, 1))

    [balance] = post.remind(clinic, DUE, now=lambda: moments[-1], told=hear, at_a_time=1)

    assert sorted(each["address"] for each in post.came()) == [ANNA, PATIENT]
    assert (balance.state, balance.reasons) == ("balanced", {"late_hour": 1})


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(in_seoul_at(DUE, 23, 30), id="late in the evening"),
        pytest.param(in_seoul_at(DUE + DAY, 2, 30), id="in the night after"),
    ],
)
def test_what_was_claimed_in_time_is_given_back_where_a_slow_channel_or_database_made_it_late(
    clinic: Registry, post: Post, tmp_path: Path, then: datetime
) -> None:
    import_table(clinic, a_table(tmp_path, *some_patients(4)))
    for number in (2, 3, 4):
        may_be_told(clinic, f"P-{number}")
    moments = [in_seoul_at(DUE, 20, 59)]

    def hear(action: str, **_facts: Any) -> None:
        if action == "delivered":
            moments.append(then)

    [balance] = post.remind(clinic, DUE, now=lambda: moments[-1], told=hear)
    told_in_time = len(post.came_to(PATIENT))
    [*_, morning] = post.remind(clinic, DUE + DAY, at=in_seoul_at(DUE + DAY, 7))

    assert told_in_time <= 1
    assert balance.sent >= 1
    assert (len(post.came_to(PATIENT)), morning.state) == (4, "balanced")
