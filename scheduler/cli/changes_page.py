"""What an action changed: states of episodes, and visits with the reason of each change."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.plans.following import Followed
from scheduler.cli.showing import frame_table, named_procedures
from scheduler.core.visit_changes import visit_name

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = {
    "change": "change",
    "visit": "visit",
    "was_due_on": "was due",
    "due_on": "due",
    "named": "procedures",
    "reason": "why",
}
SAID = {  # how many visits, in the order of what needs attention
    "flagged": "to be brought forward",
    "added": "added",
    "moved": "changed",
    "withdrawn": "withdrawn",
    "censored": "not due any more",
    "missed": "missed",
    "kept": "kept",
    "left": "left as they are (past or answered)",
}
STAYS = ("kept", "left")
MOST = 12


def preview_line(*, preview: bool) -> list["RenderableType"]:
    """Said first where nothing was stored."""
    return ["[bold yellow]preview: nothing was stored[/]"] if preview else []


def followed_lines(followed: Followed, *, mrn: str) -> list["RenderableType"]:
    """The episodes and visits that changed, for people."""
    states = [
        f"[bold]episode from {row['anchor_on']}:[/] {_was(row['was'])}{row['state'].replace('_', ' ')} "
        f"({escape(row['because'])})"
        for row in followed.states.iter_rows(named=True)
    ]
    return [*states, *changes_lines(followed.changes, mrn=mrn)]


def changes_lines(changes: pl.DataFrame, *, mrn: str) -> list["RenderableType"]:
    """How many visits changed in which way, and the first of them with the reasons."""
    counts = dict(changes["change"].value_counts().rows())
    summary = ", ".join(f"{counts[change]} {said}" for change, said in SAID.items() if change in counts) or "no visit"
    told = changes.filter(~pl.col("change").is_in(STAYS))
    shown = told.head(MOST).with_columns(
        visit_name().alias("visit"),
        pl.Series("named", [named_procedures(each) for each in told.head(MOST)["procedures"]], dtype=pl.String),
    )
    parts: list[RenderableType] = [f"[bold]the plan:[/] {summary}"]
    if shown.height:
        parts.append(frame_table(shown, COLUMNS))
    if told.height > shown.height:
        parts.append(f"… and {told.height - shown.height} more: hepwatch patient show {escape(mrn)}")
    return parts


def followed_value(followed: Followed) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "episodes": followed.states.drop("patient_id", "episode_id").to_dicts(),
        "changes": changes_value(followed.changes),
    }


def changes_value(changes: pl.DataFrame) -> list[dict[str, Any]]:
    """The visits that changed or stayed, for programs."""
    told = ("change", "origin", "grid_month", "was_due_on", "due_on", "opens_on", "closes_on", "procedures", "reason")
    return changes.select(told).to_dicts()


def _was(state: str | None) -> str:
    return f"{state.replace('_', ' ')} → " if state else "begins, "
