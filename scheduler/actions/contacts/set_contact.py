"""Record how a patient who consented is reached, or change it: each change is a new version."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.contacts.patient_contact import (
    GIVEN,
    TO_STORE,
    ConsentInFuture,
    ConsentNeeded,
    Contact,
    a_version,
    address_of,
    newest_contact,
    store_contacts,
    why_not,
)
from scheduler.actions.contacts.reaching import Reach, combined
from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, say
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSet:
    """A patient's contact as it is now, whether anything changed, and why the patient may not be contacted today.

    `why_not` is one of `asked.WhyNot`, or None: a consent withdrawn on the day of this one or later outweighs it.
    """

    patient: Patient
    contact: Contact
    is_changed: bool
    why_not: str | None


def set_contact(
    registry: Registry,
    mrn: str,
    wanted: Reach,
    *,
    today: date,
    actor: str,
    consented_on: date | None = None,
    site: str | None = None,
) -> ContactSet:
    """Store how a patient is reached, and since when the patient consents to it; what is None stays as it was.

    The first contact, or the first after a withdrawal, needs an address and the day of the consent, today or earlier.
    The same again changes nothing. The audit says what changed, and no address. Raises `ConsentInFuture`,
    `ConsentNeeded`, `NotReachable`, `PatientNotFound` and `SeveralPatients`.
    """
    with acting_on(registry, mrn, site=site) as (transaction, patient):
        if consented_on is not None and consented_on > today:
            raise ConsentInFuture(mrn=patient.mrn, consented_on=consented_on, today=today)
        newest = newest_contact(transaction, patient)
        before = newest if newest is not None and newest.state == GIVEN else None
        day = consented_on or (before.consented_on if before else None)
        if day is None or (before is None and wanted.address is None):
            raise ConsentNeeded(mrn=patient.mrn)
        standing = _reach(transaction, patient, before)
        reach = combined(wanted, standing)
        is_changed = before is None or (reach, day) != (standing, before.consented_on)
        if is_changed:
            version = newest.version + 1 if newest else 1
            _store(transaction, patient, reach, version=version, consented_on=day, actor=actor)
            said = in_audit(version, reach, day, address_changed=reach.address != standing.address)
            say(transaction, patient, "set_contact", Said(by=actor, reason=None), **said)
        return _as_it_is(transaction, patient, is_changed=is_changed, today=today)


def in_audit(version: int, reach: Reach, consented_on: date, *, address_changed: bool) -> dict[str, object]:
    """What the audit says of a version: whether the address changed, never the address."""
    told = {"channel": reach.channel, "language": reach.language, "consented_on": str(consented_on)}
    return {"version": version, **told, "address_changed": address_changed}


def _reach(reading: Reading, patient: Patient, before: Contact | None) -> Reach:
    """How the patient is reached now; nothing where no contact is in force."""
    if before is None:
        return Reach()
    return Reach(channel=before.channel, address=address_of(reading, patient), language=before.language)


def _store(
    transaction: Transaction, patient: Patient, reach: Reach, *, version: int, consented_on: date, actor: str
) -> None:
    cells = {"patient_id": patient.patient_id, "version": version, "consented_on": consented_on, "recorded_by": actor}
    store_contacts(transaction, pl.DataFrame([a_version(reach, **cells)], schema=TO_STORE))


def _as_it_is(reading: Reading, patient: Patient, *, is_changed: bool, today: date) -> ContactSet:
    contact = newest_contact(reading, patient)
    assert contact is not None
    return ContactSet(
        patient=patient, contact=contact, is_changed=is_changed, why_not=why_not(reading, patient, today=today)
    )
