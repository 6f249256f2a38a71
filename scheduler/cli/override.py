"""`hepwatch override`: what a clinician decides against the plan."""

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Unpack

import click

from scheduler.cli.acting import Acting, act, acting_options, mrn_argument, with_options
from scheduler.cli.options import Day, json_option, site_option

if TYPE_CHECKING:
    from scheduler.actions.overrides.override_plan import Overridden

INTENSITIES = ("basic", "standard", "intensive")
why_option = click.option("--reason", required=True, help="Why; kept with the override.")
for_now = with_options(
    click.option("--until", "until_on", type=Day(), required=True, help="The last day on which it holds."),
    why_option,
    acting_options,
)


@click.group("override")
def command() -> None:
    """Decide otherwise than the plan, with a reason and a last day.

    An override outweighs every re-planning up to and on its last day. One that is recorded later of the same thing
    takes its place.
    """


@command.command("intensity")
@mrn_argument
@click.argument("intensity", type=click.Choice(INTENSITIES))
@for_now
def intensity_command(mrn: str, intensity: str, until_on: date, reason: str, **acting: Unpack[Acting]) -> None:
    """Follow a patient more or less closely than the models say: stores it, and makes the plan anew."""
    from scheduler.actions.overrides.override_plan import override_intensity

    overriding = partial(override_intensity, mrn=mrn, intensity=intensity, until_on=until_on, reason=reason)
    _show(act(overriding, acting), acting, said=f"{intensity} follow-up until {until_on}")


@command.command("visit")
@mrn_argument
@click.argument("visit")
@click.option("--due", "due_on", type=Day(), help="The day on which the visit is to be held.")
@click.option("--not-held", is_flag=True, help="The visit is not to be held.")
@for_now
def visit_command(
    mrn: str, visit: str, due_on: date | None, not_held: bool, until_on: date, reason: str, **acting: Unpack[Acting]
) -> None:
    """Hold one visit of the plan on another day, or not at all: stores it, and changes the visit.

    The visit is named as on the worklist, such as grid-6.
    """
    from scheduler.actions.overrides.override_plan import override_visit

    if (due_on is None) != not_held:
        raise click.UsageError("Give either --due YYYY-MM-DD or --not-held.")
    overriding = partial(override_visit, mrn=mrn, visit=visit, due_on=due_on, until_on=until_on, reason=reason)
    what = f"{visit} due {due_on}" if due_on else f"{visit} not to be held"
    _show(act(overriding, acting), acting, said=f"{what}, until {until_on}")


@command.command("end")
@mrn_argument
@click.argument("number", type=click.IntRange(1))
@why_option
@acting_options
def end(mrn: str, number: int, reason: str, **acting: Unpack[Acting]) -> None:
    """End an override before its last day, by its number in the list: the plan has its way again."""
    from scheduler.actions.overrides.override_plan import end_override

    _show(act(partial(end_override, mrn=mrn, override=number, reason=reason), acting), acting, said="ended")


@command.command("list")
@mrn_argument
@site_option
@json_option
def list_command(mrn: str, site: str | None, as_json: bool) -> None:
    """List the overrides of a patient, also those that hold no more. Changes nothing."""
    from scheduler import clock
    from scheduler.actions.overrides.overrides import list_overrides
    from scheduler.cli.override_page import list_page
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        overrides = list_overrides(registry, mrn, today=clock.today(), site=site)
    if as_json:
        echo_json(overrides.drop("override_id", "episode_id").to_dicts())
    else:
        say(*list_page(overrides))


def _show(overridden: "Overridden", acting: Acting, *, said: str) -> None:
    from scheduler.cli.override_page import as_value, page
    from scheduler.cli.showing import echo_json, say

    if acting["as_json"]:
        echo_json(as_value(overridden, preview=acting["preview"]))
    else:
        say(*page(overridden, said=said, preview=acting["preview"]))
