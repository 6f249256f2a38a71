"""Take a patient's contact out of force, with a reason; the address is not kept in the new version."""

from dataclasses import dataclass

import polars as pl

from scheduler.actions.contacts.patient_contact import (
    GIVEN,
    TO_STORE,
    WITHDRAWN,
    Contact,
    NoContact,
    a_version,
    newest_contact,
    store_contacts,
)
from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.one_patient import Said, given, say
from scheduler.store.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactWithdrawn:
    """A patient whose contact is not in force any more."""

    patient: Patient
    contact: Contact


def withdraw_contact(
    registry: Registry, mrn: str, *, reason: str, actor: str, site: str | None = None
) -> ContactWithdrawn:
    """Withdraw the contact: from now on the patient gets no message, until a new one is recorded.

    A patient who withdrew consent has an event besides (`consent_withdrawn`); this one takes away the address. Raises
    `ReasonNeeded`, `NoContact`, `PatientNotFound` and `SeveralPatients`.
    """
    said = Said(by=actor, reason=given(reason, doing="withdrawing a contact"))
    with acting_on(registry, mrn, site=site) as (transaction, patient):
        before = newest_contact(transaction, patient)
        if before is None or before.state != GIVEN:
            raise NoContact(mrn=patient.mrn)
        version = a_version(
            Reach(channel=before.channel, language=before.language),
            patient_id=patient.patient_id,
            version=before.version + 1,
            consented_on=before.consented_on,
            state=WITHDRAWN,
            reason=said.reason,
            recorded_by=actor,
        )
        store_contacts(transaction, pl.DataFrame([version], schema=TO_STORE))
        say(transaction, patient, "withdraw_contact", said, version=before.version + 1)
        withdrawn = newest_contact(transaction, patient)
        assert withdrawn is not None
        return ContactWithdrawn(patient=patient, contact=withdrawn)
