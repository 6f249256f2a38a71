"""`hepwatch worklist`: the day's work."""

from datetime import date

import click

from scheduler.cli.options import Day, csv_option, json_option, site_option


@click.command("worklist")
@site_option
@click.option("--as-of", type=Day(), help="The day to look at; today without it.")
@click.option(
    "--state",
    "states",
    default="overdue,due",
    show_default=True,
    metavar="STATES",
    help="Which states, joined by commas: overdue, due, upcoming, missed.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="The most rows to print for people."
)
@json_option
@csv_option
def command(site: str | None, as_of: date | None, states: str, limit: int, as_json: bool, as_csv: bool) -> None:
    """Show who is due and who is overdue, most urgent first. Changes nothing.

    Overdue is from the day after the window closes until the next visit's window opens; then the visit is missed, and
    the next one says how many were.
    """
    from scheduler import clock
    from scheduler.actions.list_worklist import list_worklist
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_csv, echo_json, say, worklist_table
    from scheduler.core.worklist import State

    known = [state.value for state in State]
    wanted = [each.strip() for each in states.split(",") if each.strip()]
    if unknown := [each for each in wanted if each not in known] or (["nothing"] if not wanted else []):
        raise click.BadParameter(f"{', '.join(unknown)}; choose from {', '.join(known)}", param_hint="--state")
    day = as_of or clock.today()
    with open_registry() as registry:
        listed = list_worklist(registry, as_of=day, site=site, states=[State(each) for each in wanted])
    if as_json:
        echo_json(listed.to_dicts())
    elif as_csv:
        echo_csv(listed)
    else:
        say(worklist_table(listed.head(limit), title=f"Worklist of {day:%A} {day}{f', site {site}' if site else ''}"))
        say(_closing(listed.height, limit, listed["state"].value_counts().sort("state").rows()))


def _closing(rows: int, limit: int, counts: list[tuple[str, int]]) -> str:
    if rows == 0:
        return "Nobody is in these states."
    summary = ", ".join(f"{count:,} {state}" for state, count in counts)
    more = f"; the first {limit} are shown (--limit)" if rows > limit else ""
    return f"{rows:,} visits: {summary}{more}"
