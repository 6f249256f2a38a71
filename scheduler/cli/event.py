"""`hepwatch event`: what happens to a patient after the resection."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Unpack

import click

from scheduler.cli.acting import Acting, act, acting_options, mrn_argument, with_options
from scheduler.cli.history import import_events_command
from scheduler.cli.options import Day, json_option, site_option

if TYPE_CHECKING:
    from scheduler.actions.events.record_event import EventRecorded

which = with_options(
    mrn_argument,
    click.argument("event"),
    click.option("--on", "on", type=Day(), required=True, help="The day it happened."),
)


@click.group("event")
def command() -> None:
    """Record what happened to a patient, take it back, list it.

    \b
    recurrence              intrahepatic pauses and asks for a treatment decision; else hands over
    non_curative_treatment  hands over to the treating team, which acknowledges
    acknowledged            the treating team has taken over
    curative_treatment      ends the episode and begins the next, followed intensively
    transplant              likewise
    second_primary          flags: the models do not speak of this patient any more
    lost                    ends nothing: the patient is to be found
    last_seen               a contact
    transfer                ends nothing until the receiver accepts
    transfer_accepted       ends the episode
    consent_withdrawn       to be contacted, or to be in the registry
    reopened                makes active what was paused, handed over or ended, but for a death
    death                   ends; what was due afterwards is not due any more
    """


@command.command("record")
@which
@click.option(
    "--detail",
    default="",
    help="Of a recurrence: intrahepatic, extrahepatic or both; of withdrawn consent: contact or registry; of a "
    "transfer: where to; of re-opening: why.",
)
@acting_options
def record(mrn: str, event: str, on: date, detail: str, **acting: Unpack[Acting]) -> None:
    """Record an event.

    Stores it, and changes episodes and visits as it asks for. Prints what the event did, what is to be done now,
    and what changed in the plan.
    """
    from scheduler.actions.events.record_event import record_event

    _show(act(partial(record_event, mrn=mrn, event=event, on=on, detail=detail), acting), acting)


@command.command("take-back")
@which
@click.option("--detail", help="Which one, where several of a kind happened that day.")
@click.option("--reason", required=True, help="Why; kept with the event.")
@acting_options
def take_back(mrn: str, event: str, on: date, detail: str | None, reason: str, **acting: Unpack[Acting]) -> None:
    """Take back an event, with a reason.

    For one recorded by mistake: it stays in the record and does nothing any more. Episodes and visits become what
    they would be without it.
    """
    from scheduler.actions.events.take_back_event import take_back_event

    taking_back = partial(take_back_event, mrn=mrn, event=event, on=on, detail=detail, reason=reason)
    _show(act(taking_back, acting), acting)


@command.command("list")
@mrn_argument
@site_option
@json_option
def list_all(mrn: str, site: str | None, as_json: bool) -> None:
    """List a patient's events.

    What each did, and what is to be done because of them. Changes nothing.
    """
    from scheduler import clock
    from scheduler.actions.events.list_events import list_events
    from scheduler.cli.event_page import list_page, list_value
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        listed = list_events(registry, mrn, today=clock.today(), site=site)
    if as_json:
        echo_json(list_value(listed))
    else:
        say(*list_page(listed))


def _show(recorded: "EventRecorded", acting: Acting) -> None:
    from scheduler.cli.event_page import as_value, page
    from scheduler.cli.showing import echo_json, say

    if acting["as_json"]:
        echo_json(as_value(recorded, preview=acting["preview"]))
    else:
        say(*page(recorded, preview=acting["preview"]))


command.add_command(import_events_command)
