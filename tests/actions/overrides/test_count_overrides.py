"""Overrides are counted for an audit, each with its state on the day."""

from datetime import date

import pytest

from scheduler.actions.overrides.count_overrides import count_overrides
from scheduler.actions.overrides.override_plan import override_intensity
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.store.registry import Registry
from tests.actions.tables import TODAY, rules_of

LAST_DAY = date(2026, 12, 31)


@pytest.mark.parametrize(
    ("today", "state"), [(LAST_DAY, "holds"), (date(2027, 1, 1), "ran out")], ids=["on its last day", "the day after"]
)
def test_an_override_is_counted_with_its_state_on_the_day(followed: Registry, today: date, state: str) -> None:
    override_intensity(
        followed,
        rules_of(followed),
        "P-1",
        "intensive",
        until_on=LAST_DAY,
        reason="a nodule",
        actor="dr.lee",
        today=TODAY,
    )

    counted = count_overrides(followed, today=today)

    assert counted.rows() == [("seoul", "intensity", "dr.lee", state, 1, 1)]


def test_where_nobody_overrode_anything_nothing_is_counted(followed: Registry) -> None:
    assert count_overrides(followed, today=TODAY).is_empty()


def test_a_site_that_nobody_knows_is_refused(followed: Registry) -> None:
    with pytest.raises(SiteNotFound):
        count_overrides(followed, today=TODAY, site="bussan")
