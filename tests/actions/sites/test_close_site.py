"""A site's own closed days: due days move off them inside their windows, and the reason is kept."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from scheduler.actions.sites.close_site import Closed, NotClosed, close_site, list_closures, open_site
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.store.registry import Registry
from tests.actions.tables import BOTH, HIGH, TODAY, a_patient, a_table, import_table, rules_of, stored

DUE_ON = date(2026, 8, 3)  # month 2 after 1 June is a Saturday: the Monday after it


@pytest.fixture
def clinic(registry: Registry, tmp_path: Path) -> Registry:
    """A patient who is followed intensively at seoul, and one at busan."""
    rows = [a_patient(mrn="P-1", **HIGH), a_patient(mrn="P-2", site="busan", **HIGH)]
    import_table(registry, a_table(tmp_path, *rows), sign=BOTH)
    return registry


def close(registry: Registry, *days: date, preview: bool = False) -> Closed:
    """Close seoul on these days."""
    rules = rules_of(registry)
    return close_site(
        registry, rules, "seoul", days=days, reason="moving house", today=TODAY, actor="anna", preview=preview
    )


def due_days(registry: Registry) -> dict[int, date]:
    """The due day of the first visit of each episode."""
    with registry.reading() as reading:
        return dict(reading.visits_of().filter(grid_month=2).select("episode_id", "due_on").iter_rows())


def test_a_due_day_moves_to_the_next_day_on_which_the_site_works(clinic: Registry) -> None:
    closed = close(clinic, DUE_ON, DUE_ON + timedelta(days=1))

    assert due_days(clinic) == {1: DUE_ON + timedelta(days=2), 2: DUE_ON}
    assert (closed.replanned.patients, closed.replanned.replanned, closed.replanned.moved) == (1, 0, 1)


def test_the_reason_is_kept_with_the_visit(clinic: Registry) -> None:
    close(clinic, DUE_ON)

    with clinic.reading() as reading:
        change = reading.plan_changes_of().row(0, named=True)
    step = json.loads(change["chain"])[0]
    assert change["reason"] == "due 2026-08-03 → 2026-08-04"
    assert (step["step"], step["because"], step["closed_on"]) == ("closure", "moving house", ["2026-08-03"])


def test_a_preview_moves_nothing(clinic: Registry) -> None:
    before = stored(clinic)

    shown = close(clinic, DUE_ON, preview=True)

    assert shown.replanned.moved == 1
    assert stored(clinic) == before


def test_closing_the_same_day_twice_changes_nothing_more(clinic: Registry) -> None:
    close(clinic, DUE_ON)
    visits = due_days(clinic)

    again = close(clinic, DUE_ON)

    assert (again.days, again.replanned.moved, due_days(clinic)) == ((), 0, visits)


def test_a_window_without_a_working_day_is_told_and_keeps_its_day(clinic: Registry) -> None:
    window = [date(2026, 6, 29) + timedelta(days=number) for number in range(48)]  # from the opening to the closing

    closed = close(clinic, *window)

    assert closed.without.select("mrn", "visit").rows() == [("P-1", "grid-2")]
    assert due_days(clinic)[1] == date(2026, 8, 1)


def test_a_day_on_which_the_site_works_after_all_moves_due_days_back(clinic: Registry) -> None:
    close(clinic, DUE_ON)

    opened = open_site(clinic, rules_of(clinic), "seoul", days=[DUE_ON], reason="put off", today=TODAY, actor="anna")

    assert (opened.days, due_days(clinic)[1]) == ((DUE_ON,), DUE_ON)
    assert list_closures(clinic, "seoul").is_empty()


def test_opening_a_day_that_is_not_closed_is_refused(clinic: Registry) -> None:
    with pytest.raises(NotClosed, match="seoul is not closed on 2026-08-03"):
        open_site(clinic, rules_of(clinic), "seoul", days=[DUE_ON], reason="x", today=TODAY, actor="anna")


def test_a_site_that_nobody_knows_is_refused(clinic: Registry) -> None:
    with pytest.raises(SiteNotFound):
        close_site(clinic, rules_of(clinic), "soul", days=[DUE_ON], reason="x", today=TODAY, actor="anna")
