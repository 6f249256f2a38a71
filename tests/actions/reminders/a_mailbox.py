"""A mailbox for simulated days: it keeps what arrives, can be down, and now and then does not confirm what it took."""

from dataclasses import dataclass, field
from datetime import date
from random import Random

from scheduler.delivery.channels import Channels
from scheduler.delivery.outcome import Attempt, Outcome, Outgoing
from scheduler.delivery.pacing import Breaker, Pace
from scheduler.delivery.sending import Channel


@dataclass(kw_only=True)
class Mailbox:
    """A sender that keeps what arrives; it can be down, and now and then nobody hears whether it took a message."""

    today: date = date.min
    is_down: bool = False
    arrived: list[tuple[date, str, str]] = field(default_factory=list)  # day, address, reference
    unheard: list[tuple[date, str, str]] = field(default_factory=list)

    def attempt(self, address: str, outgoing: Outgoing) -> Attempt:
        """Taken, unless the mailbox is down; one message in a thousand is taken and not confirmed."""
        if self.is_down:
            return Attempt(outcome=Outcome.UNREACHED, why="nobody answers", again=False, channels_fault=True)
        this = (self.today, address, outgoing.reference)
        if outgoing.reference.endswith("500"):
            self.unheard.append(this)
            return Attempt(outcome=Outcome.UNKNOWN, why="the line broke")
        self.arrived.append(this)
        return Attempt(outcome=Outcome.SENT, why="taken")

    def channels(self) -> Channels:
        """Every channel of the policy leads here; the breaker counts seconds of the simulated days."""
        channel = Channel(
            sender=self,
            attempts=1,
            pace=Pace(None, self._seconds),
            breaker=Breaker(60, self._seconds),
            random=Random(1),
        )
        return Channels({"email": channel, "sms": channel}, None)

    def _seconds(self) -> float:
        return self.today.toordinal() * 86400.0
