"""What a reminder policy may say: who is told of what, from which day on, how often, and in which words.

Takes a parsed `rules/reminders/*.yaml`; gives a `ReminderPolicy`. Whether what it says makes sense is for `checks`;
on which rung a visit stands on a day is for `rungs`. It knows no file, no patient and no channel's address.
"""

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from scheduler.core.episode_tasks import Task
from scheduler.core.variables import RuleModel, Source, Words


class Role(StrEnum):
    """Who may be told."""

    PATIENT = "patient"
    COORDINATOR = "coordinator"
    CLINICIAN = "clinician"
    SURGEON = "surgeon"
    SITE_LEAD = "site_lead"


class CountedFrom(StrEnum):
    """The day from which a rung is counted; a visit's first three, in their order, or a task's last two."""

    OPENS = "opens"
    DUE = "due"
    CLOSES = "closes"
    OPENED = "opened"


class SendsOn(StrEnum):
    """On which days a message may go out."""

    WORKING_DAYS = "working_days"  # of the site: what falls on another day goes out on the next working day
    EVERY_DAY = "every_day"


class ShownAs(StrEnum):
    """What may identify a patient in what goes out by a channel."""

    NOTHING = "nothing"
    NUMBER = "number"  # hepwatch's own number of the patient
    MRN = "mrn"


Who = Annotated[Role, Field(strict=False)]
Base = Annotated[CountedFrom, Field(strict=False)]
Sending = Annotated[SendsOn, Field(strict=False)]
Shown = Annotated[ShownAs, Field(strict=False)]
Asked = Annotated[Task, Field(strict=False)]
Day = Annotated[date, Field(strict=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]


class To(RuleModel):
    """One recipient of a rung: every person of a role at the site, or the patient.

    `digest`: everything for one person on one day in one message. `channel` is where a person without a channel of
    their own is reached. `resend_when_unknown`: whether it goes out again, unasked, where nobody knows whether it
    arrived; otherwise a person decides.
    """

    role: Who
    channel: Name
    message: Name
    digest: bool
    resend_when_unknown: bool
    sends_on: Sending


class VisitRung(RuleModel):
    """One rung of the escalation about an open visit, reached `offset_days` after (before: negative) a day of it.

    `unless_booked`: not sent while an appointment stands. `unless_missed`: not sent once the next visit has taken the
    place of this one; otherwise it is said of a missed visit too, until the patient is seen. `repeats_every_days`:
    again so often while the visit stands on it; null: once.
    """

    rung: Name
    counted_from: Base
    offset_days: int
    repeats_every_days: Annotated[int, Field(ge=1)] | None
    unless_booked: bool
    unless_missed: bool
    to: Annotated[tuple[To, ...], Field(min_length=1)]
    because: Words
    source: Words


class TaskRung(RuleModel):
    """One rung about an open task, reached `offset_days` after the day on which it opened or is due."""

    task: Asked
    rung: Name
    counted_from: Base
    offset_days: int
    repeats_every_days: Annotated[int, Field(ge=1)] | None
    to: Annotated[tuple[To, ...], Field(min_length=1)]
    because: Words
    source: Words


class ChannelRule(RuleModel):
    """What a message that goes out by this channel may show of a patient."""

    shows: Shown
    because: Words


class AfterAppointment(RuleModel):
    """For how many days after the day of an appointment it still counts as booked, until its result is recorded."""

    counts_for_days: Annotated[int, Field(ge=0)]
    source: Words


class MessageText(RuleModel):
    """One message in one language, as Jinja2 templates."""

    subject: Words
    text: Words


class Language(RuleModel):
    """A language: its name, how it writes a day, the messages in it, and our words in it.

    The words are those of rungs, tasks, origins of visits and procedures. `date_as` holds {day}, {month} and {year};
    the month is put in by its name.
    """

    name: Words
    date_as: Words
    months: Annotated[tuple[Words, ...], Field(min_length=12, max_length=12)]
    messages: dict[Name, MessageText]
    words: dict[Name, Words]
    never_to_patients: tuple[Words, ...]  # words that would tell a diagnosis


class ExpectedReminder(RuleModel):
    """What is owed for the first time on a day."""

    on: Day
    rung: Name
    occurrence: Annotated[int, Field(ge=1)]


class WorkedReminders(RuleModel):
    """One visit that is never held, and every reminder of it up to a day, worked out by hand."""

    name: Words
    opens_on: Day
    due_on: Day
    closes_on: Day
    until: Day
    expect: Annotated[tuple[ExpectedReminder, ...], Field(min_length=1)]


class WorkedTask(RuleModel):
    """One task that nobody does, and every reminder of it up to a day, worked out by hand."""

    name: Words
    task: Asked
    opened_on: Day
    due_on: Day
    until: Day
    expect: Annotated[tuple[ExpectedReminder, ...], Field(min_length=1)]


class ToPatients(RuleModel):
    """Until when in the day patients are told, by the site's clock; what is owed later waits for the day after."""

    until: Annotated[time, Field(strict=False)]
    source: Words


class ReminderPolicy(RuleModel):
    """One reminder policy: the rungs in their order, who is told, in which words, with sources and worked examples."""

    kind: Literal["reminder_policy"]
    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: int = Field(ge=1)
    title: Words
    description: Words
    sources: dict[str, Source]
    visits: Annotated[tuple[VisitRung, ...], Field(min_length=1)]  # the lowest rung first
    tasks: tuple[TaskRung, ...]  # those of one task: the lowest first
    to_patients: ToPatients
    after_appointment: AfterAppointment
    channels: dict[Name, ChannelRule]
    default_language: Words
    languages: dict[Words, Language]  # by BCP 47 tag: en, ko, zh-Hans
    caveats: tuple[Words, ...]
    worked_examples: Annotated[tuple[WorkedReminders, ...], Field(min_length=1)]
    worked_tasks: tuple[WorkedTask, ...]

    @property
    def reference(self) -> str:
        """How the database names it: `default@1`."""
        return f"{self.id}@{self.version}"

    @property
    def patient_messages(self) -> frozenset[str]:
        """The messages that a patient is told by."""
        return frozenset(to.message for rung in self.rungs for to in rung.to if to.role is Role.PATIENT)

    @property
    def rungs(self) -> tuple[VisitRung | TaskRung, ...]:
        """Every rung, of visits and of tasks."""
        return (*self.visits, *self.tasks)
