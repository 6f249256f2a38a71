"""`hepwatch contact`: how a patient who consented is reached."""

from datetime import date
from typing import TypedDict, Unpack

import click

from scheduler.cli.acting import mrn_argument, with_options
from scheduler.cli.contact_import import import_command
from scheduler.cli.options import Day, by_option, json_option, site_option
from scheduler.cli.reaching import reach_options

acting = with_options(site_option, by_option, json_option)


class Acting(TypedDict):
    """The last options of the commands that change a contact, as click gives them."""

    site: str | None
    by: str | None
    as_json: bool


@click.group("contact")
def command() -> None:
    """Say how a patient is reached who consented to it, withdraw that, show it.

    Only a patient with a contact and a consent that stands gets messages. Addresses are kept encrypted, and hidden
    wherever they are not asked for.
    """


@command.command("set")
@mrn_argument
@reach_options
@click.option("--consented-on", type=Day(), help="The day of the consent to be contacted, today or earlier.")
@acting
def set_command(
    mrn: str,
    channel: str | None,
    address: str | None,
    language: str | None,
    consented_on: date | None,
    **options: Unpack[Acting],
) -> None:
    """Store how a patient is reached, or change it.

    What is not said stays as it was. The first contact needs --address and --consented-on, and so does the first after
    a withdrawal. The same again changes nothing.
    """
    from scheduler import clock
    from scheduler.actions.contacts.reaching import Reach
    from scheduler.actions.contacts.set_contact import set_contact
    from scheduler.cli.contact_page import set_page, set_value
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        done = set_contact(
            registry,
            mrn,
            Reach(channel=channel, address=address, language=language),
            consented_on=consented_on,
            today=clock.today(),
            actor=actor(options["by"]),
            site=options["site"],
        )
    if options["as_json"]:
        echo_json(set_value(done))
    else:
        say(*set_page(done))


@command.command("withdraw")
@mrn_argument
@click.option("--reason", required=True, help="Why; kept with the contact. No address belongs here.")
@acting
def withdraw_command(mrn: str, reason: str, **options: Unpack[Acting]) -> None:
    """Withdraw a patient's contact.

    No message goes to the patient any more. Where the patient withdrew consent, record that too: hepwatch event
    record MRN consent_withdrawn.
    """
    from scheduler.actions.contacts.withdraw_contact import withdraw_contact
    from scheduler.cli.contact_page import withdrawn_page, withdrawn_value
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        done = withdraw_contact(registry, mrn, reason=reason, actor=actor(options["by"]), site=options["site"])
    if options["as_json"]:
        echo_json(withdrawn_value(done))
    else:
        say(*withdrawn_page(done))


@command.command("show")
@mrn_argument
@click.option("--reveal", is_flag=True, help="Show the address.")
@site_option
@json_option
def show_command(mrn: str, reveal: bool, site: str | None, as_json: bool) -> None:
    """Show how a patient is reached.

    And whether the patient may be contacted today. The address is hidden unless --reveal asks for it. Changes nothing.
    """
    from scheduler import clock
    from scheduler.actions.contacts.show_contact import show_contact
    from scheduler.cli.contact_page import shown_page, shown_value
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        shown = show_contact(registry, mrn, today=clock.today(), site=site, reveal=reveal)
    if as_json:
        echo_json(shown_value(shown))
    else:
        say(*shown_page(shown))


command.add_command(import_command)
