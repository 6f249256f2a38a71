"""What signing a report shows: the groups, the intensity and why, and what changed in the plan."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from scheduler.actions.reports.caveats import caveats_of
from scheduler.actions.reports.draft_report import DraftedReport
from scheduler.actions.reports.sign_report import SignedReport
from scheduler.cli.changes_page import changes_lines, changes_value
from scheduler.cli.showing import caveat_lines, frame_table, table

if TYPE_CHECKING:
    from rich.console import RenderableType


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
    return [*parts, "", *changes_lines(signed.assessed.changes, mrn=signed.patient.mrn)]


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
        "changes": changes_value(signed.assessed.changes),
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


def draft_page(drafted: DraftedReport) -> list["RenderableType"]:
    """What drafting did, for people."""
    parts: list[RenderableType] = [
        f"[bold]kept a draft of the {drafted.stage} report of {escape(drafted.patient.mrn)}[/]; it is not signed"
    ]
    if drafted.differences.height:
        parts += ["", frame_table(drafted.differences, {"variable": "finding", "old": "was", "new": "is"})]
    return parts


def draft_value(drafted: DraftedReport) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "mrn": drafted.patient.mrn,
        "site": drafted.patient.site,
        "report": str(drafted.stage),
        "differences": drafted.differences.drop("patient_id").to_dicts(),
    }
