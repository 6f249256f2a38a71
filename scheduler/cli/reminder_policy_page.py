"""A reminder policy as a page for people: who is told of what, from which day on, how often, and why."""

from typing import TYPE_CHECKING

from scheduler.cli.rule_parts import caveat_list, heading, sources_table
from scheduler.cli.showing import table
from scheduler.core.reminders.policy import (
    CountedFrom,
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
from scheduler.errors import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

DAYS = {
    CountedFrom.OPENS: "the window opens",
    CountedFrom.DUE: "the due day",
    CountedFrom.CLOSES: "the window closes",
    CountedFrom.OPENED: "it came up",
}


def reminder_policy_page(policy: ReminderPolicy, digest: str) -> list["RenderableType"]:
    """The policy's rungs about visits and about tasks, its channels, languages and examples."""
    return [
        heading(f"{policy.title} ({policy.reference})", policy.description),
        _visits(policy),
        f"patients are told until {policy.to_patients.until:%H:%M} by the site's clock",
        f"an appointment counts as booked until {counted(policy.after_appointment.counts_for_days, 'day')} after it",
        "",
        _tasks(policy),
        "",
        table(
            ("channel", "shows of a patient, to staff", "because"),
            [(name, _shown(rule.shows), rule.because) for name, rule in policy.channels.items()],
            title="Channels",
        ),
        "",
        table(
            ("language", "name", "messages"),
            [(tag, language.name, tuple(language.messages)) for tag, language in policy.languages.items()],
            title=f"Languages; {policy.default_language} where a reader's own is not here",
        ),
        "read the messages with `hepwatch remind preview --rung due`",
        "",
        _examples(policy),
        "",
        *caveat_list(policy.caveats),
        "",
        sources_table(policy.sources),
        f"digest {digest}",
    ]


def from_when(rung: VisitRung | TaskRung) -> str:
    """The day on which a rung is reached, and how often it comes again, for a sentence.

    >>> reached = {"rung": "overdue", "counted_from": CountedFrom.CLOSES, "offset_days": 1}
    >>> from_when(VisitRung.model_construct(**reached, repeats_every_days=7))
    '1 day after the window closes, then every 7 days'
    """
    day, distance = DAYS[rung.counted_from], counted(abs(rung.offset_days), "day")
    reached = f"{distance} {'before' if rung.offset_days < 0 else 'after'} {day}" if rung.offset_days else _on(rung)
    return f"{reached}, {_again(rung.repeats_every_days)}"


def to_whom(to: To) -> str:
    """Who is told, how and on which days, for a sentence."""
    how = "in the day's digest" if to.digest else f"by {to.message}"
    unknown = ", again where nobody knows whether it arrived" if to.resend_when_unknown else ""
    days = "" if to.sends_on is SendsOn.WORKING_DAYS else ", on every day"
    return f"{_role(to.role)} ({to.channel}) {how}{days}{unknown}"


def _again(every_days: int | None) -> str:
    if every_days is None:
        return "once"
    return "then every day" if every_days == 1 else f"then every {every_days} days"


def _on(rung: VisitRung | TaskRung) -> str:
    day = DAYS[rung.counted_from]
    return f"on {day}" if rung.counted_from is CountedFrom.DUE else f"on the day {day}"


def _role(role: Role) -> str:
    return role.replace("_", " ")


def _even_if(rung: VisitRung) -> str:
    booked = "unless booked" if rung.unless_booked else "even if booked"
    return booked if rung.unless_missed else f"{booked}, even if missed"


def _visits(policy: ReminderPolicy) -> "RenderableType":
    rows = [
        (
            rung.rung,
            from_when(rung),
            _told(rung),
            _even_if(rung),
            rung.because,
        )
        for rung in policy.visits
    ]
    title = "Visits, the lowest rung first; a visit that nobody has held stands on the highest it has reached"
    return table(("rung", "reached", "who is told", "an appointment", "because"), rows, title=title)


def _tasks(policy: ReminderPolicy) -> "RenderableType":
    rows = [
        (str(rung.task).replace("_", " "), rung.rung, from_when(rung), _told(rung), rung.because)
        for rung in policy.tasks
    ]
    return table(("task", "rung", "reached", "who is told", "because"), rows, title="Tasks, until they are done")


def _told(rung: VisitRung | TaskRung) -> str:
    return "\n".join(to_whom(to) for to in rung.to)


def _shown(shows: ShownAs) -> str:
    return {ShownAs.NOTHING: "nothing", ShownAs.NUMBER: "hepwatch's number", ShownAs.MRN: "the MRN"}[shows]


def _examples(policy: ReminderPolicy) -> "RenderableType":
    examples: Sequence[WorkedReminders | WorkedTask] = (*policy.worked_examples, *policy.worked_tasks)
    rows = [
        (
            example.name,
            _window(example),
            "\n".join(f"{each.on} {each.rung} {each.occurrence}" for each in example.expect),
        )
        for example in examples
    ]
    title = "Tests that ran when the file was loaded: what nobody does, and every reminder of it"
    return table(("worked example", "days", "reminders"), rows, title=title)


def _window(example: WorkedReminders | WorkedTask) -> str:
    if isinstance(example, WorkedTask):
        return f"opened {example.opened_on}\ndue {example.due_on}"
    return f"opens {example.opens_on}\ndue {example.due_on}\ncloses {example.closes_on}"
