"""What the commands of `hepwatch recipient` show; addresses are hidden throughout."""

from typing import TYPE_CHECKING, Any

import polars as pl
from rich.markup import escape

from scheduler.actions.contacts.set_recipient import RecipientSet
from scheduler.actions.contacts.site_recipient import Recipient
from scheduler.cli.showing import counted, frame_table
from scheduler.core.validation import MASK

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


def list_page(recipients: pl.DataFrame) -> list["RenderableType"]:
    """Who is told at the sites."""
    if recipients.is_empty():
        return ["Nobody is told yet: `hepwatch recipient set SITE ROLE CODE` says who."]
    shown = recipients.with_columns(pl.col("channel", "language").fill_null(THE_POLICYS), _masked())
    return [frame_table(shown, LISTED), counted(recipients.height, "recipient")]


def list_value(recipients: pl.DataFrame) -> list[dict[str, Any]]:
    """The same as a value for programs."""
    return recipients.with_columns(_masked()).select(*LISTED).to_dicts()


def _masked() -> pl.Expr:
    return pl.when("has_address").then(pl.lit(MASK)).alias("address")


def _who(recipient: Recipient) -> str:
    return f"{recipient.role}:{recipient.code} of {escape(recipient.site)}"
