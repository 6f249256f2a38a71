"""Whether a patient may be contacted on a day: there is a contact, and the consent to it stands.

Takes patients, their contacts in force and their events; gives why not, where they may not. It knows no address and no
message.
"""

from datetime import date

import polars as pl

from scheduler.core.events import CONSENTS, Event
from scheduler.core.reminders.asked import WhyNot

CONSENTED: dict[str, pl.DataType] = {  # a contact in force, as far as consent goes
    "patient_id": pl.Int64(),
    "consented_on": pl.Date(),
}
MAY_BE_CONTACTED: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "why_not": pl.String(),  # no_consent or no_contact (`asked.WhyNot`); missing where the patient may be contacted
}


def may_be_contacted(
    patients: pl.DataFrame, contacts: pl.DataFrame, events: pl.DataFrame, *, as_of: date
) -> pl.DataFrame:
    """Why each of the patients (`patient_id`) may not be contacted on a day (`MAY_BE_CONTACTED`), in their order.

    `contacts` has `CONSENTED`, one for each patient at most; `events` has at least `patient_id, event, on, detail`.
    Consent counts from its own day on. A consent withdrawn on its day or later, to be contacted or to be in the
    registry, ends it from the day of the withdrawal on (inclusive); one given on a later day than the withdrawal
    holds. A patient without a contact who withdrew consent is told as such: nobody should ask for an address.

    >>> patients = pl.DataFrame({"patient_id": [7, 8, 9]})
    >>> contacts = pl.DataFrame({"patient_id": [7, 8], "consented_on": [date(2026, 3, 1), date(2026, 3, 1)]})
    >>> withdrawn = {"patient_id": 8, "event": "consent_withdrawn", "on": date(2026, 5, 1), "detail": "contact"}
    >>> may_be_contacted(patients, contacts, pl.DataFrame([withdrawn]), as_of=date(2026, 5, 1)).rows()
    [(7, None), (8, 'no_consent'), (9, 'no_contact')]
    """
    told = (
        patients.select("patient_id")
        .join(contacts.select(*CONSENTED), on="patient_id", how="left", maintain_order="left")
        .join(_last_withdrawals(events, as_of), on="patient_id", how="left", maintain_order="left")
    )
    consented_on, withdrawn_on = pl.col("consented_on"), pl.col("withdrawn_on")
    is_withdrawn = withdrawn_on.is_not_null() & (consented_on.is_null() | (consented_on <= withdrawn_on))
    why_not = (
        pl.when(is_withdrawn | (consented_on > as_of))
        .then(pl.lit(WhyNot.NO_CONSENT.value))
        .when(consented_on.is_null())
        .then(pl.lit(WhyNot.NO_CONTACT.value))
    )
    found = told.with_columns(why_not.alias("why_not"))
    return found.select(pl.col(name).cast(kind) for name, kind in MAY_BE_CONTACTED.items())


def _last_withdrawals(events: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """`patient_id, withdrawn_on`: the last day up to the day on which each patient withdrew a consent."""
    withdrawals = events.filter(
        pl.col("event") == Event.CONSENT_WITHDRAWN.value, pl.col("detail").is_in(CONSENTS), pl.col("on") <= as_of
    )
    return withdrawals.group_by("patient_id").agg(pl.col("on").max().alias("withdrawn_on"))
