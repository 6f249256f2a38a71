"""Whether a patient may be contacted on a day: before, on and after the consent and its withdrawal."""

from datetime import date, timedelta

import polars as pl
import pytest

from scheduler.core.events import EVENTS
from scheduler.core.reminders.consent import CONSENTED, MAY_BE_CONTACTED, may_be_contacted

CONSENTED_ON, WITHDRAWN_ON = date(2026, 3, 1), date(2026, 5, 1)
DAY = timedelta(days=1)
ADA, BEN = 7, 8


def patients(*patient_ids: int) -> pl.DataFrame:
    """These patients."""
    return pl.DataFrame({"patient_id": patient_ids}, schema={"patient_id": pl.Int64})


def contacts(*days: date, patient_id: int = ADA) -> pl.DataFrame:
    """A contact of one patient, who consented on the day; none without a day."""
    return pl.DataFrame([(patient_id, day) for day in days], schema=CONSENTED, orient="row")


def events(*days: date, detail: str | None = "contact", event: str = "consent_withdrawn") -> pl.DataFrame:
    """An event of the patient on each of the days."""
    return pl.DataFrame([(ADA, event, day, detail, None) for day in days], schema=EVENTS, orient="row")


def why_not(contact: pl.DataFrame, event: pl.DataFrame, as_of: date) -> str | None:
    """Why the patient may not be contacted on the day."""
    answer: str | None = may_be_contacted(patients(ADA), contact, event, as_of=as_of)["why_not"][0]
    return answer


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(CONSENTED_ON - DAY, "no_consent", id="the day before the consent"),
        pytest.param(CONSENTED_ON, None, id="the day of the consent"),
        pytest.param(CONSENTED_ON + DAY, None, id="the day after it"),
    ],
)
def test_a_consent_counts_from_its_own_day_on(as_of: date, expected: str | None) -> None:
    assert why_not(contacts(CONSENTED_ON), events(), as_of) == expected


@pytest.mark.parametrize("detail", ["contact", "registry"])
@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        pytest.param(WITHDRAWN_ON - DAY, None, id="the day before the withdrawal"),
        pytest.param(WITHDRAWN_ON, "no_consent", id="the day of the withdrawal"),
        pytest.param(WITHDRAWN_ON + DAY, "no_consent", id="the day after it"),
    ],
)
def test_a_withdrawal_counts_from_its_own_day_on(detail: str, as_of: date, expected: str | None) -> None:
    assert why_not(contacts(CONSENTED_ON), events(WITHDRAWN_ON, detail=detail), as_of) == expected


@pytest.mark.parametrize(
    ("consented_on", "expected"),
    [
        pytest.param(WITHDRAWN_ON - DAY, "no_consent", id="given the day before the withdrawal"),
        pytest.param(WITHDRAWN_ON, "no_consent", id="given on the day of the withdrawal"),
        pytest.param(WITHDRAWN_ON + DAY, None, id="given again the day after it"),
    ],
)
def test_a_consent_given_again_after_a_withdrawal_holds(consented_on: date, expected: str | None) -> None:
    as_of = WITHDRAWN_ON + 30 * DAY

    assert why_not(contacts(consented_on), events(WITHDRAWN_ON), as_of) == expected


def test_of_several_withdrawals_the_last_one_counts() -> None:
    withdrawn = events(CONSENTED_ON - 30 * DAY, WITHDRAWN_ON)

    assert why_not(contacts(CONSENTED_ON), withdrawn, WITHDRAWN_ON - DAY) is None
    assert why_not(contacts(CONSENTED_ON), withdrawn, WITHDRAWN_ON) == "no_consent"


def test_without_a_contact_nobody_is_contacted() -> None:
    assert why_not(contacts(), events(), WITHDRAWN_ON) == "no_contact"


def test_who_withdrew_consent_and_has_no_contact_is_not_asked_for_one() -> None:
    assert why_not(contacts(), events(WITHDRAWN_ON), WITHDRAWN_ON) == "no_consent"


def test_another_event_leaves_a_consent_as_it_is() -> None:
    seen = events(WITHDRAWN_ON, event="last_seen", detail=None)

    assert why_not(contacts(CONSENTED_ON), seen, WITHDRAWN_ON) is None


def test_each_patient_is_judged_alone_and_in_their_order() -> None:
    both = pl.concat([contacts(CONSENTED_ON), contacts(CONSENTED_ON, patient_id=BEN)])

    answer = may_be_contacted(patients(BEN, 9, ADA), both, events(WITHDRAWN_ON), as_of=WITHDRAWN_ON)

    assert answer.rows() == [(BEN, None), (9, "no_contact"), (ADA, "no_consent")]


def test_nobody_asked_about_is_an_empty_answer() -> None:
    answer = may_be_contacted(patients(), contacts(), events(), as_of=WITHDRAWN_ON)

    assert (answer.height, dict(answer.schema)) == (0, MAY_BE_CONTACTED)
