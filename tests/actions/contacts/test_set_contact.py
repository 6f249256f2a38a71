"""A patient is reached as recorded, once consent is given; changes are versions, and no audit row holds an address."""

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from scheduler.actions.contacts.patient_contact import ConsentInFuture, ConsentNeeded, NoContact
from scheduler.actions.contacts.reaching import NotReachable, Reach
from scheduler.actions.contacts.set_contact import ContactSet, set_contact
from scheduler.actions.contacts.show_contact import show_contact
from scheduler.actions.contacts.withdraw_contact import withdraw_contact
from scheduler.actions.events.record_event import record_event
from scheduler.actions.finding import PatientNotFound
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.errors import HepwatchError
from scheduler.store.registry import Registry
from tests.actions.tables import TODAY, actions_of, rules_of, stored

ADDRESS = "minji@example.org"
CONSENTED_ON = date(2026, 6, 15)
DAY = timedelta(days=1)


def reach(**said: str | None) -> Reach:
    """By e-mail, in Korean, unless it is said otherwise."""
    return Reach(**{"channel": "email", "address": ADDRESS, "language": "ko", **said})


def record(registry: Registry, wanted: Reach | None = None, **options: Any) -> ContactSet:
    """Record the contact of P-1 as anna, today."""
    usual: dict[str, Any] = {"consented_on": CONSENTED_ON, "today": TODAY, "actor": "anna"}
    return set_contact(registry, "P-1", wanted or reach(), **{**usual, **options})


def withdraw(registry: Registry, reason: str = "moved away") -> None:
    """Withdraw the contact of P-1."""
    withdraw_contact(registry, "P-1", reason=reason, actor="anna")


def address_of(registry: Registry) -> str | None:
    """The address of P-1, as somebody sees it who asks for it."""
    return show_contact(registry, "P-1", today=TODAY, reveal=True).address


def why_not(registry: Registry, on: date = TODAY) -> str | None:
    """Why P-1 may not be contacted on a day."""
    return show_contact(registry, "P-1", today=on).why_not


def audited(registry: Registry) -> dict[str, Any]:
    """The details of the last audit row of P-1."""
    with registry.reading() as reading:
        details: dict[str, Any] = json.loads(reading.audit_of(1)["details"][-1])
    return details


def test_a_contact_is_stored_with_the_day_of_the_consent(followed: Registry) -> None:
    done = record(followed)

    contact = done.contact
    assert (done.is_changed, done.why_not) == (True, None)
    assert (contact.version, contact.channel, contact.language, contact.consented_on, contact.state) == (
        1,
        "email",
        "ko",
        CONSENTED_ON,
        "given",
    )
    assert address_of(followed) == ADDRESS
    assert actions_of(followed, 1)[-1] == "set_contact"


def test_the_audit_says_what_changed_and_no_address(followed: Registry) -> None:
    record(followed)
    first = audited(followed)
    record(followed, reach(language="en"))

    told = {"channel": "email", "consented_on": "2026-06-15"}
    assert first == {"version": 1, **told, "language": "ko", "address_changed": True}
    assert audited(followed) == {"version": 2, **told, "language": "en", "address_changed": False}


def test_what_is_not_said_stays_as_it_was(followed: Registry) -> None:
    record(followed)

    done = record(followed, Reach(language="zh-Hans"), consented_on=None)

    contact = done.contact
    assert (contact.version, contact.channel, contact.language, contact.consented_on) == (
        2,
        "email",
        "zh-Hans",
        CONSENTED_ON,
    )
    assert address_of(followed) == ADDRESS


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(reach(), id="all of it"),
        pytest.param(reach(address=f" {ADDRESS} "), id="with blanks around the address"),
        pytest.param(Reach(), id="nothing"),
    ],
)
def test_setting_the_same_again_changes_nothing_and_says_so(followed: Registry, again: Reach) -> None:
    record(followed)
    before = stored(followed)

    done = record(followed, again)

    assert (done.is_changed, done.contact.version) == (False, 1)
    assert stored(followed) == before


@pytest.mark.parametrize(
    ("consented_on", "refused"),
    [
        pytest.param(TODAY - DAY, False, id="yesterday"),
        pytest.param(TODAY, False, id="today"),
        pytest.param(TODAY + DAY, True, id="tomorrow"),
    ],
)
def test_a_consent_in_the_future_is_refused(followed: Registry, consented_on: date, refused: bool) -> None:
    before = stored(followed)

    if refused:
        with pytest.raises(ConsentInFuture, match="2026-07-02 is in the future; today is 2026-07-01"):
            record(followed, consented_on=consented_on)
        assert stored(followed) == before
    else:
        assert record(followed, consented_on=consented_on).contact.consented_on == consented_on


@pytest.mark.parametrize(
    ("wanted", "consented_on"),
    [
        pytest.param(reach(address=None), CONSENTED_ON, id="without an address"),
        pytest.param(reach(), None, id="without the day of the consent"),
    ],
)
def test_a_first_contact_needs_an_address_and_a_consent(
    followed: Registry, wanted: Reach, consented_on: date | None
) -> None:
    with pytest.raises(ConsentNeeded, match="P-1 has no contact that is in force"):
        record(followed, wanted, consented_on=consented_on)


WRONG = [
    pytest.param(reach(address="minji"), "the address ••• is not one e-mail address", id="no @"),
    pytest.param(reach(address="minji@example"), "not one e-mail address", id="no dot"),
    pytest.param(reach(address="a@b.org, c@d.org"), "not one e-mail address", id="two addresses"),
    pytest.param(reach(address="a@b.org\nbcc:x@y.org"), "not one e-mail address", id="a second header"),
    pytest.param(reach(channel="sms"), "not a telephone number", id="an e-mail address for a telephone"),
    pytest.param(reach(channel="sms", address="0101234abcd"), "not a telephone number", id="letters"),
    pytest.param(reach(channel="sms", address="+82+10"), "not a telephone number", id="two country codes"),
    pytest.param(reach(channel="teams", address="a\nb"), "not one line", id="two lines"),
    pytest.param(reach(channel=None, address=" "), "not one line", id="nothing"),
    pytest.param(reach(channel=ADDRESS), "the channel ••• is not lower-case words", id="an address for a channel"),
    pytest.param(reach(language="ko_KR"), "the language ••• is not a tag", id="no language tag"),
]


@pytest.mark.parametrize(("wanted", "said"), WRONG)
def test_what_reaches_nobody_is_refused_and_masked(followed: Registry, wanted: Reach, said: str) -> None:
    before = stored(followed)

    with pytest.raises(NotReachable, match=said) as refused:
        record(followed, wanted)

    assert not [each for each in (wanted.address, ADDRESS) if each and each.strip() and each in refused.value.message]
    assert stored(followed) == before


@pytest.mark.parametrize(
    ("channel", "address", "kept"),
    [
        pytest.param("email", "hong.gildong+hcc@clinic.example.org", "hong.gildong+hcc@clinic.example.org", id="email"),
        pytest.param("sms", "+82 10-1234-5678", "+821012345678", id="a telephone abroad"),
        pytest.param("sms", "(010) 1234-5678", "01012345678", id="a telephone at home"),
        pytest.param("teams", "any one line: 한국어", "any one line: 한국어", id="a channel without rules"),
        pytest.param(None, "whatever", "whatever", id="the policy's channel"),
    ],
)
def test_an_address_that_fits_its_channel_is_kept_tidy(
    followed: Registry, channel: str | None, address: str, kept: str
) -> None:
    record(followed, reach(channel=channel, address=address))

    assert address_of(followed) == kept


def test_another_channel_needs_an_address_that_fits_it(followed: Registry) -> None:
    record(followed)

    with pytest.raises(NotReachable, match="the address ••• is not a telephone number"):
        record(followed, Reach(channel="sms"))


def test_a_contact_is_shown_without_its_address_unless_it_is_asked_for(followed: Registry) -> None:
    record(followed)

    hidden, revealed = (show_contact(followed, "P-1", today=TODAY, reveal=reveal) for reveal in (False, True))

    assert (hidden.address, revealed.address) == (None, ADDRESS)
    assert ADDRESS not in repr(revealed) + repr(reach()) + repr(record(followed))


def test_who_has_no_contact_may_not_be_contacted(followed: Registry) -> None:
    shown = show_contact(followed, "P-1", today=TODAY)

    assert (shown.contact, shown.why_not) == (None, "no_contact")


def test_a_withdrawn_contact_is_not_in_force_and_says_why(followed: Registry) -> None:
    record(followed)

    withdraw(followed)

    shown = show_contact(followed, "P-1", today=TODAY, reveal=True)
    assert shown.contact is not None
    assert (shown.contact.version, shown.contact.state, shown.contact.reason) == (2, "withdrawn", "moved away")
    assert (shown.address, shown.why_not) == (None, "no_contact")
    assert actions_of(followed, 1)[-1] == "withdraw_contact"


def test_after_a_withdrawal_nothing_is_taken_over(followed: Registry) -> None:
    record(followed)
    withdraw(followed)

    with pytest.raises(ConsentNeeded):
        record(followed, Reach(language="ko"), consented_on=TODAY)
    with pytest.raises(ConsentNeeded):
        record(followed, consented_on=None)

    assert record(followed, Reach(address=ADDRESS), consented_on=TODAY).contact.channel is None


@pytest.mark.parametrize(
    "refusal",
    [pytest.param(NoContact, id="nothing to withdraw"), pytest.param(ReasonNeeded, id="no reason")],
)
def test_a_withdrawal_needs_a_contact_and_a_reason(followed: Registry, refusal: type[HepwatchError]) -> None:
    if refusal is ReasonNeeded:
        record(followed)

    with pytest.raises(refusal):
        withdraw(followed, reason=" " if refusal is ReasonNeeded else "asked")


def test_withdrawn_consent_outweighs_a_contact_until_it_is_given_again(followed: Registry) -> None:
    record(followed, consented_on=CONSENTED_ON)
    withdrawn_on = CONSENTED_ON + DAY
    rules = rules_of(followed)

    record_event(followed, rules, "P-1", "consent_withdrawn", withdrawn_on, detail="contact", today=TODAY, actor="anna")
    silenced, same_day = why_not(followed), record(followed, Reach(), consented_on=withdrawn_on)
    again = record(followed, Reach(), consented_on=withdrawn_on + DAY)

    assert (silenced, same_day.why_not, again.why_not) == ("no_consent", "no_consent", None)


def test_a_patient_whom_nobody_knows_has_no_contact(followed: Registry) -> None:
    with pytest.raises(PatientNotFound):
        set_contact(followed, "P-9", reach(), consented_on=CONSENTED_ON, today=TODAY, actor="anna")


def test_a_contact_is_known_from_its_recording_on(followed: Registry) -> None:
    contact = record(followed).contact

    with followed.reading() as reading:
        before = reading.contacts_of(known_at=contact.recorded_at - timedelta(microseconds=1))
        after = reading.contacts_of(known_at=contact.recorded_at)
    assert (before.height, after.select("patient_id", "consented_on").rows()) == (0, [(1, CONSENTED_ON)])


def test_every_audit_row_of_a_life_is_without_an_address(followed: Registry) -> None:
    record(followed)
    record(followed, reach(channel="sms", address="+821012345678"))
    withdraw(followed)

    with followed.reading() as reading:
        told = reading.audit_of(1).select(pl.all().cast(pl.String)).write_csv()
    assert not [each for each in (ADDRESS, "example.org", "1012345678") if each in told]
