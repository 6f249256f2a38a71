"""Work that goes on when the database comes back: tried again after ever longer pauses, and said so each time.

Takes the work as a function that changes nothing when it fails, which every transaction promises; how to wait, whom to
tell and when to stop are handed in, so that it knows neither clock nor log.
"""

from collections.abc import Callable
from random import random
from typing import TypeVar

from scheduler.errors import HepwatchError
from scheduler.store.errors import DatabaseUnreachable, RegistryBusy

LONGEST_PAUSE_SECONDS = 60.0
JITTER = 0.2  # of a pause, either way, so that several instances do not knock at the same moment
AWAY: tuple[type[HepwatchError], ...] = (DatabaseUnreachable, RegistryBusy)

Done = TypeVar("Done")


def with_patience(
    work: Callable[[], Done],
    *,
    wait: Callable[[float], None],
    told: Callable[..., None],
    stopping: Callable[[], bool],
    most_tries: int | None = None,
    away: tuple[type[HepwatchError], ...] = AWAY,
    chance: Callable[[], float] = random,
) -> Done:
    """What the work gives, as soon as the database lets it: after 1, 2, 4 … 60 seconds, each longer or shorter by up
    to a fifth.

    Only the errors in `away` are waited for. Each failure is told as `database_away` (`error`, `tries`,
    `wait_seconds`), and coming back as `database_back` (`tries`). The last error is raised where `stopping` says so,
    before or after a pause, or after `most_tries` (None: never).

    >>> answers = iter([RegistryBusy(place="the clinic's registry"), "done"])
    >>> def work():
    ...     answer = next(answers)
    ...     if isinstance(answer, RegistryBusy):
    ...         raise answer
    ...     return answer
    >>> pauses = []
    >>> def told(action, **facts):
    ...     print(action, facts)
    >>> with_patience(work, wait=pauses.append, told=told, stopping=lambda: False, chance=lambda: 0.5)
    database_away {'error': 'RegistryBusy', 'tries': 1, 'wait_seconds': 1.0}
    database_back {'tries': 2}
    'done'
    >>> pauses
    [1.0]
    """
    tries = 0
    while True:
        tries += 1
        try:
            done = work()
        except away as error:
            if stopping() or tries == most_tries:
                raise
            seconds = pause_after(tries, chance())
            told("database_away", error=type(error).__name__, tries=tries, wait_seconds=seconds)
            wait(seconds)
            if stopping():
                raise
        else:
            if tries > 1:
                told("database_back", tries=tries)
            return done


def pause_after(tries: int, chance: float) -> float:
    """How many seconds to wait after so many tries, to a tenth: `chance` from 0 to 1 shortens or lengthens it.

    >>> [pause_after(tries, 0.5) for tries in (1, 2, 3, 6, 7, 5_000)]
    [1.0, 2.0, 4.0, 32.0, 60.0, 60.0]
    >>> pause_after(7, 0.0), pause_after(7, 1.0)
    (48.0, 72.0)
    """
    pause = min(2.0 ** min(tries - 1, 6), LONGEST_PAUSE_SECONDS)
    return round(pause * (1 - JITTER + 2 * JITTER * chance), 1)
