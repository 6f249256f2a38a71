"""Every channel by which messages go out, as the channels file names them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scheduler.delivery.by_apprise import ByApprise
from scheduler.delivery.channel_file import CONSOLE, FILE, ChannelEntry, read_channel_file
from scheduler.delivery.local import Console, JsonLines
from scheduler.delivery.outcome import Delivered, Outcome, Outgoing
from scheduler.delivery.pacing import Breaker, Clock, Pace
from scheduler.delivery.sending import Channel, Patience, Sender

CONSOLE_NAME = "console"
PER_MINUTE_BY_NETWORK = 60.0


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Channels:
    """Every way out. `console` is always one of them; `otherwise` is the one for names that are not listed, if any."""

    listed: Mapping[str, Channel]
    otherwise: Channel | None

    @classmethod
    def read(cls, path: Path | None, *, clock: Clock = time.monotonic, random: Random | None = None) -> "Channels":
        """The channels of this file; without one every channel is standard output. Raises a `DeliveryError`.

        `clock` counts seconds and never goes back; `random` spreads the waiting times between tries.
        """
        chance = random or Random()
        console = _channel(CONSOLE_NAME, ChannelEntry(url=CONSOLE), (Path(), clock, chance))
        if path is None:
            return cls({}, console)
        tools = (path.parent, clock, chance)
        entries = {name: _channel(name, each, tools) for name, each in read_channel_file(path).items()}
        return cls({CONSOLE_NAME: console} | entries, None)

    @property
    def names(self) -> tuple[str, ...]:
        """The channels that are configured, in order."""
        return tuple(sorted(self.listed))

    @property
    def are_configured(self) -> bool:
        """Whether a channels file says which there are, so that messages can leave the machine."""
        return self.otherwise is None

    def has(self, channel: str) -> bool:
        """Whether there is a way out by this name."""
        return channel in self.listed or self.otherwise is not None

    def deliver(
        self,
        channel: str,
        address: str,
        outgoing: Outgoing,
        *,
        wait: Callable[[float], object] = time.sleep,
        stopping: Callable[[], bool] = _never,
    ) -> Delivered:
        """What became of this message; it never raises for what a server does. Safe between threads.

        `wait` passes a number of seconds and may return early; `stopping` is asked around every wait, and before
        each try.
        """
        way = self.listed.get(channel, self.otherwise)
        if way is None:
            return Delivered(outcome=Outcome.UNREACHED, why=f"no channel {channel} is configured", attempts=0)
        return way.deliver(address, outgoing, Patience(wait=wait, stopping=stopping))


def _channel(name: str, entry: ChannelEntry, tools: tuple[Path, Clock, Random]) -> Channel:
    """A channel as its entry says; a file's path counts from the folder of the channels file."""
    folder, clock, random = tools
    per_minute = entry.per_minute or (None if entry.is_local else PER_MINUTE_BY_NETWORK)
    return Channel(
        sender=_sender(name, entry, folder),
        attempts=entry.attempts,
        pace=Pace(per_minute, clock),
        breaker=Breaker(entry.cool_down_seconds, clock),
        random=random,
    )


def _sender(name: str, entry: ChannelEntry, folder: Path) -> Sender:
    if entry.url == CONSOLE:
        return Console()
    if entry.url.startswith(FILE):
        return JsonLines(path=folder / entry.url.removeprefix(FILE), channel=name)
    return ByApprise(url=entry.url, timeout_seconds=entry.timeout_seconds)
