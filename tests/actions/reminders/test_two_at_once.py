"""Two instances on one day, one of which holds claims while the other looks: what each sends, and what the day says."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import polars as pl
import pytest

from scheduler.actions.reminders.days import list_days
from scheduler.core.reminders.ledger import COUNTS
from scheduler.store.registry import Registry
from tests.actions.lives import examined, happened, reviewed
from tests.actions.reminders.post import Post, may_be_told
from tests.actions.tables import a_table, import_table, some_patients

DUE, OVERDUE, LATE = date(2026, 9, 1), date(2026, 9, 16), date(2026, 12, 1)
SCANNED = date(2026, 9, 1)
DAY = timedelta(days=1)
SECONDS = 60

Holds = Callable[[pl.DataFrame], bool]


class TwoAtOnce:
    """The first instance stands still from the moment on that it holds something, until the second one has looked."""

    def __init__(self, registry: Registry, post: Post, on: date) -> None:
        self.registry, self.post, self.on = registry, post, on
        self.has_claimed, self.may_go_on, self.is_done, self.is_to_stop = Event(), Event(), Event(), Event()

    def live(self, holds: Holds, meanwhile: Callable[[], object]) -> None:
        """Let the first one claim what `holds` waits for; `meanwhile` happens once the second one has looked."""
        first = Thread(target=self._first, args=[holds])
        first.start()
        assert self.has_claimed.wait(SECONDS)
        self.post.remind(self.registry, self.on, worker="second", told=self._second_hears(meanwhile))
        first.join()

    def _first(self, holds: Holds) -> None:
        def hear(action: str, **_facts: Any) -> None:
            if action != "claimed" or self.has_claimed.is_set():
                return
            with self.registry.reading() as reading:
                claimed = reading.reminders_not_sent(["claimed"])
            if holds(claimed):
                self.has_claimed.set()
                self.may_go_on.wait(SECONDS)

        stopping = self.is_to_stop.is_set
        try:
            self.post.remind(self.registry, self.on, worker="first", told=hear, at_a_time=1, stopping=stopping)
        finally:
            self.is_done.set()

    def _second_hears(self, meanwhile: Callable[[], object]) -> Callable[..., None]:
        def hear(action: str, **_facts: Any) -> None:
            if action == "accounted" and not self.may_go_on.is_set():
                meanwhile()
                self.may_go_on.set()
                self.is_done.wait(SECONDS)

        return hear


@pytest.fixture
def two(clinic: Registry, tmp_path: Path) -> Registry:
    """A clinic of two patients who may be told."""
    import_table(clinic, a_table(tmp_path, *some_patients(2)))
    may_be_told(clinic, "P-2")
    return clinic


def anything(claimed: pl.DataFrame) -> bool:
    return claimed.height > 0


def of_the_first_patient(claimed: pl.DataFrame) -> bool:
    return 1 in claimed["patient_id"].to_list()


def a_task_of_the_first_patient(claimed: pl.DataFrame) -> bool:
    return of_the_first_patient(claimed.filter(pl.col("task").is_not_null()))


@pytest.mark.parametrize("what", ["the death", "the review"])
def test_a_task_that_is_closed_while_another_instance_holds_it_is_told_by_nobody(
    two: Registry, post: Post, what: str
) -> None:
    examined(two, SCANNED, finding="suspicious", today=SCANNED + DAY)

    def meanwhile() -> None:
        if what == "the death":
            happened(two, "death", LATE - DAY, today=LATE)
        else:
            reviewed(two, SCANNED, today=LATE)

    TwoAtOnce(two, post, LATE).live(a_task_of_the_first_patient, meanwhile)

    assert [each["address"] for each in post.came() if "result" in each["text"] and "#1" in each["text"]] == []


def test_the_account_counts_what_another_instance_sent_after_the_look(two: Registry, post: Post) -> None:
    TwoAtOnce(two, post, DUE).live(anything, lambda: None)

    assert stored(two) == {"state": "balanced", "eligible": 4, "sent": 4, "failed": 0, "suppressed": 0, "unknown": 0}


def test_what_another_instance_gave_back_is_told_and_counted_once(two: Registry, post: Post) -> None:
    examined(two, SCANNED, finding="suspicious", today=SCANNED + DAY)
    both = TwoAtOnce(two, post, OVERDUE)

    both.live(of_the_first_patient, both.is_to_stop.set)

    with two.reading() as reading:
        states = reading.reminders_of(tasks_of=None)["state"].to_list()
    assert len(post.came_to("han@example.org")) == 1
    assert set(states) == {"sent"}
    day = stored(two)
    assert (day["state"], day["sent"], day["unknown"]) == ("balanced", len(states), 0)
    assert day["eligible"] == day["sent"] + day["suppressed"]


def stored(registry: Registry) -> dict[str, Any]:
    """The newest account, as it is kept."""
    return list_days(registry).select("state", *COUNTS).row(0, named=True)
