"""What goes out, and what became of it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What became of a message."""

    SENT = "sent"  # the server said that it took it
    REFUSED = "refused"  # it certainly did not arrive, and trying again is pointless
    UNREACHED = "unreached"  # it certainly did not arrive, and may be tried again
    UNKNOWN = "unknown"  # it may have arrived: never sent again unasked


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message; `reference` is how hepwatch knows it, and holds nothing about a patient."""

    reference: str
    subject: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of one message after `attempts` tries (0: it was never tried).

    `why` is a sentence for the ledger: it names no address, no URL, no password and nothing of the message.
    """

    outcome: Outcome
    why: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one try.

    `again`: whether another try, soon, makes sense. `channels_fault`: whether the next message would fare the same.
    """

    outcome: Outcome
    why: str
    again: bool = False
    channels_fault: bool = False
