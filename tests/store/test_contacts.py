"""Recipients and contacts: addresses that nobody reads without the key, and what the database promises, on both."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest

from scheduler.core.reminders.policy import Role
from scheduler.store.errors import PromiseBroken, StoredAlready, StoreMisused
from scheduler.store.identity import AddressUnreadable, Key
from scheduler.store.registry import Registry
from scheduler.store.tables.contacts import ROLES
from tests.databases import MOMENT, Ids, a_frame, ask, some_sites, with_patients
from tests.follow_up_rows import LATER, add

ADDRESS = "minji@example.org"
KEY = Key(bytes(range(32)))


def some_recipients(ids: Ids, **cells: object) -> pl.DataFrame:
    """Coordinators anna-1, anna-2 and so on of site 1, reached by e-mail, as `sealed_recipients` takes them."""
    usual = {
        "id": list(ids),
        "site_id": 1,
        "role": "coordinator",
        "code": [f"anna-{number}" for number in ids],
        "version": 1,
        "channel": "email",
        "language": "ko",
        "address": [f"anna-{number}@example.org" for number in ids],
        "state": "active",
        "recorded_by": "dr.lee",
    }
    return a_frame(len(ids), **{**usual, **cells})


def some_contacts(patient_ids: Ids, **cells: object) -> pl.DataFrame:
    """The contact of each patient, who consented on 1 February 2026, as `sealed_contacts` takes them."""
    usual = {
        "patient_id": list(patient_ids),
        "version": 1,
        "channel": "email",
        "language": "ko",
        "address": ADDRESS,
        "consented_on": date(2026, 2, 1),
        "state": "given",
        "reason": None,
        "recorded_by": "anna",
    }
    return a_frame(len(patient_ids), **{**usual, **cells})


WITHDRAWN = {"version": 2, "state": "withdrawn", "address": None, "reason": "asked"}
GONE = {"version": 2, "state": "withdrawn", "address": None, "code": "anna-1"}


def sealed(registry: Registry, table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows as they are stored."""
    text = rows.with_columns(pl.col("address").cast(pl.String))
    with registry.reading() as reading:
        return reading.sealed_contacts(text) if table == "contacts" else reading.sealed_recipients(text)


def keep(registry: Registry, table: str, rows: pl.DataFrame, *, later: bool = False) -> None:
    """Store the rows, with an audit row; at `MOMENT`, or a day later."""
    add(registry, table, sealed(registry, table, rows), recorded_at=LATER if later else MOMENT)


@pytest.fixture
def clinic(registry: Registry) -> Registry:
    """Patients 1 and 2 with a contact each, at site 1 with two coordinators; site 2 has nobody."""
    with_patients(registry, 2)
    with registry.transaction() as transaction:
        transaction.append("sites", some_sites([2]))
    keep(registry, "contacts", some_contacts([1, 2], address=["p1@example.org", "p2@example.org"]))
    keep(registry, "recipients", some_recipients([1, 2], address=["anna-1@example.org", None]))
    return registry


def test_recipients_are_those_active_and_their_addresses_stand_apart(clinic: Registry) -> None:
    with clinic.reading() as reading:
        recipients, addresses = reading.recipients_of([1]), reading.recipient_addresses()
        elsewhere = reading.recipients_of([2])

    assert recipients.rows() == [
        (1, 1, "S1", "coordinator", "anna-1", "email", "ko", True),
        (2, 1, "S1", "coordinator", "anna-2", "email", "ko", False),
    ]
    assert addresses.rows() == [(1, "anna-1@example.org")]
    assert elsewhere.is_empty()


def test_a_contact_is_read_without_its_address_unless_that_is_asked_for(clinic: Registry) -> None:
    with clinic.reading() as reading:
        contacts, addresses = reading.contacts_of([1]), reading.contact_addresses([2])

    assert contacts.to_dicts() == [
        {
            "patient_id": 1,
            "channel": "email",
            "language": "ko",
            "consented_on": date(2026, 2, 1),
            "recorded_at": MOMENT,
        }
    ]
    assert addresses.rows() == [(2, "p2@example.org")]


def test_only_the_newest_version_counts(clinic: Registry) -> None:
    keep(clinic, "contacts", some_contacts([1], version=2, channel="sms", address="+821012345678"), later=True)
    keep(clinic, "recipients", some_recipients([3], code="anna-1", version=2, language="en"), later=True)

    with clinic.reading() as reading:
        contacts, recipients = reading.contacts_of(), reading.recipients_of()
        addresses = reading.contact_addresses(None), reading.recipient_addresses()

    assert contacts.select("patient_id", "channel").rows() == [(1, "sms"), (2, "email")]
    assert recipients.select("recipient_id", "code", "language").rows() == [(3, "anna-1", "en"), (2, "anna-2", "ko")]
    assert addresses[0].rows() == [(1, "+821012345678"), (2, "p2@example.org")]
    assert addresses[1].rows() == [(3, "anna-3@example.org")]


def test_who_was_withdrawn_is_not_told_and_has_no_address(clinic: Registry) -> None:
    keep(clinic, "contacts", some_contacts([1], **WITHDRAWN), later=True)
    keep(clinic, "recipients", some_recipients([3], **GONE), later=True)

    with clinic.reading() as reading:
        contacts, recipients = reading.contacts_of(), reading.recipients_of()
        addresses = reading.contact_addresses([1]), reading.recipient_addresses([1, 3])
        states = reading.latest_contacts()["state"], reading.latest_recipients()["state"]

    assert (contacts["patient_id"].to_list(), recipients["code"].to_list()) == ([2], ["anna-2"])
    assert [each.height for each in addresses] == [0, 0]
    assert [each.to_list() for each in states] == [["withdrawn", "given"], ["withdrawn", "active"]]


@pytest.mark.parametrize(
    ("known_at", "channels"),
    [
        pytest.param(MOMENT - timedelta(microseconds=1), [], id="just before it was recorded"),
        pytest.param(MOMENT, ["email"], id="when it was recorded"),
        pytest.param(LATER - timedelta(microseconds=1), ["email"], id="just before it was changed"),
        pytest.param(LATER, ["sms"], id="when it was changed"),
    ],
)
def test_a_contact_stands_as_it_was_known(clinic: Registry, known_at: datetime, channels: list[str]) -> None:
    keep(clinic, "contacts", some_contacts([1], version=2, channel="sms", address="+821012345678"), later=True)

    with clinic.reading() as reading:
        known = reading.contacts_of([1], known_at=known_at)

    assert known["channel"].to_list() == channels


def test_a_withdrawn_contact_was_in_force_until_it_was_known(clinic: Registry) -> None:
    keep(clinic, "contacts", some_contacts([1], **WITHDRAWN), later=True)

    with clinic.reading() as reading:
        before, after = reading.contacts_of([1], known_at=MOMENT), reading.contacts_of([1], known_at=LATER)

    assert (before.height, after.height) == (1, 0)


def test_no_address_is_stored_in_the_clear(clinic: Registry, database_url: str) -> None:
    stored = ask(database_url, "SELECT ciphertext FROM contacts UNION ALL SELECT ciphertext FROM recipients")

    assert len(stored) == 4
    assert not [each for (each,) in stored if each is not None and b"example.org" in bytes(each)]


@pytest.mark.parametrize(
    ("table", "row", "other"),
    [
        pytest.param("contacts", "patient_id = 1 AND version = 2", "patient_id = 2", id="another patient's"),
        pytest.param(
            "contacts", "patient_id = 1 AND version = 2", "patient_id = 1 AND version = 1", id="an earlier one"
        ),
        pytest.param("recipients", "id = 1", "id = 3", id="another recipient's"),
    ],
)
def test_an_address_that_was_moved_is_refused(
    clinic: Registry, database_url: str, table: str, row: str, other: str
) -> None:
    keep(clinic, "contacts", some_contacts([1], version=2))
    keep(clinic, "recipients", some_recipients([3]))
    moved = f"(SELECT ciphertext FROM {table} WHERE {other})"  # noqa: S608 (our own words)
    ask(database_url, f"UPDATE {table} SET ciphertext = {moved} WHERE {row}")  # noqa: S608 (our own words)

    with clinic.reading() as reading, pytest.raises(AddressUnreadable, match=r"the address of (patient|recipient) 1"):
        _ = reading.contact_addresses([1]) if table == "contacts" else reading.recipient_addresses([1])


def test_an_identity_does_not_pass_for_an_address(clinic: Registry, database_url: str) -> None:
    identity = "(SELECT ciphertext FROM identities WHERE patient_id = 1)"
    ask(database_url, f"UPDATE contacts SET ciphertext = {identity} WHERE patient_id = 1")  # noqa: S608 (our own words)

    with clinic.reading() as reading, pytest.raises(AddressUnreadable, match="patient 1, version 1"):
        reading.contact_addresses([1])


@pytest.mark.parametrize(
    ("key", "owner", "position"),
    [
        pytest.param(Key(bytes(32)), "patient 1, version 1", None, id="another key"),
        pytest.param(KEY, "patient 1, version 2", None, id="another owner"),
        pytest.param(KEY, "patient 1, version 1", 0, id="an altered nonce"),
        pytest.param(KEY, "patient 1, version 1", -1, id="an altered seal"),
    ],
)
def test_an_altered_address_is_refused(key: Key, owner: str, position: int | None) -> None:
    given = pl.DataFrame({"owner": ["patient 1, version 1"], "address": [ADDRESS]})
    altered = bytearray(KEY.encrypt_addresses(given)[0])
    if position is not None:
        altered[position] ^= 1

    with pytest.raises(AddressUnreadable, match=owner) as refused:
        key.decrypt_addresses(pl.DataFrame({"owner": [owner], "ciphertext": [bytes(altered)]}))

    assert ADDRESS not in refused.value.message


def test_the_same_address_never_encrypts_to_the_same_bytes() -> None:
    given = pl.DataFrame({"owner": ["recipient 1"], "address": [ADDRESS]})

    assert KEY.encrypt_addresses(given)[0] != KEY.encrypt_addresses(given)[0]


BROKEN: dict[str, tuple[str, pl.DataFrame]] = {
    "ck_contacts_version": ("contacts", some_contacts([1], version=0)),
    "ck_contacts_state": ("contacts", some_contacts([1], version=2, state="asked", address=None)),
    "ck_contacts_channel": ("contacts", some_contacts([1], version=2, channel="E-mail")),
    "ck_contacts_language": ("contacts", some_contacts([1], version=2, language="ko KR")),
    "ck_contacts_withdrawn_says_why": ("contacts", some_contacts([1], **{**WITHDRAWN, "reason": None})),
    "ck_contacts_given_has_an_address": ("contacts", some_contacts([1], version=2, address=None)),
    "ck_recipients_version": ("recipients", some_recipients([9], version=0)),
    "ck_recipients_role": ("recipients", some_recipients([9], role="patient")),
    "ck_recipients_state": ("recipients", some_recipients([9], state="away")),
    "ck_recipients_code": ("recipients", some_recipients([9], code="Anna Kim")),
    "ck_recipients_code_is_not_the_site": ("recipients", some_recipients([9], code="site")),
    "ck_recipients_channel": ("recipients", some_recipients([9], channel="")),
    "ck_recipients_language": ("recipients", some_recipients([9], language="한국어")),
    "ck_recipients_withdrawn_has_no_address": ("recipients", some_recipients([9], **{**GONE, "address": ADDRESS})),
}


@pytest.mark.parametrize("promise", BROKEN)
def test_a_row_that_breaks_a_promise_is_refused_by_name(clinic: Registry, promise: str) -> None:
    table, broken = BROKEN[promise]

    with pytest.raises(PromiseBroken, match=rf"{promise}\b"):
        keep(clinic, table, broken)


@pytest.mark.parametrize(
    ("table", "again"),
    [
        pytest.param("contacts", some_contacts([1]), id="a version of a contact"),
        pytest.param("recipients", some_recipients([9], code="anna-1"), id="a version of a recipient"),
    ],
)
def test_a_version_is_stored_once(clinic: Registry, table: str, again: pl.DataFrame) -> None:
    with pytest.raises(StoredAlready, match=f"one of the {table} "):
        keep(clinic, table, again)


@pytest.mark.parametrize(
    ("table", "orphan"),
    [
        pytest.param("contacts", some_contacts([99]), id="a contact of nobody"),
        pytest.param("recipients", some_recipients([9], site_id=99), id="a recipient at no site"),
    ],
)
def test_a_row_without_what_it_belongs_to_is_refused(clinic: Registry, table: str, orphan: pl.DataFrame) -> None:
    with pytest.raises(PromiseBroken, match=r"FOREIGN KEY|fk_"):
        keep(clinic, table, orphan)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PATIENT])
def test_one_short_name_may_be_in_every_role(clinic: Registry, role: Role) -> None:
    keep(clinic, "recipients", some_recipients([9], role=role.value, code="kim"))

    with clinic.reading() as reading:
        assert reading.recipients_of().filter(code="kim")["role"].to_list() == [role]


def test_whoever_may_be_told_but_the_patient_may_be_a_recipient() -> None:
    assert set(ROLES) == set(Role) - {Role.PATIENT}


@pytest.mark.parametrize("table", ["contacts", "recipients"])
def test_a_change_must_be_audited(clinic: Registry, table: str) -> None:
    rows = some_contacts([1], version=2) if table == "contacts" else some_recipients([9])

    unsaid = pytest.raises(StoreMisused, match=rf"\['{table}'\] were changed and no audit row says so")
    with unsaid, clinic.transaction() as transaction:
        transaction.append(table, sealed(clinic, table, rows))


def test_reading_contacts_needs_no_key_but_their_addresses_do(
    clinic: Registry, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEPWATCH_KEY", "11" * 32)

    with Registry.open(database_url, with_key=False) as keyless, keyless.reading() as reading:
        assert (reading.contacts_of().height, reading.recipients_of().height) == (2, 2)
        with pytest.raises(Exception, match="the key does not belong to the registry"):
            reading.contact_addresses([1])
