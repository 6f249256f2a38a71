"""One channel's way with one message: its turn, its tries, and when to stop trying."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from scheduler.delivery.outcome import Attempt, Delivered, Outcome, Outgoing
from scheduler.delivery.pacing import Breaker, Pace, wait_before

DOWN = "the channel failed for several messages in a row and counts as down; this one was not tried"
STOPPED = "stopped before it was tried"


class Sender(Protocol):
    """What tries once to deliver one message."""

    def attempt(self, address: str, outgoing: Outgoing) -> Attempt:
        """What became of it; an exception is a defect of ours."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How a caller waits, and how it says that it wants to stop; asked before and after every wait."""

    wait: Callable[[float], object]
    stopping: Callable[[], bool]

    def outlast(self, seconds: float) -> bool:
        """Whether the wait is over and nobody wants to stop."""
        if seconds > 0 and not self.stopping():
            self.wait(seconds)
        return not self.stopping()


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way out: what sends, how often it is tried, how fast it may go."""

    sender: Sender
    attempts: int
    pace: Pace
    breaker: Breaker
    random: Random

    def deliver(self, address: str, outgoing: Outgoing, patience: Patience) -> Delivered:
        """What became of the message; tried again only where it certainly did not arrive and may the next time."""
        if not self.breaker.lets_through():
            return Delivered(outcome=Outcome.UNREACHED, why=DOWN, attempts=0)
        made, last = 0, Attempt(outcome=Outcome.UNREACHED, why=STOPPED)
        while patience.outlast(self.pace.take_turn()):
            made, last = made + 1, self.sender.attempt(address, outgoing)
            more = last.outcome is Outcome.UNREACHED and last.again and made < self.attempts
            if not more or not patience.outlast(wait_before(made, self.random)):
                break
        if made:
            self.breaker.note(failed=last.channels_fault)
        return Delivered(outcome=last.outcome, why=last.why, attempts=made)
