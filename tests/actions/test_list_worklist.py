"""The worklist of a day, from the registry."""

from datetime import date

import pytest

from scheduler.actions.list_worklist import WORKLIST, SiteNotFound, list_worklist
from scheduler.core.worklist import State
from scheduler.store.registry import Registry
from tests.actions.tables import only


def test_a_visit_is_listed_with_all_that_a_coordinator_needs(followed: Registry) -> None:
    listed = list_worklist(followed, as_of=date(2026, 9, 1))

    assert tuple(listed.columns) == WORKLIST
    assert only(listed) == {
        "mrn": "P-1",
        "site": "seoul",
        "visit": "grid-3",
        "procedures": ["afp", "liver_ct_mri", "pivka_ii"],
        "opens_on": date(2026, 6, 29),
        "due_on": date(2026, 9, 1),
        "closes_on": date(2026, 9, 15),
        "state": "due",
        "days_overdue": 0,
        "missed_before": 0,
        "intensity": "basic",
        "provisional": False,
        "protocol": "risk-adapted@1",
    }


@pytest.mark.parametrize(
    ("as_of", "states"),
    [
        pytest.param(date(2026, 6, 28), ["upcoming"], id="the day before the window opens"),
        pytest.param(date(2026, 6, 29), ["due"], id="the day it opens"),
        pytest.param(date(2026, 9, 15), ["due"], id="the day it closes"),
        pytest.param(date(2026, 9, 16), ["overdue"], id="the day after it closes"),
    ],
)
def test_the_state_follows_from_the_day(followed: Registry, as_of: date, states: list[str]) -> None:
    listed = list_worklist(followed, as_of=as_of, states=list(State))

    assert listed["state"].to_list() == states


def test_only_the_site_that_is_asked_for_is_listed(followed: Registry) -> None:
    assert list_worklist(followed, as_of=date(2026, 9, 1), site="seoul").height == 1


def test_a_site_that_nobody_knows_is_an_error_and_not_an_empty_list(followed: Registry) -> None:
    with pytest.raises(SiteNotFound, match="there is no site Seoul in this registry; there are seoul") as refused:
        list_worklist(followed, as_of=date(2026, 9, 1), site="Seoul")

    assert refused.value.exit_status == 5
