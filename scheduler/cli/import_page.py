"""What an import shows: what was stored, what was refused, and what needs a reason."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.patients.import_patients import Imported
from scheduler.actions.reports.filing import Outcome
from scheduler.cli.showing import caveat_lines, frame_table, problems_table
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_DIFFERENCES = 30
MOST_SITES = 8


def page(imported: Imported, *, dry_run: bool) -> list["RenderableType"]:
    """The page for people."""
    would = "would have been " if dry_run else ""
    stored = imported.rows - imported.refused_rows
    parts: list[RenderableType] = [
        f"[bold]{counted(imported.rows, 'row')} read: {stored:,} good, {imported.refused_rows:,} refused; "
        f"{counted(imported.enrolled, 'patient')} {would}enrolled[/]",
        *(escape(note) for note in imported.notes),
    ]
    if imported.problems.height:
        warnings = int((imported.problems["severity"] == "warning").sum())
        errors = imported.problems.height - warnings
        title = _problems_title(errors, warnings)
        parts += ["", problems_table(imported.problems, title=title)]
    parts += _differences(imported)
    parts += [
        "",
        _counts(_outcomes(imported), f"Reports ({would}stored)"),
        *_waiting(imported),
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
    if imported.new_sites:
        parts += ["", _new_sites(imported.new_sites)]
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
        "new_sites": list(imported.new_sites),
        "notes": list(imported.notes),
    }


def _differences(imported: Imported) -> list["RenderableType"]:
    """Old → new, those that wait for a reason first."""
    if not imported.differences.height:
        return []
    headings = {"mrn": "mrn", "variable": "finding", "old": "stored", "new": "in the table", "stored": "changed"}
    ordered = imported.differences.sort("stored", maintain_order=True).head(MOST_DIFFERENCES)
    parts: list[RenderableType] = ["", frame_table(ordered, headings, title="Findings that differ from what is stored")]
    if imported.differences.height > MOST_DIFFERENCES:
        parts.append(f"… and {imported.differences.height - MOST_DIFFERENCES:,} more")
    if waiting := imported.waiting_changes:
        parts.append(f"[bold]{counted(waiting, 'change')} not stored: say why with --reason.[/]")
    return parts


def _outcomes(imported: Imported) -> pl.DataFrame:
    """The counts by outcome; that nothing is known of a form is told only where such forms are signed now."""
    signed = imported.outcomes.filter(pl.col("outcome") == Outcome.SIGNED.value)["stage"].to_list()
    return imported.outcomes.filter((pl.col("outcome") != Outcome.NOTHING.value) | pl.col("stage").is_in(signed))


def _waiting(imported: Imported) -> list["RenderableType"]:
    """What was asked for and not done."""
    if not imported.waiting_for_surgery:
        return []
    reports = counted(imported.waiting_for_surgery, "pathology report")
    return [f"[bold]{reports} kept as drafts: sign the surgery reports first (--sign surgery,pathology).[/]"]


def _new_sites(codes: Sequence[str]) -> str:
    named = escape(", ".join(codes[:MOST_SITES])) + (" and others" if len(codes) > MOST_SITES else "")
    return (
        f"{counted(len(codes), 'site')} not known before: {named}. Their due days keep off weekends only, until "
        "`hepwatch site set CODE --country …` says where they are."
    )


def _problems_title(errors: int, warnings: int) -> str:
    unusual = f"{counted(warnings, 'unusual finding')} taken as they are"
    problems = counted(errors, "problem")
    return " and ".join([problems] * bool(errors) + [unusual] * bool(warnings))


def _counts(frame: pl.DataFrame, title: str) -> "RenderableType":
    return frame_table(frame, {name: name.replace("_", " ") for name in frame.columns}, title=title)
