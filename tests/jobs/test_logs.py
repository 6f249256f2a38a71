"""The log says what was done, in words that stay, and nothing of a patient."""

import io
import json
from datetime import UTC, date, datetime, time

import pytest

from scheduler.jobs.logs import log_to

MOMENT = datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class FullDisk(io.StringIO):
    """A stream that takes nothing."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def lines_of(*told: tuple[str, dict[str, object]]) -> list[dict[str, object]]:
    stream = io.StringIO()
    tell = log_to(stream, worker="w-1", now=lambda: MOMENT)
    for action, facts in told:
        tell(action, **facts)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_action_the_moment_in_utc_the_worker_and_the_facts() -> None:
    told = {"site": "seoul", "on": date(2026, 11, 22), "count": 3, "ring_at": time(7), "state": "balanced"}

    assert lines_of(("accounted", told)) == [
        {
            "at": "2026-11-22T07:00:00.123+00:00",
            "action": "accounted",
            "site": "seoul",
            "on": "2026-11-22",
            "count": 3,
            "ring_at": "07:00:00",
            "state": "balanced",
            "worker": "w-1",
        }
    ]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"name": "Kim Minji"}, id="a name"),
        pytest.param({"birth_date": date(1960, 5, 17)}, id="a birth date"),
        pytest.param({"mrn": "P-1"}, id="an MRN"),
        pytest.param({"address": "mailto:minji"}, id="an address"),
        pytest.param({"state": "Kim Minji did not come"}, id="a sentence in an allowed fact"),
        pytest.param({"error": ValueError("Kim Minji")}, id="an error with its text"),
        pytest.param({"outcome": ["Kim", "Minji"]}, id="a list"),
        pytest.param({"reasons": {"Kim Minji": 1}}, id="a sentence among counts"),
    ],
)
def test_what_is_not_allowed_is_left_out_and_counted(facts: dict[str, object]) -> None:
    (line,) = lines_of(("claimed", {"site": "seoul", **facts}))

    assert line == {
        "at": "2026-11-22T07:00:00.123+00:00",
        "action": "claimed",
        "site": "seoul",
        "left_out": 1,
        "worker": "w-1",
    }


def test_counts_by_reason_are_written() -> None:
    (line,) = lines_of(("accounted", {"reasons": {"no_consent": 2, "booked": 1}}))

    assert line["reasons"] == {"no_consent": 2, "booked": 1}


def test_on_a_terminal_a_line_is_for_people() -> None:
    stream = Terminal()

    log_to(stream, worker="w-1", now=lambda: MOMENT)("claimed", site="seoul", count=3)

    assert stream.getvalue() == (
        "at='2026-11-22T07:00:00.123+00:00' action='claimed' site='seoul' count=3 worker='w-1'\n"
    )


def test_a_full_disk_stops_nothing() -> None:
    log_to(FullDisk(), worker="w-1", now=lambda: MOMENT)("claimed", site="seoul")
