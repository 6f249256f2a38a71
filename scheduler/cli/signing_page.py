"""What signing a report shows: the groups, the intensity and why, and what changed in the plan."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from scheduler.actions.caveats import caveats_of
from scheduler.actions.sign_report import SignedReport
from scheduler.cli.showing import caveat_lines, frame_table, named_procedures, table

if TYPE_CHECKING:
    from rich.console import RenderableType

CHANGES = {
    "change": "change",
    "grid_month": "month",
    "was_due_on": "was due",
    "due_on": "due",
    "procedures": "procedures",
    "reason": "why",
}
SAID = {  # how many visits, in the order of what needs attention
    "added": "added",
    "moved": "changed",
    "withdrawn": "withdrawn",
    "kept": "kept",
    "left": "left as they are (past or answered)",
}


def page(signed: SignedReport) -> list["RenderableType"]:
    """The page for people."""
    decision = signed.assessed.decisions.row(0, named=True)
    parts: list[RenderableType] = [
        f"[bold]signed the {signed.stage} report of {escape(signed.patient.mrn)}[/], version {signed.version}"
    ]
    if signed.differences.height:
        headings = {"variable": "finding", "old": "was", "new": "is"}
        parts += ["", frame_table(signed.differences, headings)]
    if signed.confirmed.height:
        parts += [f"confirmed although unusual: {escape(said)}" for said in signed.confirmed["said"]]
    parts += ["", _assessments(signed), *caveat_lines(caveats_of(signed.assessed.assessments)), ""]
    if decision["no_surveillance"]:
        parts.append(f"[bold]no surveillance plan:[/] {escape(decision['no_surveillance'])}")
    else:
        is_other = decision["old_intensity"] not in (None, decision["intensity"])
        old = f"{decision['old_intensity']} → " if is_other else ""
        provisional = ", provisional" if decision["provisional"] else ""
        parts.append(f"[bold]{old}{decision['intensity']} follow-up (policy){provisional}[/], because:")
        parts += [f"  - {escape(reason)}" for reason in decision["because"]]
    return [*parts, "", *_changes(signed)]


def as_value(signed: SignedReport) -> dict[str, Any]:
    """The same as a value for programs."""
    decision = signed.assessed.decisions.row(0, named=True)
    return {
        "mrn": signed.patient.mrn,
        "site": signed.patient.site,
        "report": str(signed.stage),
        "version": signed.version,
        "confirmed": signed.confirmed["said"].to_list(),
        "differences": signed.differences.drop("patient_id").to_dicts(),
        "assessments": signed.assessed.assessments.drop("patient_id").to_dicts(),
        "intensity": decision["intensity"],
        "provisional": decision["provisional"],
        "because": decision["because"],
        "no_surveillance": decision["no_surveillance"],
        "changes": signed.assessed.changes.drop("visit_id", "episode_id").to_dicts(),
    }


def _assessments(signed: SignedReport) -> "RenderableType":
    rows = []
    for row in signed.assessed.assessments.iter_rows(named=True):
        groups = row["risk_group"] or " or ".join(row["possible_groups"]) or "–"
        value = f"{row['linear_predictor']:.3f}" if row["linear_predictor"] is not None else _range(row)
        why = "; ".join(row["reasons"])
        settled = ", ".join(row["settled_by"]) or "–"
        rows.append((row["model"], row["status"], value, groups, settled, why))
    return table(("model", "status", "linear predictor", "group", "settled by", "note"), rows)


def _range(row: dict[str, Any]) -> str:
    return f"{row['lowest']:.3f} to {row['highest']:.3f}" if row["lowest"] is not None else "–"


def _changes(signed: SignedReport) -> list["RenderableType"]:
    import polars as pl

    changes = signed.assessed.changes
    counts = dict(changes["change"].value_counts().rows())
    summary = ", ".join(f"{counts[change]} {said}" for change, said in SAID.items() if change in counts) or "no visit"
    told = changes.filter(pl.col("change").is_in(["moved", "added", "withdrawn"]))
    shown = told.head(12)
    parts: list[RenderableType] = [f"[bold]the plan:[/] {summary}"]
    if shown.height:
        named = pl.Series("procedures", [named_procedures(each) for each in shown["procedures"]], dtype=pl.String)
        parts.append(frame_table(shown.with_columns(named), CHANGES))
    if told.height > shown.height:
        parts.append(f"… and {told.height - shown.height} more: hepwatch patient show {escape(signed.patient.mrn)}")
    return parts
