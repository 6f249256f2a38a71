"""One patient as a page: what is known, what the models say and why, what is planned, what happened."""

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Group
from rich.markup import escape
from rich.text import Text

from scheduler.actions.patients.show_patient import PatientPage
from scheduler.cli.consequences_page import in_words
from scheduler.cli.event_page import list_page as events_page
from scheduler.cli.exam_page import list_page as examinations_page
from scheduler.cli.showing import table, visits_table
from scheduler.core.validation.headings import unit_in_words
from scheduler.core.variables import VariableDictionary
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR_WIDTH = 24


def page(shown: PatientPage, dictionary: VariableDictionary, *, today: date) -> list["RenderableType"]:
    """The page for people."""
    patient, identity = shown.patient, shown.identity
    born = f", born {identity['birth_date']}" if identity["birth_date"] else ""
    name = f" · {escape(identity['name'])}" if identity["name"] else ""
    parts: list[RenderableType] = [
        f"[bold]{escape(patient.mrn)}[/]{name}{born} · site {escape(patient.site)}",
        f"resection on {patient.resected_on}; episode {patient.episode_state.replace('_', ' ')}; "
        f"record version {patient.version}",
        "",
    ]
    parts += _plan(shown, today)
    for assessment in shown.assessments:
        parts += _assessment(assessment)
    if shown.examinations.examinations.height:
        parts += [*examinations_page(shown.examinations), ""]
    if shown.events.events.height:
        parts += [*events_page(shown.events), ""]
    parts += [_findings(report, dictionary) for report in shown.reports] or ["no report is stored"]
    return [*parts, "", _history(shown.history)]


def as_value(shown: PatientPage) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "mrn": shown.patient.mrn,
        "site": shown.patient.site,
        "name": shown.identity["name"],
        "birth_date": shown.identity["birth_date"],
        "resected_on": shown.patient.resected_on,
        "state": shown.patient.episode_state,
        "record_version": shown.patient.version,
        "reports": shown.reports,
        "assessments": shown.assessments,
        "plan": shown.plan,
        "visits": shown.visits.drop("visit_id", "episode_id").to_dicts(),
        "overrides": shown.overrides.drop("override_id", "episode_id").to_dicts(),
        "examinations": shown.examinations.examinations.to_dicts(),
        "events": shown.events.events.to_dicts(),
        "tasks": shown.events.tasks.drop("patient_id", "episode_id").to_dicts(),
        "history": shown.history.to_dicts(),
    }


def _plan(shown: PatientPage, today: date) -> list["RenderableType"]:
    """The intensity, why, and the open visits that lie ahead."""
    if shown.plan is None:
        why = escape(shown.no_surveillance or "no report is signed yet")
        return [f"[bold]no surveillance plan:[/] {why}", ""]
    plan = shown.plan
    provisional = ", [yellow]provisional[/]" if plan["provisional"] else ""
    protocol = f"{plan['protocol_id']}@{plan['protocol_version']}"
    ahead = shown.visits.filter((pl.col("status") == "open") & (pl.col("closes_on") >= today))
    past = shown.visits.filter((pl.col("status") == "open") & (pl.col("closes_on") < today)).height
    parts: list[RenderableType] = [
        f"[bold]{plan['intensity']} follow-up (policy)[/]{provisional} by {protocol}",
        *(f"  - {escape(reason)}" for reason in plan["because"]),
    ]
    parts += [f"[bold]{escape(said)}[/]" for said in map(_override, shown.overrides.iter_rows(named=True))]
    if past:
        parts.append(f"{counted(past, 'visit')} past and unanswered")
    if shown.patient.episode_state != "active":
        parts.append(f"[yellow]the episode is {in_words(shown.patient.episode_state)}: nobody is asked to come[/]")
    parts.append(visits_table(ahead.head(14), title="Visits ahead") if ahead.height else "no visit lies ahead")
    if ahead.height > 14:
        parts.append(f"… and {ahead.height - 14} more, the last due on {ahead['due_on'][-1]}")
    return [*parts, ""]


def _override(row: dict[str, Any]) -> str:
    """A clinician's decision that holds, in a sentence."""
    if row["kind"] == "intensity":
        what = f"{row['intensity']} follow-up"
    else:
        what = f"{row['visit']} on {row['due_on']}" if row["due_on"] else f"{row['visit']} is not to be held"
    return f"override {row['number']} by {row['recorded_by']} until {row['until_on']}: {what}, because: {row['reason']}"


def _assessment(assessment: dict[str, Any]) -> list["RenderableType"]:
    """A model's verdict, with each term's contribution as a bar."""
    group = assessment["risk_group"] or " or ".join(assessment["possible_groups"]) or "no group"
    remark = f" ({assessment['remark']})" if assessment["remark"] and assessment["possible_groups"] else ""
    parts: list[RenderableType] = [
        f"[bold]{escape(assessment['title'])}: {group}[/]{escape(remark)} · {escape(_endpoint(assessment))}",
        escape(_verdict(assessment)),
    ]
    if assessment["status"] in ("scored", "bounded"):
        parts.append(_contributions(assessment["contributions"]))
        parts += [f"[dim]caveat: {escape(caveat)}[/]" for caveat in assessment["caveats"]]
    return [*parts, ""]


def _endpoint(assessment: dict[str, Any]) -> str:
    return (assessment["endpoint"] or "a model that these rules do not hold").replace("_", " ")


def _verdict(assessment: dict[str, Any]) -> str:
    status = assessment["status"]
    unconfirmed = "; the population is unconfirmed" if assessment["applicability"] == "unconfirmed" else ""
    if status == "scored":
        return f"linear predictor {assessment['linear_predictor']:.3f}{unconfirmed}"
    if status == "bounded":
        settled = " or ".join(assessment["settled_by"])
        by = f"; settled by {settled}" if settled else ""
        missing = ", ".join(assessment["missing"])
        return (
            f"linear predictor {assessment['lowest']:.3f} to {assessment['highest']:.3f}, "
            f"missing {missing}{by}{unconfirmed}"
        )
    return f"{status.replace('_', ' ')}: {'; '.join(assessment['reasons'])}"


def _contributions(contributions: dict[str, float | None]) -> "RenderableType":
    """Each term's contribution: to the right of the line what raises the risk, to the left what lowers it."""
    most = max((abs(value) for value in contributions.values() if value is not None), default=1.0) or 1.0
    rows = [
        (term, "unknown" if value is None else f"{value:+.3f}", _bar(value, most))
        for term, value in contributions.items()
    ]
    return table(("term", "contribution", "lowers ◂ risk ▸ raises"), rows)


def _bar(value: float | None, most: float) -> str:
    """A bar from the middle line, BAR_WIDTH characters long at most.

    >>> _bar(1.0, 1.0).count("█"), _bar(None, 1.0)
    (12, '            ┊ ?')
    """
    half = BAR_WIDTH // 2
    if value is None:
        return f"{'':{half}}┊ ?"
    length = round(abs(value) / most * half)
    return f"{'█' * length:>{half}}┊" if value < 0 else f"{'':{half}}┊{'█' * length}"


def _findings(report: dict[str, Any], dictionary: VariableDictionary) -> "RenderableType":
    by = f"signed by {report['signed_by']}" if report["signed_by"] else "a draft, not signed"
    title = f"{report['stage'].capitalize()} report, version {report['version']}, {by}{_because(report)}"
    rows = [
        (dictionary.recorded[name].label, _plainly(value), unit_in_words(dictionary.recorded[name].unit))
        for name, value in report["findings"].items()
    ]
    unusual = [f"confirmed although unusual: {said}" for said in report["confirmed"]]
    unusual += [f"cannot be had: {name}, because: {why}" for name, why in report["not_obtainable"].items()]
    return Group(table(("finding", "value", "unit"), rows, title=title), *map(Text, unusual), "")


def _because(report: dict[str, Any]) -> str:
    return f", because: {report['reason']}" if report["reason"] else ""


def _plainly(value: object) -> object:
    """A number as a person writes it, 41 and not 41.0."""
    return f"{value:.10g}" if isinstance(value, float) else value


def _history(history: pl.DataFrame) -> "RenderableType":
    rows = [
        (f"{row['recorded_at']:%Y-%m-%d %H:%M}", row["actor"], row["action"].replace("_", " "), _detail(row))
        for row in history.iter_rows(named=True)
    ]
    return table(("when (UTC)", "who", "what", "details"), rows, title="History")


def _detail(row: dict[str, Any]) -> str:
    details = ", ".join(_detailed(name, value) for name, value in json.loads(row["details"]).items() if value)
    reason = f"reason: {row['reason']}" if row["reason"] else ""
    return "; ".join(part for part in (details, reason) if part)


def _detailed(name: str, value: object) -> str:
    """One detail of an audit row, in words: `plan version 2`, `provisional`, `changed birth date`."""
    words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return (name if value is True else f"{name} {words}").replace("_", " ")
