"""What planning everybody anew did, or would do."""

from typing import TYPE_CHECKING, Any

from scheduler.actions.plans.replan import Replanned
from scheduler.cli.changes_page import SAID, preview_line
from scheduler.cli.showing import table
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType


def page(replanned: Replanned, *, preview: bool) -> list["RenderableType"]:
    """The page for people."""
    would = "would get" if preview else "got"
    parts: list[RenderableType] = [
        *preview_line(preview=preview),
        f"{counted(replanned.patients, 'patient')} looked at: {replanned.replanned:,} {would} a new plan version, "
        f"visits of {replanned.moved:,} {'would change' if preview else 'changed'}",
    ]
    if replanned.intensities.height:
        moved = [
            (old or "no plan", new or "no surveillance", number)
            for old, new, number in replanned.intensities.iter_rows()
        ]
        parts += ["", table(("was followed", "now", "patients"), moved)]
    counts = dict(replanned.visits.rows())
    rows = [(said, counts[change]) for change, said in SAID.items() if change in counts]
    return [*parts, "", table(("visits", "number"), rows)] if rows else parts


def as_value(replanned: Replanned, *, preview: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "preview": preview,
        "patients": replanned.patients,
        "replanned": replanned.replanned,
        "visits_changed_of": replanned.moved,
        "intensities": replanned.intensities.to_dicts(),
        "visits": dict(replanned.visits.rows()),
    }
