"""What the commands of `hepwatch visit` show."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.visits.appointments import MISSED, Appointment
from scheduler.actions.visits.book_visit import Booked, Released
from scheduler.cli.changes_page import followed_lines, followed_value, preview_line
from scheduler.cli.showing import frame_table, named_procedures
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

OPEN = {
    "visit": "visit",
    "state": "state",
    "opens_on": "opens",
    "due_on": "due",
    "closes_on": "closes",
    "appointment": "appointment",
    "named": "procedures",
}
EVERY = {**OPEN, "state": "status", "answers": "answered by"}


def booked_page(booked: Booked, *, said: str) -> list["RenderableType"]:
    """The appointment as it is now, and what spoke against its day."""
    mrn, visit, appointment = booked.patient.mrn, booked.visit, booked.appointment
    return [
        f"[bold]{said} {visit.name} of {escape(mrn)}[/] for {_when(appointment)}",
        f"window {visit.opens_on} to {visit.closes_on}, due {visit.due_on}",
        *(f"[yellow]{escape(remark)}; kept with its reason[/]" for remark in booked.remarks),
    ]


def booked_value(booked: Booked) -> dict[str, Any]:
    """The same as a value for programs."""
    return {**_value(booked.appointment), "mrn": booked.patient.mrn, "visit": booked.visit.name} | {
        "remarks": list(booked.remarks)
    }


def released_page(released: Released, *, final: bool, preview: bool) -> list["RenderableType"]:
    """The appointment that does not stand any more, the visit that is missed, and what the plan makes of it."""
    mrn, visit, appointment = released.patient.mrn, released.visit, released.appointment
    lines: list[RenderableType] = []
    if appointment is not None:
        did = "did not come to" if appointment.state == MISSED else "cancelled"
        lines.append(f"[bold]{did} the appointment of {visit.name} of {escape(mrn)}[/], {_when(appointment)}")
    if final:
        lines.append(f"[bold]{visit.name} of {escape(mrn)} is missed[/]: due {visit.due_on}, not overdue any more")
    return [*preview_line(preview=preview), *lines, *followed_lines(released.followed, mrn=mrn)]


def released_value(released: Released, *, final: bool, preview: bool) -> dict[str, Any]:
    """The same as a value for programs."""
    appointment = _value(released.appointment) if released.appointment else None
    who = {"preview": preview, "mrn": released.patient.mrn, "visit": released.visit.name}
    return {**who, "appointment": appointment, "visit_missed": final, **followed_value(released.followed)}


def visits_page(visits: pl.DataFrame, *, everything: bool) -> list["RenderableType"]:
    """Visits with windows and appointments; with `everything` also their status and what answered them."""
    shown = visits.with_columns(
        pl.coalesce("state", "status").alias("state"),
        pl.Series("named", [named_procedures(each) for each in visits["procedures"]], dtype=pl.String),
        pl.concat_str("booked_on", "at", "place", separator=" ", ignore_nulls=True).alias("when"),
        pl.col("answered_by").list.join("; ").alias("answers"),
    ).with_columns(pl.when(pl.col("booked_on").is_not_null()).then("when").otherwise("booking").alias("appointment"))
    noun = "visit" if everything else "open visit"
    return [frame_table(shown, EVERY if everything else OPEN), counted(visits.height, noun)]


def _when(appointment: Appointment) -> str:
    """Day, time and place of an appointment."""
    time = f" at {appointment.at}" if appointment.at else ""
    place = f", {escape(appointment.place)}" if appointment.place else ""
    return f"{appointment.booked_on:%A} {appointment.booked_on}{time}{place}"


def _value(appointment: Appointment) -> dict[str, Any]:
    kept = ("booked_on", "at", "place", "version")
    return {name: getattr(appointment, name) for name in kept} | {"state": appointment.state}
