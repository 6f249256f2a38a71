"""What the messages of a rung look like, filled with made-up contents: for whom, on which channel. Stores nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from scheduler.core.reminders.policy import (
    ExpectedReminder,
    ReminderPolicy,
    Role,
    SendsOn,
    ShownAs,
    TaskRung,
    To,
    VisitRung,
    WorkedReminders,
    WorkedTask,
)
from scheduler.core.visit_changes import ORIGINS
from scheduler.errors import NotFound, listed
from scheduler.messages import Contents, Line, Rendered, render

SITE, REFERENCE, MRN, NUMBER = "Example clinic", "hepwatch-1", "MRN-{}", "#{}"
PROCEDURES = ("liver_ct_mri", "chest_ct", "afp")


class UnknownRung(NotFound):
    """A rung that the policy does not have, for visits or for that task."""

    def __init__(self, *, rung: str, of: str, known: Sequence[str]) -> None:
        super().__init__(
            f"the policy has no rung {rung} for {of}; there are: {listed(known)}",
            advice="`hepwatch rules show default` shows every rung; that of a task needs `--task`.",
        )


class UnknownTask(NotFound):
    """A task of which the policy says nothing."""

    def __init__(self, *, task: str, known: Sequence[str]) -> None:
        super().__init__(
            f"the policy says nothing of a task {task}; it speaks of: {listed(known)}",
            advice="`hepwatch rules show default` shows every task.",
        )


class UnknownLanguage(NotFound):
    """A language that the policy does not speak."""

    def __init__(self, *, language: str, known: Sequence[str]) -> None:
        super().__init__(
            f"the policy does not speak {language}; its languages: {listed(known)}",
            advice="Name one of them, or add the language to a policy of your own.",
        )


class NotTold(NotFound):
    """A role that is not told of this rung."""

    def __init__(self, *, role: str, rung: str, told: Sequence[str]) -> None:
        super().__init__(
            f"nobody tells a {role} of the rung {rung}; told are: {listed(told)}",
            advice="Leave out `--to`, or name one of those.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which messages: of a rung about visits or, with `task`, about that task; to everybody told, or to one role."""

    rung: str
    language: str
    task: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """One message as it would go out: to whom, on which channel, what that shows of a patient, and its words."""

    role: Role
    channel: str
    message: str
    digest: bool
    sends_on: SendsOn
    shows: ShownAs
    rendered: Rendered


def preview(policy: ReminderPolicy, wanted: Wanted) -> tuple[Previewed, ...]:
    """The messages of a rung with made-up contents, on the day on which a worked example reaches it.

    The policy is one that the rulebook gave, checked. Raises `UnknownRung`, `UnknownTask`, `UnknownLanguage` and
    `NotTold`.
    """
    if wanted.language not in policy.languages:
        raise UnknownLanguage(language=wanted.language, known=list(policy.languages))
    rung = _rung(policy, wanted)
    told = [to for to in rung.to if wanted.to in (None, to.role.value)]
    if not told:
        raise NotTold(role=str(wanted.to), rung=rung.rung, told=[to.role.value for to in rung.to])
    example, reached = _example(policy, rung)
    sample = Contents(site=SITE, on=reached.on, reference=REFERENCE, lines=(_line(example, reached),))
    return tuple(_previewed(policy, to, wanted.language, sample) for to in told)


def _rung(policy: ReminderPolicy, wanted: Wanted) -> VisitRung | TaskRung:
    tasks = list(dict.fromkeys(rung.task.value for rung in policy.tasks))
    if wanted.task is not None and wanted.task not in tasks:
        raise UnknownTask(task=wanted.task, known=tasks)
    rungs: Sequence[VisitRung | TaskRung] = policy.visits
    if wanted.task is not None:
        rungs = [rung for rung in policy.tasks if rung.task.value == wanted.task]
    for rung in rungs:
        if rung.rung == wanted.rung:
            return rung
    raise UnknownRung(rung=wanted.rung, of=wanted.task or "visits", known=[rung.rung for rung in rungs])


def _example(
    policy: ReminderPolicy, rung: VisitRung | TaskRung
) -> tuple[WorkedReminders | WorkedTask, ExpectedReminder]:
    """The first worked example that reaches the rung, and when: a checked policy has one for each."""
    examples: Sequence[WorkedReminders | WorkedTask] = policy.worked_examples
    if isinstance(rung, TaskRung):
        examples = [example for example in policy.worked_tasks if example.task is rung.task]
    return next((example, each) for example in examples for each in example.expect if each.rung == rung.rung)


def _line(example: WorkedReminders | WorkedTask, reached: ExpectedReminder) -> Line:
    """The example's visit or task on the day on which it reaches the rung."""
    if isinstance(example, WorkedTask):
        return Line(
            shown_as="",
            rung=reached.rung,
            subject=example.task.value,
            due_on=example.due_on,
            days_overdue=max(0, (reached.on - example.due_on).days),
        )
    return Line(
        shown_as="",
        rung=reached.rung,
        subject=ORIGINS[0],
        procedures=PROCEDURES,
        opens_on=example.opens_on,
        due_on=example.due_on,
        closes_on=example.closes_on,
        days_overdue=max(0, (reached.on - example.closes_on).days),
    )


def _previewed(policy: ReminderPolicy, to: To, language: str, sample: Contents) -> Previewed:
    shows = ShownAs.NOTHING if to.role is Role.PATIENT else policy.channels[to.channel].shows
    contents = replace(sample, lines=tuple(_lines(sample.lines[0], shows, many=to.digest)))
    return Previewed(
        role=to.role,
        channel=to.channel,
        message=to.message,
        digest=to.digest,
        sends_on=to.sends_on,
        shows=shows,
        rendered=render(policy, to.message, language, contents),
    )


def _lines(line: Line, shows: ShownAs, *, many: bool) -> Iterator[Line]:
    """One patient; for a digest three, a visit of each origin."""
    shown_as = {ShownAs.NOTHING: "", ShownAs.NUMBER: NUMBER, ShownAs.MRN: MRN}[shows]
    for number, origin in enumerate(ORIGINS if many else ORIGINS[:1], start=17):
        yield replace(line, shown_as=shown_as.format(number), subject=line.subject if line.is_task else origin)
