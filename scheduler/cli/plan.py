"""`hepwatch plan`: a plan from a date and an intensity, without a registry; and what changed in a patient's plan."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduler.cli.options import Day, csv_option, json_option, protocol_option, rules_option, site_option

if TYPE_CHECKING:
    import polars as pl

    from scheduler.core.protocols import SurveillanceProtocol


@click.group("plan", invoke_without_command=True)
@click.option("--intensity", type=click.Choice(["basic", "standard", "intensive"]), help="How closely to follow.")
@click.option("--resected", "resected_on", type=Day(), help="The day of the resection, month 0.")
@protocol_option
@click.option("--country", metavar="CODE", help="Due days keep off this country's holidays (ISO code, such as KR).")
@click.option("--subdivision", metavar="CODE", help="A state or province of the country, for its own holidays.")
@click.option(
    "--until",
    "horizon_month",
    type=click.IntRange(1, 600),
    default=60,
    show_default=True,
    metavar="MONTH",
    help="The last month to show.",
)
@click.option(
    "--cirrhosis-or-hbv/--neither",
    "often",
    default=None,
    help="How often after the schedule's end; unknown: the more often.",
)
@json_option
@csv_option
@click.option("--ics", "as_ics", is_flag=True, help="As a calendar file, for import into a calendar.")
@rules_option
@click.pass_context
def command(
    context: click.Context,
    intensity: str | None,
    resected_on: date | None,
    protocol: str,
    country: str | None,
    subdivision: str | None,
    horizon_month: int,
    often: bool | None,
    as_json: bool,
    as_csv: bool,
    as_ics: bool,
    rules: Path | None,
) -> None:
    """Print a plan with its windows (--intensity and --resected). Nothing is stored.

    Visits are counted from the resection. Without --country only Saturdays and Sundays count as closed.
    """
    if context.invoked_subcommand is not None:
        return
    if intensity is None or resected_on is None:
        missing = "--intensity" if intensity is None else "--resected"
        raise click.UsageError(f"Missing option '{missing}'; or say what to do: {', '.join(command.commands)}.")
    from scheduler.actions.plans.plan_surveillance import plan_surveillance
    from scheduler.cli.showing import echo_csv, echo_json
    from scheduler.rulebook import load_rulebook

    followed = load_rulebook(rules).protocol(protocol)
    visits = plan_surveillance(
        followed,
        intensity=intensity,
        resected_on=resected_on,
        country=country,
        subdivision=subdivision,
        horizon_month=horizon_month,
        often=often,
    )
    if as_json:
        echo_json(visits.to_dicts())
    elif as_csv:
        echo_csv(visits)
    elif as_ics:
        click.echo(_as_calendar(visits, followed), nl=False)
    else:
        _show(visits, followed, intensity, resected_on, country)


@command.command("diff")
@click.argument("mrn")
@click.option(
    "--versions",
    nargs=2,
    type=click.IntRange(0),
    metavar="A B",
    help="What changed after version A, up to and with B; otherwise the two newest.",
)
@site_option
@json_option
def diff(mrn: str, versions: tuple[int, int] | None, site: str | None, as_json: bool) -> None:
    """Show what changed in a patient's plan, and the steps that led there. Changes nothing."""
    from scheduler.actions.plans.diff_plan import diff_plan
    from scheduler.cli.plan_diff_page import as_value, page
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    if versions is not None and versions[0] >= versions[1]:
        raise click.BadParameter("the first must be lower than the second", param_hint="--versions")
    with open_registry() as registry:
        found = diff_plan(registry, mrn, versions=versions, site=site)
    if as_json:
        echo_json(as_value(found))
    else:
        say(*page(found))


def _show(
    visits: "pl.DataFrame", protocol: "SurveillanceProtocol", intensity: str, resected_on: date, country: str | None
) -> None:
    from rich.markup import escape

    from scheduler.cli.showing import say, visits_table

    followed = escape(f"{protocol.title} ({protocol.reference})")
    say(
        f"[bold]{intensity} follow-up[/] by {followed}, resection on {resected_on}",
        visits_table(visits),
        f"Due days keep off weekends{f' and the holidays of {country}' if country else ''}. "
        "An examination from `opens` to `closes` is on time.",
    )
    for caveat in protocol.caveats:
        say(escape(f"- {caveat}"))


def _as_calendar(visits: "pl.DataFrame", protocol: "SurveillanceProtocol") -> str:
    """An iCalendar file: an all-day entry on each due day; the text names procedures and window, nobody's identity."""
    from icalendar import Calendar, Event

    from scheduler import __version__, clock

    calendar = Calendar()
    calendar.add("prodid", f"-//hepwatch//{__version__}//EN")
    calendar.add("version", "2.0")
    stamp = clock.now()
    for visit in visits.iter_rows(named=True):
        entry = Event()
        titles = [protocol.procedures[name].title for name in visit["procedures"]]
        entry.add("uid", f"{protocol.reference}-{visit['due_on']:%Y%m%d}-{visit['grid_month']}@hepwatch")
        entry.add("dtstamp", stamp)
        entry.add("dtstart", visit["due_on"])
        entry.add("summary", ", ".join(titles))
        entry.add("description", f"On time from {visit['opens_on']} to {visit['closes_on']}; {protocol.reference}")
        entry.add("transp", "TRANSPARENT")
        calendar.add_component(entry)
    return str(calendar.to_ical().decode("utf-8"))
