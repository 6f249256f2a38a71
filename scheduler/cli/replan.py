"""`hepwatch replan`: everybody's plan, by another protocol or as of today."""

from pathlib import Path

import click

from scheduler.cli.options import by_option, json_option, preview_option, rules_option, site_option


@click.command("replan")
@click.option(
    "--protocol",
    metavar="ID@VERSION",
    help="Plan by this protocol from now on; otherwise each patient's own, as of today.",
)
@site_option
@preview_option
@click.option("--reason", help="Why everybody is planned anew; needed with --protocol.")
@by_option
@rules_option
@json_option
def command(
    protocol: str | None,
    site: str | None,
    preview: bool,
    reason: str | None,
    by: str | None,
    rules: Path | None,
    as_json: bool,
) -> None:
    """Plan everybody anew whose surveillance goes on.

    With --protocol patients move to another protocol or version. Without it plans are brought up to today: overrides
    that have run out, pathology that is late, plans that run out within a year. --preview says how many patients would
    change. Interrupted and run again, it goes on where it was.
    """
    from scheduler import clock
    from scheduler.actions.plans.replan import Replan, replan
    from scheduler.cli.registry import actor, open_registry, rules_for
    from scheduler.cli.replan_page import as_value, page
    from scheduler.cli.showing import echo_json, progress_bar, say

    if protocol is not None and not preview and not (reason and reason.strip()):
        raise click.UsageError("Moving patients to another protocol needs --reason (or --preview to look first).")
    with open_registry() as registry, progress_bar("planning") as progress:
        wanted = Replan(
            today=clock.today(),
            actor=actor(by),
            reason=reason,
            site=site,
            to_protocol=protocol is not None,
            preview=preview,
        )
        followed = rules_for(registry, protocol=protocol, rules=rules)
        replanned = replan(registry, followed, wanted, progress=progress)
    if as_json:
        echo_json(as_value(replanned, preview=preview))
    else:
        say(*page(replanned, preview=preview))
