"""How a run is asked to leave: once, and it finishes the message that it is sending; twice, and it is gone.

The service waits for the reason in its main thread; `hepwatch remind` works there, and asks between two messages. A
terminal that closes may say so twice (its shell, and the system), which asks once.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from types import FrameType

from scheduler.errors import HepwatchError

Ending = int | HepwatchError | None  # a signal's number, what stopped the service, or None: all is done

ASKING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
FINISHING = b"stopping after the message in hand; once more stops at once, and nobody knows what became of it\n"


class Leaving:
    """Why a run is to end: a signal, or what one of the service's threads says."""

    def __init__(self, *, aloud: bool = False) -> None:
        """`aloud`: a person waits at a terminal and is told on stderr that the signal was heard."""
        self.signal: signal.Signals | None = None  # the first that was heard
        self._aloud = aloud
        self._reasons: SimpleQueue[Ending] = SimpleQueue()  # its `put` may be called inside a signal's handler

    @contextmanager
    def listening(self, *, survives: tuple[signal.Signals, ...] = ()) -> Iterator[None]:
        """Hear SIGTERM, SIGINT and SIGHUP meanwhile; those that it survives change nothing. Only in the main thread.

        SIGHUP changes nothing either where whoever started the run had it ignored, as `nohup` does.
        """
        by_nohup = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else []
        heard = dict.fromkeys(ASKING, self._hear) | dict.fromkeys([*survives, *by_nohup], signal.SIG_IGN)
        before = {number: signal.signal(number, handler) for number, handler in heard.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def is_asked(self) -> bool:
        """Whether a signal was heard."""
        return self.signal is not None

    def say(self, reason: Ending) -> None:
        """Ask the run to end, for this reason."""
        self._reasons.put(reason)

    def wait(self) -> Ending:
        """Why it is to end, as soon as there is a reason."""
        return self._reasons.get()

    def pause(self, seconds: float) -> None:
        """Wait so long, or until there is a reason, which stays."""
        with suppress(Empty):
            self.say(self._reasons.get(timeout=seconds))

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.signal is not None:
            if number == signal.SIGHUP:
                return
            os._exit(128 + number)
        self.signal = signal.Signals(number)
        if self._aloud:
            with suppress(OSError):
                os.write(2, FINISHING)  # a handler may come in the middle of a buffered write
        self.say(number)


def leave_at_once() -> None:
    """End the process without waiting for any thread: the work in hand is found unfinished at the next start."""
    os._exit(0)
