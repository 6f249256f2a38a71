"""How fast a channel may go, how long to wait before another try, and when to leave it alone.

Reads no clock and waits for nothing: moments and waiting times are seconds on a clock that is handed in.
"""

import threading
from collections.abc import Callable
from random import Random

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
FAILURES_UNTIL_DOWN = 3

Clock = Callable[[], float]


class Pace:
    """Hands out turns, at most `per_minute` in any minute and evenly apart; None: no limit. Safe between threads."""

    def __init__(self, per_minute: float | None, clock: Clock) -> None:
        self._apart = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = clock()
        self._lock = threading.Lock()

    def take_turn(self) -> float:
        """How many seconds to wait for the turn that is now ours."""
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._apart
            return turn - now


class Breaker:
    """Counts messages in a row that failed by the channel's fault; after three the channel is down for a while.

    After `cool_down_seconds` one message is let through: if it fares well the channel is up again, else down for as
    long again. Safe between threads.
    """

    def __init__(self, cool_down_seconds: float, clock: Clock) -> None:
        self._cool_down = cool_down_seconds
        self._clock = clock
        self._in_a_row = 0
        self._down_until = 0.0
        self._lock = threading.Lock()

    def lets_through(self) -> bool:
        """Whether the next message may be tried; while the channel is down, one message after each cool-down."""
        with self._lock:
            if self._in_a_row < FAILURES_UNTIL_DOWN:
                return True
            if self._clock() < self._down_until:
                return False
            self._rest()
            return True

    def note(self, *, failed: bool) -> None:
        """How a message that was let through fared."""
        with self._lock:
            self._in_a_row = self._in_a_row + 1 if failed else 0
            if self._in_a_row >= FAILURES_UNTIL_DOWN:
                self._rest()

    def _rest(self) -> None:
        self._down_until = self._clock() + self._cool_down


def wait_before(attempt: int, random: Random) -> float:
    """Seconds to wait before another try, after `attempt` tries: doubling from 1 to 60, shortened by up to a half.

    >>> [round(wait_before(attempt, Random(1)), 2) for attempt in (1, 2, 3, 20)]
    [0.57, 1.13, 2.27, 34.03]
    """
    longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, 16))
    return longest * random.uniform(0.5, 1.0)
