"""How events are shown: one that was just recorded or taken back, and all of a patient."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from scheduler.actions.events.list_events import EventList
from scheduler.actions.events.record_event import EventRecorded
from scheduler.cli.changes_page import preview_line
from scheduler.cli.consequences_page import (
    consequences_lines,
    consequences_value,
    in_words,
    task_lines,
    tasks_value,
)
from scheduler.cli.showing import table

if TYPE_CHECKING:
    from rich.console import RenderableType

HEADINGS = ("on", "event", "detail", "what it did", "recorded by")
BY_EXAMINATION = "an examination"


def page(recorded: EventRecorded, *, preview: bool) -> list["RenderableType"]:
    """What was recorded or taken back, what it did, and what follows, for people."""
    mrn = recorded.patient.mrn
    did = "took back" if recorded.is_taken_back else "recorded"
    detail = f" ({escape(in_words(recorded.detail))})" if recorded.detail else ""
    effect = f": {escape(in_words(recorded.effect))}" if recorded.effect else ""
    told = f"[bold]{did} {in_words(recorded.event)}{detail} on {recorded.on} of {escape(mrn)}[/]{effect}"
    return [*preview_line(preview=preview), told, *consequences_lines(recorded.consequences, mrn=mrn)]


def as_value(recorded: EventRecorded, *, preview: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "mrn": recorded.patient.mrn,
        "site": recorded.patient.site,
        "preview": preview,
        "event": recorded.event,
        "on": recorded.on,
        "detail": recorded.detail or None,
        "is_taken_back": recorded.is_taken_back,
        "effect": recorded.effect,
        **consequences_value(recorded.consequences),
    }


def list_page(listed: EventList) -> list["RenderableType"]:
    """Every event of a patient, for people, and what is to be done because of them."""
    if listed.events.is_empty():
        return [f"no event of {escape(listed.patient.mrn)} is recorded"]
    rows = [
        (row["on"], in_words(row["event"]), row["detail"], _effect(row), row["recorded_by"] or BY_EXAMINATION)
        for row in listed.events.iter_rows(named=True)
    ]
    return [table(HEADINGS, rows, title=f"Events of {listed.patient.mrn}"), *task_lines(listed.tasks)]


def list_value(listed: EventList) -> dict[str, Any]:
    """The same for programs."""
    return {"mrn": listed.patient.mrn, "events": listed.events.to_dicts(), "to_do": tasks_value(listed.tasks)}


def _effect(row: dict[str, Any]) -> str:
    if row["taken_back_by"]:
        return f"taken back by {row['taken_back_by']}: {row['taken_back_because']}"
    return in_words(row["effect"])
