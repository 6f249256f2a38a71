"""What the commands of `hepwatch override` show."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.overrides.override_plan import Overridden
from scheduler.cli.changes_page import followed_lines, followed_value, preview_line
from scheduler.cli.showing import frame_table

if TYPE_CHECKING:
    from rich.console import RenderableType

COLUMNS = {
    "number": "number",
    "state": "state",
    "what": "what",
    "until_on": "until",
    "recorded_by": "by",
    "reason": "reason",
    "ended_by": "ended by",
}


def page(overridden: Overridden, *, said: str, preview: bool) -> list["RenderableType"]:
    """What the override did, for people."""
    mrn = overridden.patient.mrn
    old, new = overridden.was_intensity, overridden.intensity or "no"
    intensity = f"{old} → {new}" if old != new else new
    return [
        *preview_line(preview=preview),
        f"[bold]override {overridden.number} of {escape(mrn)}:[/] {escape(said)}",
        f"[bold]{intensity} follow-up[/]",
        *followed_lines(overridden.followed, mrn=mrn),
    ]


def as_value(overridden: Overridden, *, preview: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "preview": preview,
        "mrn": overridden.patient.mrn,
        "number": overridden.number,
        "was_intensity": overridden.was_intensity,
        "intensity": overridden.intensity,
        **followed_value(overridden.followed),
    }


def list_page(overrides: pl.DataFrame) -> list["RenderableType"]:
    """The overrides, for people."""
    if overrides.is_empty():
        return ["No override was recorded."]
    day = pl.when(pl.col("due_on").is_null()).then(pl.lit("not to be held")).otherwise(pl.format("due {}", "due_on"))
    what = pl.when(pl.col("kind") == "visit").then(pl.format("{} {}", "visit", day))
    return [frame_table(overrides.with_columns(what.otherwise("intensity").alias("what")), COLUMNS)]
