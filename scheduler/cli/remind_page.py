"""How a day of reminders adds up, who would be told what, and what waits for a person."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import polars as pl

from scheduler.cli.showing import frame_table, table
from scheduler.core.reminders.asked import WhyNot
from scheduler.core.reminders.ledger import COUNTS
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scheduler.actions.reminders.accounting import Balance
    from scheduler.actions.reminders.unreached import Unreached

WHY_NOT = {
    WhyNot.DONE: "the visit is done",
    WhyNot.MISSED: "the next visit has taken its place",
    WhyNot.PAUSED: "surveillance is paused",
    WhyNot.HANDED_OVER: "handed over to a treating team",
    WhyNot.ENDED: "surveillance has ended",
    WhyNot.BOOKED: "an appointment stands",
    WhyNot.NO_CONSENT: "no consent to be contacted",
    WhyNot.NO_CONTACT: "no address, or nobody in the role",
    WhyNot.NO_CHANNEL: "no channel is configured",
    WhyNot.NOBODY_IN_ROLE: "nobody is named at the site",
    WhyNot.QUIET_DAY: "not a working day",
    WhyNot.LATE_HOUR: "too late in the day to tell a patient",
    WhyNot.TOLD_LATELY: "told less than its interval ago",
    WhyNot.SUPERSEDED: "a later reminder has taken its place",
    WhyNot.NOT_RUNNING: "nothing ran that day; owed on the next",
}
SHOWN = 40


def balances_page(balances: "Sequence[Balance]", *, has_sites: bool = True) -> "list[RenderableType]":
    """The days that were accounted for, why what was suppressed was, and what a person should do about it."""
    if not balances:
        return ["No day was accounted for." if has_sites else "There is no site yet, so nobody is reminded."]
    rows = [(each.site, str(each.on), each.state, *each.counts.values()) for each in balances]
    parts: list[RenderableType] = [table(("site", "day", "state", *COUNTS), rows)]
    reasons: dict[str, int] = {}
    for each in balances:
        for reason, count in each.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    if reasons:
        listed = sorted(reasons.items(), key=lambda pair: -pair[1])
        parts += ["", table(("suppressed because", ""), [(WHY_NOT[WhyNot(reason)], n) for reason, n in listed])]
    if WhyNot.NO_CONTACT in reasons:
        parts += [
            "",
            "Who was not reached: hepwatch remind --dry-run; hepwatch recipient set names who is told at a site",
        ]
    if sum(each.unknown + each.failed for each in balances):
        parts += ["", "Some messages are unknown or did not leave: hepwatch remind list"]
    return parts


def foreseen_page(rows: pl.DataFrame) -> "list[RenderableType]":
    """Who would be told what, then who would not and why."""
    owed = rows.filter(pl.col("outcome") == "owed")
    held = rows.filter(pl.col("outcome") == "suppressed")
    told = rows.filter(~pl.col("outcome").is_in(["owed", "suppressed"]))
    headings = {"site": "site", "mrn": "mrn", "about": "about", "rung": "rung", "occurrence": "no."}
    parts: list[RenderableType] = []
    if owed.height:
        to = {"recipient": "to", "channel": "by"}
        parts += [*_first(owed, headings | to, title="Would be sent"), ""]
    if held.height:
        why = held.with_columns(pl.col("why_not").replace_strict({key.value: said for key, said in WHY_NOT.items()}))
        parts += [*_first(why, headings | {"recipient": "to", "why_not": "because"}, title="Would not be sent"), ""]
    days = ", ".join(str(day) for day in rows["on"].unique().sort()) or "today"
    parts.append(
        f"{days}: {counted(rows.height, 'reminder')} asked for: {owed.height:,} would be sent, {held.height:,} would"
        f" not, {told.height:,} on the ledger already. Nothing was sent."
    )
    return parts


def listed_page(rows: pl.DataFrame, states: Collection[str]) -> "list[RenderableType]":
    """What the ledger has, and what to do about it."""
    if rows.is_empty():
        return [f"No reminder is {' or '.join(states)}."]
    headings = {"message": "message", "site": "site", "on": "day", "mrn": "mrn", "about": "about", "rung": "rung"}
    parts = _first(rows, headings | {"recipient": "to", "state": "state", "why": "why"})
    is_open = pl.col("state").is_in(["unknown", "failed"])
    if rows.filter(is_open, "goes_out_again").height:
        parts += ["", "What failed for now goes out again with the next run, if it is still owed then."]
    if rows.filter(is_open, ~pl.col("goes_out_again")).height:
        parts += ["", "To say what became of one: hepwatch remind resolve MESSAGE --arrived, or --not-arrived"]
    return parts


def unreached_line(unreached: "Unreached") -> str:
    """What keeps messages from leaving, and what to do about it."""
    return f"{unreached.message}; {unreached.advice}"


def told_line(action: str, facts: Mapping[str, object]) -> str | None:
    """What a run says while it goes on; on the command line only what keeps the reminders waiting is worth a word."""
    if action in ("database_away", "database_back"):
        said = ", ".join(f"{name} {value}" for name, value in facts.items())
        return f"{action.replace('_', ' ')}: {said}"
    if action == "clock_behind":
        return (
            f"{facts['site']}: today is {facts['on']} by this machine's clock, and {facts['accounted_until']} is"
            " accounted for already; nothing was sent. Set the clock right; the day after that one is done as usual."
        )
    return None


def stopped_line(signal: str, *, is_cut_short: bool) -> str:
    """That a run was stopped, and what becomes of what it left."""
    if is_cut_short:
        return (
            f"stopped by {signal} while the database was away; what was claimed and not begun is free again after"
            " 15 minutes, and goes out with the next run then"
        )
    return f"stopped by {signal}: the message in hand was finished, and what is left goes out with the next run"


def _first(rows: pl.DataFrame, headings: dict[str, str], *, title: str | None = None) -> "list[RenderableType]":
    """The first rows as a table, and how many more there are."""
    drawn: list[RenderableType] = [frame_table(rows.head(SHOWN), headings, title=title)]
    return drawn + ([f"… and {rows.height - SHOWN:,} more (--json or --csv shows all)"] if rows.height > SHOWN else [])
