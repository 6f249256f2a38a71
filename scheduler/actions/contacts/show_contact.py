"""Show how a patient is reached, and whether the patient may be contacted."""

from dataclasses import dataclass, field
from datetime import date

from scheduler.actions.contacts.patient_contact import Contact, address_of, newest_contact, why_not
from scheduler.actions.finding import Patient, find_patient
from scheduler.store.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactShown:
    """A patient's contact as it was changed last (None: there never was one), and why no message may go out.

    `why_not` is one of `asked.WhyNot`, or None. `address` is None unless it was asked for and there is one; it shows
    in no `repr`.
    """

    patient: Patient
    contact: Contact | None
    why_not: str | None
    address: str | None = field(repr=False)


def show_contact(
    registry: Registry, mrn: str, *, today: date, site: str | None = None, reveal: bool = False
) -> ContactShown:
    """The contact as of today; with `reveal` the address is decrypted. Raises `PatientNotFound`, `SeveralPatients`."""
    with registry.reading() as reading:
        patient = find_patient(reading, mrn, site=site)
        return ContactShown(
            patient=patient,
            contact=newest_contact(reading, patient),
            why_not=why_not(reading, patient, today=today),
            address=address_of(reading, patient) if reveal else None,
        )
