"""`hepwatch jobs`: which days were done."""

from datetime import time

import click

from scheduler.cli.options import json_option, site_option
from scheduler.cli.run import at_option


@click.group("jobs")
def command() -> None:
    """Show which days were done, which were missed, and what comes next."""


@command.command("list")
@site_option
@at_option
@json_option
def list_command(site: str | None, at: time, as_json: bool) -> None:
    """List every site's daily job: its last day, how that added up, the next one, and what was missed.

    Changes nothing. --at as the service was started with. Days are each site's own; missed days are those of the last
    30 on which nothing ran.
    """
    from scheduler import clock
    from scheduler.actions.reminders.days import gaps, list_days
    from scheduler.actions.sites.describe_site import list_sites
    from scheduler.cli.jobs_page import as_values, job_lines, page
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    now = clock.now()
    with open_registry() as registry:
        found, days = gaps(registry, now=now, site=site), list_days(registry, site=site)
        zones = dict(list_sites(registry).select("site", "time_zone").rows())
    wanted = {code: zone for code, zone in zones.items() if site in (None, code)}
    lines = job_lines(wanted, found, days, now=now, at=at)
    if as_json:
        echo_json(as_values(lines))
    else:
        say(*page(lines))
