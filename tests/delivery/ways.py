"""Builders: a message, a channels file, and what a caller hands in to wait and to tell the time."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any

from scheduler.delivery.channels import Channels
from scheduler.delivery.outcome import Outgoing

KIM = "kim+clinic@example.org"
SECONDS, SHORT = 20.0, 0.6  # how long a server may be silent: where it answers, and where it never will


def an_outgoing(number: int = 1, *, subject: str = "Visit due", text: str = "Please call us.") -> Outgoing:
    """A message to go out."""
    return Outgoing(reference=f"r-{number}", subject=subject, text=text)


def mail_url(port: int) -> str:
    """The URL of a mail server on this machine, without encryption."""
    return f"mailto://127.0.0.1:{port}?from=clinic@example.org&to={{address}}&mode=insecure"


def patience_with(fault: StrEnum) -> float:
    """How many seconds to give a server that fails like this."""
    return SHORT if fault.name.startswith(("HANGS", "TRICKLES")) else SECONDS


def with_password(port: int) -> str:
    """The same, for a server that wants to know who we are."""
    return mail_url(port).replace("//", "//user:hunter2@")


def web_url(port: int) -> str:
    """The URL of a web address on this machine that takes JSON."""
    return f"json://127.0.0.1:{port}/send/{{address}}"


def a_channels_file(folder: Path, text: str, *, mode: int = 0o600) -> Path:
    """A channels file, readable by its owner alone unless told otherwise."""
    path = folder / "channels.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


@dataclass(slots=True)
class HandMadeClock:
    """A clock that only moves when somebody waits; it keeps every wait."""

    now: float = 1000.0
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        """The time passes at once."""
        self.waits.append(seconds)
        self.now += seconds


def channels_to(folder: Path, url: str, *, clock: HandMadeClock | None = None, **settings: Any) -> Channels:
    """One channel, `out`, that goes by this URL."""
    lines = {"timeout_seconds": SECONDS, "per_minute": 60_000, "attempts": 1} | settings
    text = "".join(f"    {key}: {value}\n" for key, value in lines.items())
    path = a_channels_file(folder, f"channels:\n  out:\n    url: '{url}'\n{text}")
    return Channels.read(path, clock=clock or HandMadeClock(), random=Random(1))
