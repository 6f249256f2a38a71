"""`hepwatch remind`: the day's messages, who gets one and who does not."""

from datetime import date, timedelta
from pathlib import Path

import click

from scheduler.cli.options import Day, by_option, csv_option, json_option, rules_option, site_option
from scheduler.cli.remind_preview import preview_command

STATES = ("sent", "failed", "unknown", "claimed")


@click.group("remind", invoke_without_command=True)
@click.option("--as-of", type=Day(), help="The day to account for or, with --dry-run, to look at; today without it.")
@site_option
@click.option("--dry-run", is_flag=True, help="Say who would be told what, and why somebody would not; send nothing.")
@rules_option
@json_option
@csv_option
@click.pass_context
def command(
    context: click.Context,
    as_of: date | None,
    site: str | None,
    dry_run: bool,
    rules: Path | None,
    as_json: bool,
    as_csv: bool,
) -> int:
    """Send the reminders that are owed today, once each, and print how the day adds up.

    Each site has its own today. Days that were missed are accounted for first. Run again, it sends only what has come
    to be owed since, and what certainly did not arrive. A day that is over sends nothing any more: --as-of only
    accounts for it. Where no channels file is named, messages are written to standard output.

    \b
    Exit status, for cron:
      0    every day balances, and what was owed went out
      7    somebody should look: a day does not balance, messages did not
           leave, the clock went back behind a day that is accounted for, or
           somebody cannot be told at all, whatever is owed today: their
           channel is not in the channels file, or their site named nobody
           (stderr says which; everything else goes out)
      130  stopped by Ctrl-C (143: by SIGTERM; 129: its terminal was
           closed): the message in hand was finished, the rest goes out
           with the next run; a second Ctrl-C or SIGTERM stops at once
    """
    if context.invoked_subcommand is not None:
        return 0
    from scheduler.cli.remind_run import Asked, foresee_now, remind_now

    asked = Asked(as_of=as_of, site=site, rules=rules)
    if dry_run:
        foresee_now(asked, as_json=as_json, as_csv=as_csv)
        return 0
    return remind_now(asked, as_json=as_json)


command.add_command(preview_command, "preview")


@command.command("list")
@click.option("--state", "states", default="unknown,failed,claimed", show_default=True, metavar="STATES")
@click.option("--since", type=Day(), help="Of what was sent: from this day on; a week ago without it.")
@click.option("--until", type=Day(), help="Of what was sent: up to this day; today without it.")
@click.option("--mrn", "mrns", multiple=True, metavar="MRN", help="One patient only; may be repeated.")
@site_option
@json_option
@csv_option
def list_command(
    states: str,
    since: date | None,
    until: date | None,
    mrns: tuple[str, ...],
    site: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List what waits for a person, or what was sent. Changes nothing.

    Unknown: nobody knows whether it arrived, and it is not sent again until somebody says (remind resolve). Failed: it
    certainly did not arrive; it goes out again with the next run, or waits for a person where trying again is of no
    use. States joined by commas: sent, failed, unknown, claimed.
    """
    from scheduler import clock
    from scheduler.actions.reminders.listing import list_reminders
    from scheduler.cli.registry import open_registry
    from scheduler.cli.remind_page import listed_page
    from scheduler.cli.showing import echo_csv, echo_json, say

    today = clock.today()
    last = until or today
    wanted = _states(states)
    with open_registry() as registry:
        rows = list_reminders(
            registry, states=wanted, since=since or last - timedelta(days=7), until=last, site=site, mrns=mrns
        )
    if as_json:
        echo_json(rows.to_dicts())
    elif as_csv:
        echo_csv(rows)
    else:
        say(*listed_page(rows, wanted))


@command.command("resolve")
@click.argument("message", type=int)
@click.option("--arrived/--not-arrived", default=None, help="One of them must be said. Not arrived: it goes out again.")
@click.option("--reason", required=True, help="How you know; kept with the reminder.")
@by_option
@json_option
def resolve_command(message: int, arrived: bool | None, reason: str, by: str | None, as_json: bool) -> None:
    """Say what became of a message of which nobody knew, or let a refused one go out again.

    Its number stands in the message itself, as its reference: look for it where it would have arrived.
    """
    from dataclasses import asdict

    from scheduler.actions.reminders.resolving import resolve
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json
    from scheduler.errors import counted

    if arrived is None:  # click would take a flag that is not given for its second half
        raise click.UsageError("Say which: --arrived or --not-arrived.")
    with open_registry() as registry:
        done = resolve(registry, message, arrived=arrived, reason=reason, actor=actor(by))
    if as_json:
        echo_json(asdict(done))
        return
    after = "did not arrive; it goes out with the next run" if done.goes_out_again else "arrived"
    click.echo(f"message {message}, about {counted(done.patients, 'patient')}: {after}")


def _states(text: str) -> list[str]:
    wanted = [each.strip() for each in text.split(",") if each.strip()]
    if unknown := [each for each in wanted if each not in STATES] or (["nothing"] if not wanted else []):
        raise click.BadParameter(f"{', '.join(unknown)}; choose from {', '.join(STATES)}", param_hint="--state")
    return wanted
