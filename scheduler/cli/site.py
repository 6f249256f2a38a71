"""`hepwatch site`: the clinics that share a registry."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from scheduler.cli.options import Day, by_option, json_option, preview_option

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scheduler.actions.sites.close_site import Closed


@click.group("site")
def command() -> None:
    """List the sites, say in which country each is, and on which days it is closed."""


@command.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List every site with its country and time zone."""
    from scheduler.actions.sites.describe_site import list_sites
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, frame_table, say

    with open_registry() as registry:
        sites = list_sites(registry)
    headings = {"site": "site", "title": "title", "country": "country", "subdivision": "part", "time_zone": "time zone"}
    if as_json:
        echo_json(sites.to_dicts())
    else:
        say(frame_table(sites, headings))


@command.command("set")
@click.argument("code")
@click.option("--title", help="What people call it.")
@click.option("--country", metavar="CODE", help="Its country (ISO code, such as KR): due days keep off its holidays.")
@click.option("--subdivision", metavar="CODE", help="Its state or province, for holidays of its own.")
@click.option("--time-zone", metavar="NAME", help="Its time zone, such as Asia/Seoul.")
@by_option
def set_command(
    code: str, title: str | None, country: str | None, subdivision: str | None, time_zone: str | None, by: str | None
) -> None:
    """Store a site, or change what is said of one. Plans made from now on keep off its holidays."""
    from scheduler.actions.sites.describe_site import describe_site
    from scheduler.cli.registry import actor, open_registry

    with open_registry() as registry:
        describe_site(
            registry,
            code,
            title=title,
            country=country,
            subdivision=subdivision,
            time_zone=time_zone,
            actor=actor(by),
        )
    click.echo(
        f"stored site {code}; to move the due days of patients who are there already: hepwatch replan --site {code}"
    )


@command.command("close")
@click.argument("code")
@click.option("--on", type=Day(), required=True, help="The day on which the site is closed.")
@click.option("--until", type=Day(), help="The last of several days, inclusive.")
@click.option("--reason", required=True, help="Why it is closed.")
@preview_option
@by_option
@json_option
def close_command(
    code: str, on: date, until: date | None, reason: str, preview: bool, by: str | None, as_json: bool
) -> None:
    """Close a site on a day of its own; due days move off it inside their windows.

    Visits in whose whole window nobody works are listed: a person decides about them.
    """
    from scheduler.actions.sites.close_site import close_site

    _change(close_site, code, _days(on, until), reason, preview=preview, by=by, as_json=as_json)


@command.command("open")
@click.argument("code")
@click.option("--on", type=Day(), required=True, help="The day on which the site works after all.")
@click.option("--until", type=Day(), help="The last of several days, inclusive.")
@click.option("--reason", required=True, help="Why it works.")
@preview_option
@by_option
@json_option
def open_command(
    code: str, on: date, until: date | None, reason: str, preview: bool, by: str | None, as_json: bool
) -> None:
    """Open a site again on a day on which it was to be closed; due days move back."""
    from scheduler.actions.sites.close_site import open_site

    _change(open_site, code, _days(on, until), reason, preview=preview, by=by, as_json=as_json)


@command.command("closures")
@click.argument("code")
@json_option
def closures_command(code: str, as_json: bool) -> None:
    """List a site's own closed days. Changes nothing."""
    from scheduler.actions.sites.close_site import list_closures
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, frame_table, say

    with open_registry() as registry:
        closures = list_closures(registry, code)
    if as_json:
        echo_json(closures.to_dicts())
    else:
        say(frame_table(closures, {"closed_on": "closed", "reason": "why", "recorded_by": "recorded by"}))


def _days(first: date, last: date | None) -> list[date]:
    """Every day from the first to the last, both inclusive."""
    if last is not None and last < first:
        raise click.BadParameter(f"{last} lies before {first}", param_hint="--until")
    return [first + timedelta(days=number) for number in range(((last or first) - first).days + 1)]


def _change(
    change: Any, code: str, days: list[date], reason: str, *, preview: bool, by: str | None, as_json: bool
) -> None:
    """Close or open a site, and show what became of the plans."""
    from scheduler import clock
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.replan_page import as_value
    from scheduler.cli.showing import echo_json, progress_bar, say

    with open_registry() as registry, progress_bar("planning") as progress:
        rules = rules_for(registry)
        done = change(
            registry,
            rules,
            code,
            days=days,
            reason=reason,
            today=clock.today(),
            actor=actor(by),
            preview=preview,
            progress=progress,
        )
    if as_json:
        days_changed = {"days": list(done.days), "without_working_day": done.without.to_dicts()}
        echo_json(days_changed | as_value(done.replanned, preview=preview))
    else:
        say(*_page(done, code, preview=preview))


def _page(done: "Closed", code: str, *, preview: bool) -> list["RenderableType"]:
    """The page for people."""
    from scheduler.cli.replan_page import page
    from scheduler.cli.showing import frame_table
    from scheduler.errors import counted

    parts = [f"{code}: {counted(len(done.days), 'day')} changed", *page(done.replanned, preview=preview)]
    if done.without.height:
        headings = {"mrn": "mrn", "visit": "visit", "opens_on": "opens", "due_on": "due", "closes_on": "closes"}
        parts += ["", frame_table(done.without, headings, title="Nobody works in the whole window of these visits")]
    return parts
