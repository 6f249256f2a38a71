"""How examinations are shown: one that was just recorded, and all of a patient."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.examinations.examination_versions import Recorded
from scheduler.actions.examinations.list_examinations import ExaminationList
from scheduler.cli.changes_page import preview_line
from scheduler.cli.consequences_page import consequences_lines, consequences_value, in_words
from scheduler.cli.showing import named_procedures, table
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

HEADINGS = ("on", "examination", "result", "reviewed by", "counts as", "why")


def page(recorded: Recorded, *, did: str, preview: bool) -> list["RenderableType"]:
    """What was recorded, what it counts for and why, and what follows, for people; `did` is a verb, `recorded`."""
    told, mrn = recorded.examination, recorded.patient.mrn
    name = _name(told.procedure, recorded.number)
    headline = f"[bold]{did} {name} on {told.performed_on} of {escape(mrn)}:[/] {_result(asdict(told))}"
    parts = [*preview_line(preview=preview), headline]
    if recorded.verdict is not None:
        parts.append(f"[bold]counts as {in_words(recorded.verdict)}:[/] {escape(recorded.reason or '')}")
    parts += [f"confirmed although unusual: {escape(said)}" for said in recorded.confirmed]
    return [*parts, *consequences_lines(recorded.consequences, mrn=mrn)]


def as_value(recorded: Recorded, *, preview: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "mrn": recorded.patient.mrn,
        "site": recorded.patient.site,
        "preview": preview,
        **asdict(recorded.examination),
        "number": recorded.number,
        "version": recorded.version,
        "verdict": recorded.verdict,
        "reason": recorded.reason,
        "confirmed": list(recorded.confirmed),
        **consequences_value(recorded.consequences),
    }


def list_page(listed: ExaminationList) -> list["RenderableType"]:
    """Every examination of a patient, for people."""
    mrn = escape(listed.patient.mrn)
    gone = [f"{counted(listed.deleted, 'examination')} deleted, each with its reason"] if listed.deleted else []
    if listed.examinations.is_empty():
        return [f"no examination of {mrn} is recorded", *gone]
    rows = [
        (
            row["performed_on"],
            _name(row["procedure"], row["number"]),
            _result(row),
            _reviewed(row),
            in_words(row["verdict"] or ""),
            row["reason"],
        )
        for row in listed.examinations.iter_rows(named=True)
    ]
    return [table(HEADINGS, rows, title=f"Examinations of {listed.patient.mrn}"), *gone]


def list_value(listed: ExaminationList) -> list[dict[str, Any]]:
    """The same for programs."""
    return listed.examinations.with_columns(pl.lit(listed.patient.mrn).alias("mrn")).to_dicts()


def _name(procedure: str, number: int) -> str:
    """What was done; the second of one day says so."""
    name = named_procedures([procedure])
    return name if number == 1 else f"{name} (number {number} of the day)"


def _reviewed(row: dict[str, Any]) -> str:
    """Who read the result; of imaging that nobody has read, so."""
    if row["result_status"] == "pending" or row["finding"] is None:
        return row["reviewed_by"] or ""
    return row["reviewed_by"] or "nobody yet"


def _result(row: dict[str, Any]) -> str:
    """The result in words: `intrahepatic recurrence (liver)`, `12.5`, `pending`."""
    if row["result_status"] == "pending":
        return "pending"
    sites = f" ({', '.join(map(in_words, row['recurrence_sites']))})" if row["recurrence_sites"] else ""
    finding = [in_words(row["finding"]) + sites] if row["finding"] else []
    value = [f"{row['value']:.10g}"] if row["value"] is not None else []
    return ", ".join([*value, *finding])
