"""`hepwatch plan`: a surveillance plan from a date and an intensity, without a registry."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduler.cli.options import Day, csv_option, json_option, protocol_option, rules_option

if TYPE_CHECKING:
    import polars as pl

    from scheduler.core.protocols import SurveillanceProtocol


@click.command("plan")
@click.option(
    "--intensity", required=True, type=click.Choice(["basic", "standard", "intensive"]), help="How closely to follow."
)
@click.option("--resected", "resected_on", required=True, type=Day(), help="The day of the resection, month 0.")
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
def command(
    intensity: str,
    resected_on: date,
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
    """Print a plan with its windows. Nothing is stored.

    Visits are counted from the resection. Without --country only Saturdays and Sundays count as closed.
    """
    from scheduler.actions.plan_surveillance import plan_surveillance
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
