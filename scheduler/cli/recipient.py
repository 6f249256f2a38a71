"""`hepwatch recipient`: who of a site's staff is told."""

from typing import TypedDict, Unpack

import click

from scheduler.cli.acting import with_options
from scheduler.cli.options import by_option, json_option, site_option
from scheduler.cli.reaching import reach_options

ROLES = ("coordinator", "clinician", "surgeon", "site_lead")
which = with_options(click.argument("site"), click.argument("role", type=click.Choice(ROLES)), click.argument("code"))


class Which(TypedDict):
    """Which recipient, as click gives it."""

    site: str
    role: str
    code: str


@click.group("recipient")
def command() -> None:
    """Say who of a site's staff is told, by role, and how.

    Everybody of a role is told what the reminder policy tells that role. Where a site names nobody in it, the first of
    coordinator, site lead, clinician and surgeon is told in which it names somebody. Where it names nobody at all, its
    staff is told nothing; without a channels file, on standard output. Addresses are kept encrypted and never printed.
    """


@command.command("set")
@which
@reach_options
@by_option
@json_option
def set_command(
    channel: str | None,
    address: str | None,
    language: str | None,
    by: str | None,
    as_json: bool,
    **named: Unpack[Which],
) -> None:
    """Store who is told in a role at a site, or change how.

    CODE is a short name, such as anna: it stands in the ledger. What is not said stays as it was. The same again
    changes nothing.
    """
    from scheduler.actions.contacts.reaching import Reach
    from scheduler.actions.contacts.set_recipient import set_recipient
    from scheduler.actions.contacts.site_recipient import Named
    from scheduler.cli.recipient_page import as_value, set_page
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json, say
    from scheduler.core.reminders.policy import Role

    recipient = Named(site=named["site"], role=Role(named["role"]), code=named["code"])
    wanted = Reach(channel=channel, address=address, language=language)
    with open_registry() as registry:
        done = set_recipient(registry, recipient, wanted, actor=actor(by))
    if as_json:
        echo_json({"is_changed": done.is_changed} | as_value(done.recipient))
    else:
        say(*set_page(done))


@command.command("withdraw")
@which
@click.option("--reason", required=True, help="Why; kept in the audit. No address belongs here.")
@by_option
@json_option
def withdraw_command(reason: str, by: str | None, as_json: bool, **named: Unpack[Which]) -> None:
    """Let somebody not be told any more."""
    from scheduler.actions.contacts.site_recipient import Named
    from scheduler.actions.contacts.withdraw_recipient import withdraw_recipient
    from scheduler.cli.recipient_page import as_value, withdrawn_page
    from scheduler.cli.registry import actor, open_registry
    from scheduler.cli.showing import echo_json, say
    from scheduler.core.reminders.policy import Role

    recipient = Named(site=named["site"], role=Role(named["role"]), code=named["code"])
    with open_registry() as registry:
        withdrawn = withdraw_recipient(registry, recipient, reason=reason, actor=actor(by))
    if as_json:
        echo_json(as_value(withdrawn))
    else:
        say(*withdrawn_page(withdrawn))


@command.command("list")
@site_option
@json_option
def list_command(site: str | None, as_json: bool) -> None:
    """List who is told at the sites, how, and in the place of which roles. Changes nothing.

    Where a site names nobody in a role, the first of coordinator, site lead, clinician and surgeon is told in which it
    names somebody.
    """
    from scheduler import settings
    from scheduler.actions.contacts.list_recipients import list_recipients
    from scheduler.cli.recipient_page import list_page, list_value
    from scheduler.cli.registry import open_registry
    from scheduler.cli.showing import echo_json, say

    with open_registry() as registry:
        recipients = list_recipients(registry, site=site)
    if as_json:
        echo_json(list_value(recipients))
    else:
        say(*list_page(recipients, has_channels=settings.channels_file() is not None))
