"""A database that is away is waited for: longer each time, never silently, and not when the service is stopping."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from scheduler.actions.reminders.patience import pause_after, with_patience
from scheduler.errors import HepwatchError
from scheduler.store.errors import DatabaseUnreachable, RegistryBusy, SchemaUnknown

AWAY = DatabaseUnreachable(place="the clinic's registry", reason="connection refused")
BUSY = RegistryBusy(place="the clinic's registry")
NEWER = SchemaUnknown(place="the clinic's registry", found="0099", expected="0014")


@dataclass(kw_only=True)
class Heard:
    """The pauses that were made and the words that were told, and how many pauses there may be before stopping."""

    pauses: list[float] = field(default_factory=list)
    told: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    stops_after_pauses: int | None = None

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def tell(self, action: str, **facts: object) -> None:
        self.told.append((action, facts))

    def stopping(self) -> bool:
        return len(self.pauses) == self.stops_after_pauses


def work_that_meets(*errors: HepwatchError) -> Callable[[], str]:
    """Work that fails so often, then is done."""
    waiting: Iterator[HepwatchError] = iter(errors)

    def work() -> str:
        for error in waiting:
            raise error
        return "done"

    return work


def patiently(work: Callable[[], str], heard: Heard, *, most_tries: int | None = None) -> str:
    return with_patience(
        work,
        wait=heard.wait,
        told=heard.tell,
        stopping=heard.stopping,
        most_tries=most_tries,
        chance=lambda: 0.5,
    )


def test_work_whose_database_answers_is_done_without_a_word() -> None:
    heard = Heard()

    done = patiently(work_that_meets(), heard)

    assert (done, heard.pauses, heard.told) == ("done", [], [])


def test_the_pauses_double_up_to_a_minute() -> None:
    heard = Heard()

    patiently(work_that_meets(*[AWAY] * 9), heard)

    assert heard.pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_each_failure_is_told_and_so_is_the_return() -> None:
    heard = Heard()

    patiently(work_that_meets(AWAY, BUSY), heard)

    assert heard.told == [
        ("database_away", {"error": "DatabaseUnreachable", "tries": 1, "wait_seconds": 1.0}),
        ("database_away", {"error": "RegistryBusy", "tries": 2, "wait_seconds": 2.0}),
        ("database_back", {"tries": 3}),
    ]


@pytest.mark.parametrize(
    ("stops_after", "pauses"), [(0, []), (2, [1.0, 2.0])], ids=["before the first pause", "during the second pause"]
)
def test_a_stop_ends_the_waiting_with_the_error(stops_after: int, pauses: list[float]) -> None:
    heard = Heard(stops_after_pauses=stops_after)

    with pytest.raises(DatabaseUnreachable):
        patiently(work_that_meets(*[AWAY] * 9), heard)

    assert heard.pauses == pauses


def test_a_command_that_is_run_once_gives_up_after_its_tries() -> None:
    heard = Heard()

    with pytest.raises(RegistryBusy):
        patiently(work_that_meets(*[BUSY] * 9), heard, most_tries=3)

    assert heard.pauses == [1.0, 2.0]


def test_what_no_waiting_mends_is_raised_at_once() -> None:
    heard = Heard()

    with pytest.raises(SchemaUnknown):
        patiently(work_that_meets(NEWER), heard)

    assert (heard.pauses, heard.told) == ([], [])


@pytest.mark.parametrize("tries", [1, 4, 7, 100])
def test_a_pause_is_a_fifth_shorter_or_longer_at_most(tries: int) -> None:
    usual = pause_after(tries, 0.5)

    assert pause_after(tries, 0.0) == pytest.approx(0.8 * usual, abs=0.1)
    assert pause_after(tries, 1.0) == pytest.approx(1.2 * usual, abs=0.1)
