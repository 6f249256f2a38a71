"""What an import shows: what was stored, what was refused, and what needs a reason."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.filing import Outcome
from scheduler.actions.import_patients import Imported
from scheduler.cli.showing import caveat_lines, frame_table, problems_table

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_DIFFERENCES = 30


def page(imported: Imported, *, dry_run: bool) -> list["RenderableType"]:
    """The page for people."""
    would = "would have been " if dry_run else ""
    stored = imported.rows - imported.refused_rows
    parts: list[RenderableType] = [
        f"[bold]{imported.rows:,} rows read: {stored:,} good, {imported.refused_rows:,} refused; "
        f"{imported.enrolled:,} patients {would}enrolled[/]",
        *(escape(note) for note in imported.notes),
    ]
    if imported.problems.height:
        warnings = int((imported.problems["severity"] == "warning").sum())
        errors = imported.problems.height - warnings
        title = f"{errors:,} problems, and {warnings:,} unusual findings that were taken as they are"
        parts += ["", problems_table(imported.problems, title=title)]
    parts += _differences(imported)
    parts += [
        "",
        _counts(imported.outcomes.filter(pl.col("outcome") != Outcome.NOTHING.value), f"Reports ({would}stored)"),
    ]
    if imported.assessments.height:
        parts += [
            "",
            _counts(imported.assessments, "Assessments"),
            *caveat_lines(imported.caveats),
            "",
            _counts(imported.intensities, "Follow-up"),
        ]
        parts += ["", _counts(imported.visits, "Visits")]
    if dry_run:
        parts += ["", "This was a dry run: nothing was stored."]
    return parts


def as_value(imported: Imported, *, dry_run: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "dry_run": dry_run,
        "rows": imported.rows,
        "refused_rows": imported.refused_rows,
        "enrolled": imported.enrolled,
        "reports": imported.outcomes.to_dicts(),
        "differences": imported.differences.to_dicts(),
        "assessments": imported.assessments.to_dicts(),
        "intensities": imported.intensities.to_dicts(),
        "visits": imported.visits.to_dicts(),
        "caveats": imported.caveats.to_dicts(),
        "problems": imported.problems.to_dicts(),
    }


def _differences(imported: Imported) -> list["RenderableType"]:
    """Old → new, those that wait for a reason first."""
    if not imported.differences.height:
        return []
    waiting = imported.differences.filter(~pl.col("stored")).height
    headings = {"mrn": "mrn", "variable": "finding", "old": "stored", "new": "in the table", "stored": "changed"}
    ordered = imported.differences.sort("stored", maintain_order=True).head(MOST_DIFFERENCES)
    parts: list[RenderableType] = ["", frame_table(ordered, headings, title="Findings that differ from what is stored")]
    if imported.differences.height > MOST_DIFFERENCES:
        parts.append(f"… and {imported.differences.height - MOST_DIFFERENCES:,} more")
    if waiting:
        parts.append(f"[bold]{waiting:,} changes were not stored: say why with --reason.[/]")
    return parts


def _counts(frame: pl.DataFrame, title: str) -> "RenderableType":
    return frame_table(frame, {name: name.replace("_", " ") for name in frame.columns}, title=title)
