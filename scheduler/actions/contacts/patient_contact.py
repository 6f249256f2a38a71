"""The contact of a patient: as it stands, and a new version of it. Inside somebody's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.finding import Patient
from scheduler.actions.plans.facts import events_of
from scheduler.core.reminders.consent import CONSENTED, may_be_contacted
from scheduler.core.reminders.policy import Role
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

GIVEN, WITHDRAWN = "given", "withdrawn"
TO_STORE: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "version": pl.Int64(),
    "channel": pl.String(),  # missing: the policy's, as is the language
    "language": pl.String(),
    "address": pl.String(),  # missing where the contact is withdrawn
    "consented_on": pl.Date(),
    "state": pl.String(),
    "reason": pl.String(),
    "recorded_by": pl.String(),
}


class ConsentInFuture(ClinicalDataError):
    """A consent of a day to come."""

    def __init__(self, *, mrn: str, consented_on: date, today: date) -> None:
        super().__init__(
            f"the consent of {mrn} on {consented_on} is in the future; today is {today}; nothing was stored",
            advice="Record it once it is given, or correct --consented-on.",
        )


class ConsentNeeded(ClinicalDataError):
    """A first contact without an address, or without the day of the consent."""

    def __init__(self, *, mrn: str) -> None:
        super().__init__(
            f"{mrn} has no contact that is in force; a new one needs an address and the day of the consent",
            advice="Say --address (`--address -` reads it from standard input) and --consented-on.",
        )


class NoContact(Conflict):
    """Nothing to withdraw."""

    def __init__(self, *, mrn: str) -> None:
        super().__init__(
            f"{mrn} has no contact that is in force; nothing was changed",
            advice=f"`hepwatch contact show {mrn}` shows what is recorded.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A version of a patient's contact without the address; a missing channel or language is the policy's."""

    version: int
    channel: str | None
    language: str | None
    consented_on: date
    state: str  # given, withdrawn
    reason: str | None  # why it was withdrawn
    recorded_by: str
    recorded_at: datetime


def newest_contact(reading: Reading, patient: Patient) -> Contact | None:
    """The patient's contact as it was changed last, also one withdrawn; None where there never was one."""
    found = reading.latest_contacts([patient.patient_id])
    if found.is_empty():
        return None
    row = found.row(0, named=True)
    return Contact(**{name: row[name] for name in Contact.__dataclass_fields__})


def address_of(reading: Reading, patient: Patient) -> str | None:
    """The patient's address, decrypted; None where no contact is in force."""
    found = reading.contact_addresses([patient.patient_id])
    return str(found["address"][0]) if found.height else None


def why_not(reading: Reading, patient: Patient, *, today: date) -> str | None:
    """Why the patient may not be contacted today (`asked.WhyNot`); None where that may be."""
    asked = pl.DataFrame({"patient_id": [patient.patient_id]})
    contacts = reading.contacts_of([patient.patient_id]).select(*CONSENTED)
    answer = may_be_contacted(asked, contacts, events_of(reading, [patient.patient_id]), as_of=today)
    found: str | None = answer["why_not"][0]
    return found


def store_contacts(transaction: Transaction, rows: pl.DataFrame) -> None:
    """Store versions of contacts (`TO_STORE`), their addresses encrypted; what was refused before is owed again.

    The audit is for the caller.
    """
    typed = rows.select(pl.col(name).cast(kind) for name, kind in TO_STORE.items())
    transaction.append("contacts", transaction.sealed_contacts(typed))
    given = typed.filter(pl.col("state") == GIVEN)["patient_id"]
    for (site_id,), theirs in transaction.patients(given).group_by("site_id"):
        transaction.let_refused_go_again(int(str(site_id)), Role.PATIENT.value, patient_ids=theirs["patient_id"])


def a_version(reach: Reach, **cells: object) -> Mapping[str, object]:
    """One version as `store_contacts` takes it, given unless the cells say otherwise."""
    reached = {"channel": reach.channel, "language": reach.language, "address": reach.address}
    return {**reached, "state": GIVEN, "reason": None, **cells}
