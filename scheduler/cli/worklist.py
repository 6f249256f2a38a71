"""`hepwatch worklist`: the day's work."""

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import click

from scheduler.cli.options import Day, csv_option, json_option, rules_option, site_option

if TYPE_CHECKING:
    from pathlib import Path

    from scheduler.actions.worklist.list_worklist import Worklist
    from scheduler.core.worklist import State


class Moment(click.ParamType[datetime]):
    """A moment on the command line: ISO 8601 with its time zone; a date alone means the end of that day in UTC."""

    name = "MOMENT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The aware moment; wrong usage for anything else."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        try:
            moment = datetime.fromisoformat(text)
            is_day = len(text) <= len("2026-01-31") and "T" not in text
        except ValueError:
            self.fail(f"{text} is not a moment; write it as 2026-01-31T17:30+09:00, or a day as 2026-01-31", param, ctx)
        if is_day:
            return datetime.combine(moment.date(), time.max, tzinfo=UTC)
        if moment.tzinfo is None:
            self.fail(f"{text} has no time zone; write it as {text}+00:00 or {text}Z", param, ctx)
        return moment


@click.command("worklist")
@site_option
@click.option("--as-of", type=Day(), help="The day to look at; today without it.")
@click.option(
    "--as-known-at",
    type=Moment(),
    help="Only what was recorded by this moment, with time zone; a date means its end in UTC.",
)
@click.option(
    "--state",
    "states",
    default="overdue,due",
    show_default=True,
    metavar="STATES",
    help="Which states, joined by commas: overdue, due, upcoming, missed.",
)
@click.option(
    "--group",
    type=click.Choice(("low", "intermediate", "high")),
    help="Only patients whom a model's newest assessment puts into this risk group.",
)
@click.option(
    "--intensity",
    type=click.Choice(("basic", "standard", "intensive")),
    help="Only patients who are followed this closely.",
)
@click.option("--procedure", metavar="NAME", help="Only visits with this procedure, such as chest_ct.")
@click.option("--awaiting-pathology", is_flag=True, help="Only patients whose pathology report is not signed.")
@click.option("--provisional", is_flag=True, help="Only patients whose plan is provisional.")
@click.option("--visits-only", "shown", flag_value="visits", help="Leave the tasks out.")
@click.option("--tasks-only", "shown", flag_value="tasks", help="Leave the visits out.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="The most rows to print for people."
)
@rules_option
@json_option
@csv_option
def command(
    site: str | None,
    as_of: date | None,
    as_known_at: datetime | None,
    states: str,
    group: str | None,
    intensity: str | None,
    procedure: str | None,
    awaiting_pathology: bool,
    provisional: bool,
    shown: str | None,
    limit: int,
    rules: "Path | None",
    as_json: bool,
    as_csv: bool,
) -> None:
    """Show who is due and who is overdue, and what else is to be done, most urgent first. Changes nothing.

    Overdue is from the day after the window closes until the next visit's window opens; then the visit is missed, and
    the next one says how many were. Tasks are derived too: decisions after events, results that are awaited or that
    nobody has read, marker rises, reports that are not signed. CSV holds the visits, or the tasks with --tasks-only.
    """
    from scheduler import clock
    from scheduler.actions.worklist.list_worklist import Only, list_worklist
    from scheduler.cli.registry import open_registry, rules_for
    from scheduler.cli.showing import echo_csv, echo_json

    only = Only(
        group=group,
        intensity=intensity,
        procedure=procedure,
        awaiting_pathology=awaiting_pathology,
        provisional=provisional,
    )
    wanted, today = _states(states), clock.today()
    day = as_of or today
    with open_registry() as registry:
        listed = list_worklist(
            registry,
            rules_for(registry, rules=rules),
            as_of=day,
            today=today,
            known_at=as_known_at,
            site=site,
            states=wanted,
            only=only,
        )
    parts = {"visits": listed.visits, "tasks": listed.tasks}
    if as_json:
        echo_json({name: frame.to_dicts() for name, frame in parts.items() if shown in (None, name)})
    elif as_csv:
        echo_csv(parts[shown or "visits"])
    else:
        _say(listed, _title(day, as_known_at, site), shown, limit)


def _states(text: str) -> "list[State]":
    """The states of `--state`."""
    from scheduler.core.worklist import State

    known = [state.value for state in State]
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in wanted if each not in known] or (["nothing"] if not wanted else []):
        raise click.BadParameter(f"{', '.join(unknown)}; choose from {', '.join(known)}", param_hint="--state")
    return [State(each) for each in wanted]


def _title(day: date, known_at: datetime | None, site: str | None) -> str:
    known = f", as known at {known_at.isoformat(sep=' ', timespec='minutes')}" if known_at else ""
    return f"Worklist of {day:%A} {day}{f', site {site}' if site else ''}{known}"


def _say(listed: "Worklist", title: str, shown: str | None, limit: int) -> None:
    """Print the two tables for people; one that is empty is only said to be."""
    from rich.text import Text

    from scheduler.cli.showing import say
    from scheduler.cli.worklist_page import closing, tasks_table, visits_table

    say(Text(title, style="bold"), "")
    drawn = {"visits": (visits_table, listed.visits, "Visits"), "tasks": (tasks_table, listed.tasks, "To do")}
    sentences = dict(zip(drawn, closing(listed.visits, listed.tasks, limit=limit), strict=True))
    for name, (table, rows, heading) in drawn.items():
        if shown not in (None, name):
            continue
        if rows.height:
            say(table(rows.head(limit), title=heading), "")
    say(*(sentence for name, sentence in sentences.items() if shown in (None, name)))
