"""What a message says: a policy's templates, filled with what is to be told.

Takes a `ReminderPolicy`, a message of it, a language and `Contents`; gives plain text. Templates are Jinja2, in its
sandbox; a name that a template misspells stops it. It knows no address and no channel: how a patient is shown, if at
all, is decided before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from scheduler.core.episode_tasks import Task
from scheduler.core.reminders.policy import Language, ReminderPolicy

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

TASKS = frozenset(task.value for task in Task)
VARIABLES = frozenset({"site", "on", "reference", "lines", "line", "groups"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One visit or one task to be told of. `shown_as` is empty where the channel shows nothing of the patient.

    `subject` is the origin of a visit (`grid`) or a task (`unread_result`); `opens_on` and `closes_on` are missing for
    a task.
    """

    shown_as: str
    rung: str
    subject: str
    due_on: date
    procedures: tuple[str, ...] = ()
    opens_on: date | None = None
    closes_on: date | None = None
    days_overdue: int = 0
    booked_on: date | None = None
    occurrence: int = 1

    @property
    def is_task(self) -> bool:
        """Whether it is something to be done, rather than a visit."""
        return self.subject in TASKS


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What one message tells, of one site on one day. A person finds the message again by its `reference`."""

    site: str
    on: date
    reference: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message as it goes out: plain text, its subject on one line."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldLine:
    """A line as templates see it: in words, its days written as the language writes them, empty where missing."""

    shown_as: str
    rung: str
    subject: str
    procedures: tuple[str, ...]
    opens_on: str
    due_on: str
    closes_on: str
    days_overdue: int
    booked_on: str
    occurrence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldGroup:
    """The lines of one rung, as templates see them; those of visits and those of tasks apart."""

    rung: str
    is_task: bool
    lines: tuple[ToldLine, ...]


def render(policy: ReminderPolicy, message: str, language: str, contents: Contents) -> Rendered:
    """The message in that language, or in the policy's default one where it does not speak it.

    The lines stand by rung, the most urgent first: the highest rung, of one rung tasks before visits, then the most
    days overdue. A message without lines tells nothing: give one at least. The policy is one that was checked.

    >>> from scheduler.core.reminders.policy import MessageText
    >>> spoken = Language.model_construct(
    ...     date_as="{day} {month} {year}", months=("January", "February"), words={},
    ...     messages={"patient_due": MessageText(subject="{{ site }}", text="Please come by {{ line.closes_on }}.")})
    >>> policy = ReminderPolicy.model_construct(
    ...     visits=(), tasks=(), default_language="en", languages={"en": spoken})
    >>> line = Line(shown_as="", rung="due", subject="grid", due_on=date(2026, 2, 1), closes_on=date(2026, 2, 15))
    >>> seoul = Contents(site="Seoul clinic", on=date(2026, 2, 1), reference="no. 1", lines=(line,))
    >>> render(policy, "patient_due", "fr", seoul).text
    'Please come by 15 February 2026.\\n'
    """
    wording = in_language(policy, language).messages[message]
    values = values_of(policy, language, contents)
    subject = " ".join(compiled(wording.subject).render(values).split())
    return Rendered(subject=subject, text=compiled(wording.text).render(values).strip() + "\n")


def in_language(policy: ReminderPolicy, language: str) -> Language:
    """The language, or the policy's default one where it does not speak it."""
    return policy.languages.get(language) or policy.languages[policy.default_language]


def values_of(policy: ReminderPolicy, language: str, contents: Contents) -> dict[str, object]:
    """What templates may name (`VARIABLES`), in the words of the language."""
    spoken = in_language(policy, language)
    groups = tuple(_groups(policy, spoken, contents.lines))
    lines = tuple(line for group in groups for line in group.lines)
    return {
        "site": contents.site,
        "on": in_words(contents.on, spoken),
        "reference": contents.reference,
        "lines": lines,
        "line": lines[0],
        "groups": groups,
    }


def in_words(day: date | None, spoken: Language) -> str:
    """A day as the language writes it; empty where there is none.

    >>> months = tuple(f"{number}월" for number in range(1, 13))
    >>> in_words(date(2026, 3, 1), Language.model_construct(date_as="{year}년 {month} {day}일", months=months))
    '2026년 3월 1일'
    """
    if day is None:
        return ""
    parts = {"{day}": str(day.day), "{month}": spoken.months[day.month - 1], "{year}": str(day.year)}
    written = spoken.date_as
    for name, part in parts.items():
        written = written.replace(name, part)
    return written


@lru_cache(maxsize=256)
def compiled(template: str) -> "Template":
    """The template, ready to be filled. Raises Jinja2's `TemplateSyntaxError`."""
    return environment().from_string(template)


@lru_cache(maxsize=1)
def environment() -> "ImmutableSandboxedEnvironment":
    """Where templates live: a sandbox for plain text, in which an unknown name is an error."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )


def _groups(policy: ReminderPolicy, spoken: Language, lines: Sequence[Line]) -> Iterator[ToldGroup]:
    rungs = list(dict.fromkeys(rung.rung for rung in policy.rungs))
    places = {rung: place for place, rung in enumerate(rungs)}

    def group_of(line: Line) -> tuple[int, bool]:
        return -places.get(line.rung, -1), not line.is_task

    urgent_first = sorted(lines, key=lambda line: (*group_of(line), -line.days_overdue, line.due_on))
    for (_, is_visit), members in groupby(urgent_first, key=group_of):
        told = tuple(_told(line, spoken) for line in members)
        yield ToldGroup(rung=told[0].rung, is_task=not is_visit, lines=told)


def _told(line: Line, spoken: Language) -> ToldLine:
    return ToldLine(
        shown_as=line.shown_as,
        rung=_word(line.rung, spoken),
        subject=_word(line.subject, spoken),
        procedures=tuple(_word(name, spoken) for name in line.procedures),
        opens_on=in_words(line.opens_on, spoken),
        due_on=in_words(line.due_on, spoken),
        closes_on=in_words(line.closes_on, spoken),
        days_overdue=line.days_overdue,
        booked_on=in_words(line.booked_on, spoken),
        occurrence=line.occurrence,
    )


def _word(name: str, spoken: Language) -> str:
    """Our word in the language; a name that it has no word for, such as a site's own procedure, stands for itself."""
    return spoken.words.get(name) or name.replace("_", " ")
