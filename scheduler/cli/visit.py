"""`hepwatch visit`: the appointments of a patient's visits."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from scheduler.cli.acting import Acting, act, acting_options, mrn_argument, with_options
from scheduler.cli.options import Day, by_option, json_option, site_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from scheduler.actions.visits.book_visit import Booked, Released

which = with_options(mrn_argument, click.argument("visit"))
why_option = click.option("--reason", required=True, help="Why; kept with the appointment.")
appointed = with_options(
    click.option("--on", "on", type=Day(), required=True, help="The day of the appointment."),
    click.option("--at", metavar="HH:MM", help="The time, on the site's clock."),
    click.option("--place", help="Where the patient is expected."),
)
booking_options = with_options(site_option, by_option, json_option)


class Appointment(TypedDict):
    """The options of an appointment, as click gives them."""

    mrn: str
    visit: str
    on: date
    at: str | None
    place: str | None
    reason: str | None
    site: str | None
    by: str | None
    as_json: bool


@click.group("visit")
def command() -> None:
    """Book, move, cancel and miss the visits of a patient, and list them.

    A visit is named as on the worklist: its origin and month, such as grid-6, catch_up-9 or suspicious-3.
    """


@command.command("book")
@which
@appointed
@click.option("--reason", help="Why on this day, where it is outside the window or the site does not work.")
@booking_options
def book(**appointment: Unpack[Appointment]) -> None:
    """Store an appointment for an open visit. The visit keeps its day while it is booked, whatever the plan wants."""
    from scheduler.actions.visits.book_visit import book_visit

    _appoint(book_visit, appointment, said="booked")


@command.command("move")
@which
@appointed
@why_option
@booking_options
def move(**appointment: Unpack[Appointment]) -> None:
    """Store another day for an appointment. Time and place stay as they were, unless they are given."""
    from scheduler.actions.visits.book_visit import move_booking

    _appoint(move_booking, appointment, said="moved")


@command.command("cancel")
@which
@why_option
@acting_options
def cancel(mrn: str, visit: str, reason: str, **acting: Unpack[Acting]) -> None:
    """Cancel an appointment. What the plan wanted of the visit while it was booked comes true."""
    from scheduler.actions.visits.book_visit import cancel_booking

    cancelled = act(partial(cancel_booking, mrn=mrn, visit=visit, reason=reason), acting)
    _show_released(cancelled, acting, final=False)


@command.command("miss")
@which
@why_option
@click.option("--final", is_flag=True, help="The visit itself is missed: it is not overdue any more.")
@acting_options
def miss(mrn: str, visit: str, reason: str, final: bool, **acting: Unpack[Acting]) -> None:
    """Record that the patient did not come to an appointment. The visit stays open, and overdue, unless --final."""
    from scheduler.actions.visits.miss_visit import miss_visit

    missed = act(partial(miss_visit, mrn=mrn, visit=visit, reason=reason, final=final), acting)
    _show_released(missed, acting, final=final)


@command.command("list")
@mrn_argument
@click.option("--all", "everything", is_flag=True, help="Every visit, with its status and what answered it.")
@site_option
@json_option
def list_command(mrn: str, everything: bool, site: str | None, as_json: bool) -> None:
    """List the open visits of a patient with their windows and appointments. Changes nothing."""
    from scheduler import clock
    from scheduler.actions.visits.list_visits import list_visits
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say
    from scheduler.cli.visit_page import visits_page

    with open_registry() as registry:
        visits = list_visits(registry, mrn, today=clock.today(), site=site, everything=everything)
    if as_json:
        echo_json(visits.to_dicts())
    else:
        say(*visits_page(visits, everything=everything))


def _appoint(action: "Callable[..., Booked]", given: Appointment, *, said: str) -> None:
    """Store the appointment, and show it."""
    from scheduler import clock
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json, say
    from scheduler.cli.visit_page import booked_page, booked_value

    with open_registry() as registry:
        booked = action(
            registry,
            given["mrn"],
            given["visit"],
            on=given["on"],
            at=given["at"],
            place=given["place"],
            reason=given["reason"],
            actor=actor(given["by"]),
            today=clock.today(),
            site=given["site"],
        )
    if given["as_json"]:
        echo_json(booked_value(booked))
    else:
        say(*booked_page(booked, said=said))


def _show_released(released: "Released", acting: Acting, *, final: bool) -> None:
    from scheduler.cli.showing import echo_json, say
    from scheduler.cli.visit_page import released_page, released_value

    preview = acting["preview"]
    if acting["as_json"]:
        echo_json(released_value(released, final=final, preview=preview))
    else:
        say(*released_page(released, final=final, preview=preview))
