"""What the commands of `hepwatch contact` show; an address only where it was asked for."""

from typing import TYPE_CHECKING, Any

from rich.markup import escape

from scheduler.actions.contacts.patient_contact import GIVEN, Contact
from scheduler.actions.contacts.set_contact import ContactSet
from scheduler.actions.contacts.show_contact import ContactShown
from scheduler.actions.contacts.withdraw_contact import ContactWithdrawn
from scheduler.core.reminders.asked import WhyNot
from scheduler.core.validation import MASK

if TYPE_CHECKING:
    from rich.console import RenderableType

WHY_NOT = {
    WhyNot.NO_CONSENT: "consent was withdrawn, on the day of the recorded one or later",
    WhyNot.NO_CONTACT: "no contact is in force",
}
THE_POLICYS = "the policy's"


def set_page(done: ContactSet) -> list["RenderableType"]:
    """The contact as it is now, and whether messages go out."""
    mrn = escape(done.patient.mrn)
    first = (
        f"[bold]stored the contact of {mrn}[/], version {done.contact.version}"
        if done.is_changed
        else f"[bold]the contact of {mrn} is so already[/]: nothing was changed"
    )
    return [first, *_lines(done.contact, MASK), *_may_be_contacted(done.why_not)]


def set_value(done: ContactSet) -> dict[str, Any]:
    """The same as a value for programs."""
    told = {"mrn": done.patient.mrn, "is_changed": done.is_changed}
    return told | _value(done.contact, MASK) | {"why_not": done.why_not}


def withdrawn_page(done: ContactWithdrawn) -> list["RenderableType"]:
    """That no message goes out any more."""
    return [
        f"[bold]withdrew the contact of {escape(done.patient.mrn)}[/], version {done.contact.version}: "
        "no message goes to the patient any more"
    ]


def withdrawn_value(done: ContactWithdrawn) -> dict[str, Any]:
    """The same as a value for programs."""
    return {"mrn": done.patient.mrn} | _value(done.contact, None)


def shown_page(shown: ContactShown) -> list["RenderableType"]:
    """The contact as it was changed last, and whether messages go out."""
    mrn, contact = escape(shown.patient.mrn), shown.contact
    if contact is None:
        return [f"{mrn} has no contact", *_may_be_contacted(shown.why_not)]
    by = f"recorded by {escape(contact.recorded_by)} on {contact.recorded_at:%Y-%m-%d}"
    head = f"[bold]{mrn}[/] · contact, version {contact.version}, {by}"
    if contact.state != GIVEN:
        return [head, f"withdrawn: {escape(contact.reason or '')}", *_may_be_contacted(shown.why_not)]
    return [head, *_lines(contact, shown.address or MASK), *_may_be_contacted(shown.why_not)]


def shown_value(shown: ContactShown) -> dict[str, Any]:
    """The same as a value for programs; `contact` is null where there never was one."""
    contact = shown.contact
    address = (shown.address or MASK) if contact is not None and contact.state == GIVEN else None
    value = _value(contact, address) if contact is not None else None
    return {"mrn": shown.patient.mrn, "contact": value, "why_not": shown.why_not}


def _lines(contact: Contact, address: str) -> list["RenderableType"]:
    return [
        f"channel {contact.channel or THE_POLICYS}, language {contact.language or THE_POLICYS}, "
        f"address {escape(address)}",
        f"consented on {contact.consented_on}",
    ]


def _may_be_contacted(why_not: str | None) -> list["RenderableType"]:
    if why_not is None:
        return ["may be contacted"]
    return [f"[yellow]not to be contacted: {WHY_NOT[WhyNot(why_not)]}[/]"]


def _value(contact: Contact, address: str | None) -> dict[str, Any]:
    kept = ("version", "state", "channel", "language", "consented_on", "reason", "recorded_by", "recorded_at")
    return {name: getattr(contact, name) for name in kept} | {"address": address}
