"""The staff of a site are told by role; changes are versions, audited without addresses."""

import json
from typing import Any

import pytest

from scheduler.actions.contacts.list_recipients import RECIPIENTS, list_recipients
from scheduler.actions.contacts.reaching import AddressNeeded, NotReachable, Reach
from scheduler.actions.contacts.set_recipient import RecipientSet, set_recipient
from scheduler.actions.contacts.site_recipient import CodeRefused, Named, RecipientNotFound
from scheduler.actions.contacts.withdraw_recipient import withdraw_recipient
from scheduler.actions.one_patient import ReasonNeeded
from scheduler.actions.reminders.asking import SiteDay, people_of
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.core.reminders.policy import Role
from scheduler.store.registry import Registry
from tests.actions.tables import TODAY, shipped_rules, stored
from tests.databases import ask, some_sites

ADDRESS = "anna@example.org"
BY_MAIL = Reach(channel="email", address=ADDRESS, language="ko")


@pytest.fixture
def clinic(registry: Registry) -> Registry:
    """The sites S1 and S2, where nobody is told yet."""
    with registry.transaction() as transaction:
        transaction.append("sites", some_sites([1, 2]))
    return registry


def named(code: str = "anna", role: Role = Role.COORDINATOR, site: str = "S1") -> Named:
    """A coordinator of S1, unless it is said otherwise."""
    return Named(site=site, role=role, code=code)


def record(registry: Registry, wanted: Reach = BY_MAIL, **who: Any) -> RecipientSet:
    """Record a recipient, as lee."""
    return set_recipient(registry, named(**who), wanted, actor="lee")


def withdraw(registry: Registry, reason: str = "on leave", **who: Any) -> None:
    """Withdraw a recipient, as lee."""
    withdraw_recipient(registry, named(**who), reason=reason, actor="lee")


def test_a_recipient_is_told_by_role_at_the_site(clinic: Registry) -> None:
    done = record(clinic)

    assert done.is_changed
    rest = ["clinician", "surgeon", "site_lead"]
    assert list_recipients(clinic, site="S1").people.rows() == [
        ("S1", "coordinator", "anna", "email", "ko", True, rest)
    ]
    assert list_recipients(clinic, site="S2").people.is_empty()
    assert list_recipients(clinic).people.schema == RECIPIENTS


def test_what_is_not_said_is_the_policys_at_first_and_stays_as_it_was_later(clinic: Registry) -> None:
    first = record(clinic, Reach()).recipient
    record(clinic)
    later = record(clinic, Reach(language="en")).recipient

    assert (first.channel, first.language, first.has_address) == (None, None, False)
    assert (later.version, later.channel, later.language, later.has_address) == (3, "email", "en", True)
    with clinic.reading() as reading:
        assert reading.recipient_addresses()["address"].to_list() == [ADDRESS]


def test_setting_the_same_again_changes_nothing_and_says_so(clinic: Registry) -> None:
    record(clinic)
    before = stored(clinic)

    again, nothing_said = record(clinic), record(clinic, Reach())

    assert (again.is_changed, nothing_said.is_changed) == (False, False)
    assert stored(clinic) == before


def test_one_short_name_may_be_in_two_roles_and_at_two_sites(clinic: Registry) -> None:
    record(clinic)
    record(clinic, role=Role.SITE_LEAD)
    record(clinic, site="S2")

    assert list_recipients(clinic).people.select("site", "role", "code").rows() == [
        ("S1", "coordinator", "anna"),
        ("S1", "site_lead", "anna"),
        ("S2", "coordinator", "anna"),
    ]


def test_who_is_withdrawn_is_not_told_any_more(clinic: Registry) -> None:
    record(clinic)
    record(clinic, code="bora")

    withdraw(clinic)

    assert list_recipients(clinic).people["code"].to_list() == ["bora"]


def test_who_comes_back_begins_anew(clinic: Registry) -> None:
    record(clinic)
    withdraw(clinic)

    back = record(clinic, Reach()).recipient

    assert (back.version, back.channel, back.has_address, back.state) == (3, None, False, "active")


@pytest.mark.parametrize("code", ["", "Anna", "anna kim", "안나", ADDRESS, "anna:1", "site"])
def test_a_short_name_that_cannot_be_one_is_refused_and_masked(clinic: Registry, code: str) -> None:
    with pytest.raises(CodeRefused) as refused:
        record(clinic, code=code)

    assert "•••" in refused.value.message
    assert ADDRESS not in refused.value.message


@pytest.mark.parametrize("code", ["anna", "anna-2", "7"])
def test_a_short_name_is_of_small_letters_digits_and_hyphens(clinic: Registry, code: str) -> None:
    assert record(clinic, code=code).recipient.code == code


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_channel_that_needs_an_address_is_not_left_without_one(clinic: Registry, channel: str) -> None:
    with pytest.raises(AddressNeeded, match=f"channel {channel} reaches nobody without an address"):
        record(clinic, Reach(channel=channel))


def test_an_address_that_does_not_fit_its_channel_is_refused_and_masked(clinic: Registry) -> None:
    with pytest.raises(NotReachable, match="the address ••• is not a telephone number"):
        record(clinic, Reach(channel="sms", address=ADDRESS))

    assert list_recipients(clinic).people.is_empty()


def test_a_withdrawal_needs_a_recipient_and_a_reason(clinic: Registry) -> None:
    record(clinic)
    record(clinic, code="bora")
    withdraw(clinic)

    with pytest.raises(RecipientNotFound, match="site S1 has no coordinator of this short name; there are bora"):
        withdraw(clinic)
    with pytest.raises(ReasonNeeded, match="withdrawing a recipient needs a reason"):
        withdraw(clinic, reason=" ", code="bora")


def test_nobody_is_told_at_a_site_that_nobody_knows(clinic: Registry) -> None:
    with pytest.raises(SiteNotFound, match="there is no site S9"):
        record(clinic, site="S9")
    with pytest.raises(SiteNotFound):
        list_recipients(clinic, site="S9")


def test_the_audit_says_what_was_done_and_no_address(clinic: Registry, database_url: str) -> None:
    record(clinic)
    withdraw(clinic)

    rows = ask(database_url, "SELECT actor, action, reason, details FROM audit_rows ORDER BY position")
    of = {"site": "S1", "role": "coordinator", "code": "anna"}
    first = {**of, "version": 1, "channel": "email", "language": "ko", "address_changed": True}
    assert [(*row[:3], json.loads(row[3])) for row in rows] == [
        ("lee", "set_recipient", None, first),
        ("lee", "withdraw_recipient", "on leave", {**of, "version": 2}),
    ]


def test_who_is_shown_in_the_place_of_a_role_is_who_is_told_in_it(clinic: Registry) -> None:
    everybody = [(role, "anna") for role in (Role.SURGEON, Role.SITE_LEAD, Role.CLINICIAN)] + [(Role.SITE_LEAD, "bora")]

    for role, code in everybody:
        record(clinic, role=role, code=code)

        shown = (
            list_recipients(clinic, site="S1")
            .people.explode("in_place_of", empty_as_null=True)
            .drop_nulls("in_place_of")
        )
        assert {(row["in_place_of"], f"{row['role']}:{row['code']}") for row in shown.to_dicts()} == _told(clinic)


def test_a_site_that_names_nobody_is_bare(clinic: Registry) -> None:
    record(clinic)

    assert list_recipients(clinic).bare_sites == ("S2",)
    assert (list_recipients(clinic, site="S1").bare_sites, list_recipients(clinic, site="S2").bare_sites) == (
        (),
        ("S2",),
    )


def _told(registry: Registry) -> set[tuple[str, str]]:
    """Who is told of what another role is to be told, at S1."""
    day = SiteDay(site_id=1, site="S1", time_zone="UTC", on=TODAY, has_channels=True)
    with registry.reading() as reading:
        people = people_of(reading, shipped_rules().reminder_policy(), day)
    pairs = people.select("role", "recipient").rows()
    return {(role, recipient) for role, recipient in pairs if role != recipient.split(":")[0]}
