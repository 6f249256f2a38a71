"""Every error that a person can meet. Five families, by who can help; each class writes its own sentence.

A message says what happened, to which thing, what was found and what was expected; `advice` says what to do
next. Messages carry patient identifiers only as far as a person needs them to find the row: never a name, a
birth date or free text. `counted` and `listed` put numbers and words into a sentence.
"""

from collections.abc import Sequence
from typing import ClassVar


class HepwatchError(Exception):
    """What a person did or found that stops an action. `exit_status` and `page_status` are for the doors."""

    exit_status: ClassVar[int] = 1
    page_status: ClassVar[int] = 500

    def __init__(self, message: str, *, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class RuleError(HepwatchError):
    """A rule file is wrong; its author can help."""

    exit_status = 3
    page_status = 422


class ClinicalDataError(HepwatchError):
    """A finding, a table or a report is wrong; the clinician or coordinator can help."""

    exit_status = 4
    page_status = 422


class NotFound(HepwatchError):
    """The thing asked for is not there."""

    exit_status = 5
    page_status = 404


class Conflict(HepwatchError):
    """Somebody else changed it first, or it is already so; look again and retry."""

    exit_status = 6
    page_status = 409


class DeliveryError(HepwatchError):
    """Something outside did not answer (database, key, message channel); the operator can help."""

    exit_status = 7
    page_status = 503


FAMILIES: tuple[type[HepwatchError], ...] = (RuleError, ClinicalDataError, NotFound, Conflict, DeliveryError)


def counted(number: int, noun: str) -> str:
    """How many there are, for a sentence.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def listed(words: Sequence[str], *, none: str = "none") -> str:
    """The words with commas and a last "and", for a sentence.

    >>> listed(["low", "intermediate", "high"])
    'low, intermediate and high'
    """
    if not words:
        return none
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
