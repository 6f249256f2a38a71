"""How somebody is reached: a channel, an address that fits it, a language. None of it is repeated in an error.

Whether a policy has the channel and the language is for whoever sends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from scheduler.core.validation import MASK
from scheduler.errors import ClinicalDataError

CHANNEL = re.compile("[a-z]+(_[a-z]+)*")
LANGUAGE = re.compile("[A-Za-z-]+")
KINDS = {  # channel → what its addresses look like, in signs and in words
    "email": (re.compile(r"[^@\s,;:<>()\"]+@[^@\s,;:<>()\"]+\.[^@\s,;:<>()\".]+"), "one e-mail address"),
    "sms": (re.compile(r"\+?[0-9]{5,15}"), "a telephone number: digits, with + and the country first"),
}
ANYTHING = (re.compile(".{1,500}"), "one line of 1 to 500 characters")
BETWEEN_DIGITS = str.maketrans("", "", " -./()")


class NotReachable(ClinicalDataError):
    """A channel, an address or a language that cannot be one. What was found is masked: it may be an address."""

    def __init__(self, *, what: str, expected: str) -> None:
        super().__init__(
            f"the {what} {MASK} is not {expected}; nothing was stored",
            advice="Look for a slip in what was typed, or two options that changed places, and repeat the command.",
        )


class AddressNeeded(ClinicalDataError):
    """A channel that reaches nobody without an address."""

    def __init__(self, *, channel: str) -> None:
        super().__init__(
            f"channel {channel} reaches nobody without an address; nothing was stored",
            advice="Give it with --address; with `--address -` it is read from standard input.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How somebody is to be reached; what is None stays as it was, and is the policy's where nothing was said.

    The address shows in no `repr`, which a log may hold.
    """

    channel: str | None = None
    address: str | None = field(default=None, repr=False)
    language: str | None = None


def combined(wanted: Reach, standing: Reach) -> Reach:
    """How somebody will be reached: as wanted, and where nothing is said as it stands; the address tidied.

    Raises `NotReachable` for what cannot be one, and `AddressNeeded`.

    >>> standing = Reach(channel="sms", address="+821012345678", language="ko")
    >>> combined(Reach(address=" +82 10-8765-4321"), standing).address
    '+821087654321'
    """
    both = merged(wanted, standing)
    for what, expected in problems(both):
        raise NotReachable(what=what, expected=expected)
    if both.address is None and both.channel in KINDS:
        raise AddressNeeded(channel=both.channel)
    return both


def merged(wanted: Reach, standing: Reach) -> Reach:
    """As `combined`, whatever is wrong with it."""
    channel = standing.channel if wanted.channel is None else wanted.channel
    address = standing.address if wanted.address is None else wanted.address
    return Reach(
        channel=channel,
        address=None if address is None else tidied(address, channel=channel),
        language=standing.language if wanted.language is None else wanted.language,
    )


def problems(reach: Reach) -> Iterator[tuple[str, str]]:
    """What of it cannot be one, and what was expected; a channel without rules of its own takes any one line.

    >>> list(problems(Reach(channel="email", address="minji")))
    [('address', 'one e-mail address')]
    """
    if reach.channel is not None and not CHANNEL.fullmatch(reach.channel):
        yield "channel", "lower-case words joined by _, such as email"
    if reach.language is not None and not LANGUAGE.fullmatch(reach.language):
        yield "language", "a tag such as en, ko or zh-Hans"
    if reach.address is not None:
        kind, in_words = KINDS.get(reach.channel or "", ANYTHING)
        if not kind.fullmatch(reach.address) or not reach.address.isprintable():
            yield "address", in_words


def tidied(address: str, *, channel: str | None) -> str:
    """The address without blanks around it; a telephone number without `tel:` and what people put between digits.

    >>> tidied(" minji@example.org ", channel="email"), tidied("tel:+82 10-1234-5678", channel="sms")
    ('minji@example.org', '+821012345678')
    """
    stripped = address.strip()
    return stripped.removeprefix("tel:").translate(BETWEEN_DIGITS) if channel == "sms" else stripped
