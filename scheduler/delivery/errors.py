"""What can be wrong with the channels file. None of these messages holds a URL, a password or an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scheduler.errors import DeliveryError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ChannelProblem:
    """One mistake in the channels file, at a line (counted from 1)."""

    file: str
    line: int
    what: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; expected {self.expected}"


class ChannelsRefused(DeliveryError):
    """A channels file that cannot be used; every problem in it."""

    def __init__(self, problems: Sequence[ChannelProblem]) -> None:
        self.problems = tuple(problems)
        many = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the channels file"
        super().__init__(
            "\n".join([many, *map(str, problems)]), advice="correct the lines named above; nothing was sent"
        )


class ChannelsFileUnreadable(DeliveryError):
    """The channels file that is named cannot be read."""

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"the channels file {path} cannot be read",
            advice="check HEPWATCH_CHANNELS_FILE, and that the file is UTF-8 text and belongs to you",
        )


class ChannelsFileExposed(DeliveryError):
    """Others than its owner can read the channels file, and with it the passwords in it."""

    def __init__(self, *, path: Path) -> None:
        super().__init__(
            f"the channels file {path} can be read or changed by others than its owner",
            advice=f"run `chmod 600 {path}`",
        )
