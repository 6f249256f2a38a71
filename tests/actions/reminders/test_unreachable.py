"""Whom no message can reach is known before one fails: channels that are not listed, sites that named nobody."""

from datetime import date
from pathlib import Path

import pytest

from scheduler.actions.contacts.reaching import Reach
from scheduler.actions.contacts.set_contact import set_contact
from scheduler.actions.contacts.set_recipient import set_recipient
from scheduler.actions.contacts.site_recipient import Named
from scheduler.actions.contacts.withdraw_recipient import withdraw_recipient
from scheduler.actions.reminders.unreachable import unreachable
from scheduler.actions.reminders.unreached import SiteWithoutRecipients, UnlistedChannel, Unreached
from scheduler.core.reminders.policy import Role
from scheduler.delivery.channels import Channels
from scheduler.store.registry import Registry
from tests.actions.lives import happened
from tests.actions.reminders.post import STAFF, in_seoul
from tests.actions.tables import a_patient, a_table, import_table, rules_of, shipped_rules

TODAY = date(2026, 9, 1)
RUNGS = len(shipped_rules().reminder_policy().rungs)  # all of them name e-mail
OWN = Reach(channel="teams")


def channels(folder: Path, *names: str) -> Channels:
    """A channels file that lists these."""
    file = folder / "channels.yaml"
    file.write_text("\n".join(["channels:", *(f"  {name}: {{url: 'file:sent.jsonl'}}" for name in names)]), "utf-8")
    file.chmod(0o600)
    return Channels.read(file)


def found(registry: Registry, ways: Channels, *sites: str) -> tuple[Unreached, ...]:
    return unreachable(registry, rules_of(registry).rulebook.reminder_policy(), ways, today=TODAY, sites=sites)


def named(role: Role, code: str, site: str = "seoul") -> Named:
    return Named(site=site, role=role, code=code)


def test_where_every_channel_is_listed_and_somebody_is_named_everybody_can_be_reached(
    clinic: Registry, tmp_path: Path
) -> None:
    assert found(clinic, channels(tmp_path, "email")) == ()


def test_without_a_channels_file_nobody_is_unreachable(followed: Registry) -> None:
    assert found(followed, Channels.read(None)) == ()


def test_a_channel_of_the_policy_counts_by_everybody_who_has_none_of_their_own(
    followed: Registry, tmp_path: Path
) -> None:
    in_seoul(followed)
    set_recipient(followed, named(Role.COORDINATOR, "anna"), Reach(), actor="anna")
    set_recipient(followed, named(Role.CLINICIAN, "han"), OWN, actor="anna")
    reach = Reach(address="patient@example.org")
    set_contact(followed, "P-1", reach, today=TODAY, actor="anna", consented_on=TODAY)

    assert found(followed, channels(tmp_path, "teams")) == (
        UnlistedChannel(channel="email", rungs=RUNGS, recipients={"seoul": 1}, patients=1),
    )


def test_a_persons_own_channel_counts_though_no_rung_names_it(clinic: Registry, tmp_path: Path) -> None:
    set_recipient(clinic, named(Role.SURGEON, "lim"), OWN, actor="anna")
    set_contact(clinic, "P-1", Reach(channel="kakao"), today=TODAY, actor="anna")

    assert found(clinic, channels(tmp_path, "email")) == (
        UnlistedChannel(channel="kakao", rungs=0, recipients={}, patients=1),
        UnlistedChannel(channel="teams", rungs=0, recipients={"seoul": 1}, patients=0),
    )


def test_a_channel_of_the_policy_by_which_nobody_is_told_is_said_and_not_felt(
    followed: Registry, tmp_path: Path
) -> None:
    in_seoul(followed)
    set_recipient(followed, named(Role.COORDINATOR, "anna"), OWN, actor="anna")

    (only,) = found(followed, channels(tmp_path, "teams"))

    assert only == UnlistedChannel(channel="email", rungs=RUNGS, recipients={}, patients=0)
    assert not only.is_felt


@pytest.mark.parametrize(("event", "detail"), [("death", {}), ("consent_withdrawn", {"detail": "contact"})])
def test_a_patient_who_may_not_be_contacted_misses_no_channel(
    clinic: Registry, tmp_path: Path, event: str, detail: dict[str, str]
) -> None:
    set_contact(clinic, "P-1", Reach(channel="kakao"), today=TODAY, actor="anna")
    assert found(clinic, channels(tmp_path, "email"))

    happened(clinic, event, TODAY, today=TODAY, **detail)

    assert found(clinic, channels(tmp_path, "email")) == ()


def test_a_site_with_patients_that_named_nobody_is_told(clinic: Registry, tmp_path: Path) -> None:
    for role, code in STAFF.items():
        withdraw_recipient(clinic, named(role, code), reason="moved", actor="anna")

    ways = channels(tmp_path, "email")

    assert found(clinic, ways) == (SiteWithoutRecipients(site="seoul", patients=1),)
    set_recipient(clinic, named(Role.SURGEON, "lim"), Reach(channel="email", address="l@example.org"), actor="anna")
    assert found(clinic, ways) == ()


def test_a_site_whose_patients_have_all_ended_needs_nobody(followed: Registry, tmp_path: Path) -> None:
    assert found(followed, channels(tmp_path, "email")) == (SiteWithoutRecipients(site="seoul", patients=1),)

    happened(followed, "death", TODAY, today=TODAY)

    assert found(followed, channels(tmp_path, "email")) == ()


def test_a_site_is_asked_about_by_itself(clinic: Registry, tmp_path: Path) -> None:
    import_table(clinic, a_table(tmp_path, a_patient(mrn="B-1", site="bonn")))
    set_contact(clinic, "P-1", Reach(channel="kakao"), today=TODAY, actor="anna")
    ways = channels(tmp_path, "email")
    of_seoul = UnlistedChannel(channel="kakao", rungs=0, recipients={}, patients=1)
    of_bonn = SiteWithoutRecipients(site="bonn", patients=1)

    assert found(clinic, ways) == (of_seoul, of_bonn)
    assert (found(clinic, ways, "seoul"), found(clinic, ways, "bonn")) == ((of_seoul,), (of_bonn,))


def test_what_is_said_of_it_names_nobody(clinic: Registry, tmp_path: Path) -> None:
    set_contact(clinic, "P-1", Reach(channel="kakao"), today=TODAY, actor="anna")

    (only,) = found(clinic, channels(tmp_path, "email"))

    said = f"{only.message} {only.advice} {only.facts}"
    assert [each for each in ("P-1", "Hong", "patient@example.org", "anna") if each in said] == []
