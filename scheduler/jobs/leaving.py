"""How the service is asked to leave: once, and it finishes the message that it is sending; twice, and it is gone."""

import os
import signal
from queue import SimpleQueue
from types import FrameType

from scheduler.errors import HepwatchError

Ending = int | HepwatchError | None  # a signal's number, what stopped the service, or None: all is done


class Leaving:
    """Why the service is to end: a signal, or what one of its threads says."""

    def __init__(self) -> None:
        self._reasons: SimpleQueue[Ending] = SimpleQueue()  # its `put` may be called inside a signal's handler
        self._asked = False

    def listen(self) -> None:
        """Hear SIGTERM and SIGINT; SIGHUP changes nothing. Only in the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def say(self, reason: Ending) -> None:
        """Ask the service to end, for this reason."""
        self._reasons.put(reason)

    def wait(self) -> Ending:
        """Why it is to end, as soon as there is a reason."""
        return self._reasons.get()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            os._exit(128 + number)
        self._asked = True
        self.say(number)


def leave_at_once() -> None:
    """End the process without waiting for any thread: the work in hand is found unfinished at the next start."""
    os._exit(0)
