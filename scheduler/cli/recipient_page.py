"""What the commands of `hepwatch recipient` show; addresses are hidden throughout."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape
from rich.text import Text

from scheduler.actions.contacts.list_recipients import Recipients
from scheduler.actions.contacts.set_recipient import RecipientSet
from scheduler.actions.contacts.site_recipient import Recipient
from scheduler.cli.showing import frame_table
from scheduler.core.validation import MASK
from scheduler.errors import counted, listed

if TYPE_CHECKING:
    from rich.console import RenderableType

THE_POLICYS = "the policy's"
LISTED = {
    "site": "site",
    "role": "role",
    "code": "short name",
    "channel": "channel",
    "language": "language",
    "address": "address",
}
NOBODY = "nobody of its staff is told anything"
ON_THE_CONSOLE = "what its staff is to be told is written to standard output"


def set_page(done: RecipientSet) -> list["RenderableType"]:
    """The recipient as it is now."""
    who, recipient = _who(done.recipient), done.recipient
    first = (
        f"[bold]stored {who}[/], version {recipient.version}"
        if done.is_changed
        else f"[bold]{who} is told so already[/]: nothing was changed"
    )
    address = MASK if recipient.has_address else "none"
    reached = f"channel {recipient.channel or THE_POLICYS}, language {recipient.language or THE_POLICYS}"
    return [first, f"{reached}, address {address}"]


def withdrawn_page(withdrawn: Recipient) -> list["RenderableType"]:
    """That somebody is not told any more."""
    return [f"[bold]withdrew {_who(withdrawn)}[/], version {withdrawn.version}: not told any more"]


def as_value(recipient: Recipient) -> dict[str, Any]:
    """A recipient as a value for programs."""
    kept = ("site", "role", "code", "version", "channel", "language", "state")
    told = {name: getattr(recipient, name) for name in kept}
    return told | {"address": MASK if recipient.has_address else None}


def list_page(recipients: Recipients, *, has_channels: bool) -> list["RenderableType"]:
    """Who is told at the sites, who is in the place of whom, and where nobody is; `has_channels`: a file names them."""
    people = recipients.people
    shown = people.with_columns(pl.col("channel", "language").fill_null(THE_POLICYS), _masked())
    otherwise = NOBODY if has_channels else ON_THE_CONSOLE
    bare = [Text(f"{site} has named nobody: {otherwise}") for site in recipients.bare_sites]
    if people.is_empty():
        return [*bare, "hepwatch recipient set SITE ROLE CODE says who is told."]
    instead = [*_instead(people), *bare]
    return [frame_table(shown, LISTED), counted(people.height, "recipient"), *([""] if instead else []), *instead]


def list_value(recipients: Recipients) -> list[dict[str, Any]]:
    """Who is told, as a value for programs."""
    return recipients.people.with_columns(_masked()).select(*LISTED, "in_place_of").to_dicts()


def _instead(people: pl.DataFrame) -> list["RenderableType"]:
    """Of each site that names nobody in some roles: who is told in their place."""
    told = people.filter(pl.col("in_place_of").list.len() > 0)
    by_site = told.group_by("site", "role", "in_place_of", maintain_order=True).agg("code")
    sentences: list[RenderableType] = []
    for site, role, roles, codes in by_site.select("site", "role", "in_place_of", "code").rows():
        nobody = listed([f"no {each.replace('_', ' ')}" for each in roles])
        others = listed([f"{role.replace('_', ' ')} {code}" for code in codes])
        sentences.append(Text(f"{site} names {nobody}: {others} {'is' if len(codes) == 1 else 'are'} told instead"))
    return sentences


def _masked() -> pl.Expr:
    return pl.when("has_address").then(pl.lit(MASK)).alias("address")


def _who(recipient: Recipient) -> str:
    return f"{recipient.role}:{recipient.code} of {escape(recipient.site)}"
