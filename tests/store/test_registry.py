"""Making and opening a registry, its transactions and its snapshots, on both databases."""

import re
import stat
import sys
import threading
from pathlib import Path

import pytest

from scheduler.errors import Conflict, DeliveryError, HepwatchError
from scheduler.store.errors import (
    DatabaseRefused,
    DatabaseUnreachable,
    DatabaseUrlNotUnderstood,
    DriverMissing,
    KeyMissing,
    PromiseBroken,
    RegistryBusy,
    RegistryNotFound,
    SchemaOutdated,
    SchemaUnknown,
    StoreMisused,
    WrongKey,
)
from scheduler.store.registry import Creation, Registry
from tests.conftest import KEY, PostgreSQLServer
from tests.databases import (
    ask,
    follow,
    some_audit_rows,
    some_episodes,
    some_patients,
    some_sites,
    some_visits,
    with_patients,
)
from tests.follow_up_rows import with_follow_up


def test_what_was_stored_is_counted(registry: Registry) -> None:
    with_follow_up(registry, 3)

    with registry.reading() as reading:
        counts = reading.counts()

    assert counts == {
        "sites": 1,
        "closures": 0,
        "recipients": 0,
        "patients": 3,
        "identities": 3,
        "resections": 3,
        "episodes": 3,
        "reports": 3,
        "rule_texts": 1,
        "assessments": 3,
        "plans": 3,
        "visits": 3,
        "plan_changes": 3,
        "overrides": 3,
        "bookings": 3,
        "examinations": 3,
        "verdicts": 3,
        "events": 3,
        "contacts": 0,
        "reminders": 0,
        "job_days": 0,
        "audit_rows": 6,
        "registry_facts": 2,
    }


def test_making_a_registry_twice_changes_nothing(empty_database_url: str) -> None:
    with Registry.create(empty_database_url) as first:
        with_patients(first, 1)

    with Registry.create(empty_database_url) as second, second.reading() as reading:
        patients = reading.counts()["patients"]

    assert first.creation == Creation(made=True, upgraded_from=None, key_file=None)
    assert second.creation == Creation(made=False, upgraded_from=None, key_file=None)
    assert patients == 1


def test_a_new_sqlite_registry_makes_its_own_key_and_keeps_both_files_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEPWATCH_KEY", raising=False)
    monkeypatch.delenv("HEPWATCH_KEY_FILE", raising=False)
    file = tmp_path / "data" / "hepwatch.db"

    with Registry.create(f"sqlite:///{file}") as registry:
        with_patients(registry, 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [file.parent, *file.parent.iterdir()]}

    assert registry.creation == Creation(made=True, upgraded_from=None, key_file=file.parent / "hepwatch.key")
    assert modes.pop("data") == 0o700
    assert set(modes) >= {"hepwatch.db", "hepwatch.key"}
    assert set(modes.values()) == {0o600}


def test_a_lost_key_file_is_not_replaced_by_a_new_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEPWATCH_KEY", raising=False)
    url = f"sqlite:///{tmp_path / 'hepwatch.db'}"
    Registry.create(url).close()
    (tmp_path / "hepwatch.key").unlink()

    with pytest.raises(KeyMissing, match=re.escape("hepwatch.key")):
        Registry.create(url)

    assert not (tmp_path / "hepwatch.key").exists()


def test_postgresql_without_a_configured_key_is_refused_before_anything_is_made(
    postgresql_server: PostgreSQLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_server.make()
    monkeypatch.delenv("HEPWATCH_KEY")

    with pytest.raises(KeyMissing) as refusal:
        Registry.create(url)

    assert "HEPWATCH_KEY_FILE" in refusal.value.advice
    with pytest.raises(RegistryNotFound):
        Registry.open(url)


def test_a_wrong_key_is_told_when_the_registry_is_opened(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "77" * 32
    monkeypatch.setenv("HEPWATCH_KEY", wrong)

    with pytest.raises(WrongKey) as refusal:
        Registry.open(database_url)

    assert wrong not in refusal.value.message + refusal.value.advice


def test_the_audit_chain_is_verified_without_a_key(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Registry.open(database_url) as registry:
        with_patients(registry, 2)
    monkeypatch.delenv("HEPWATCH_KEY")

    with Registry.open(database_url, with_key=False) as keyless, keyless.reading() as reading:
        broken = reading.verify_audit_chain()
        with pytest.raises(KeyMissing):
            reading.identities()

    assert broken is None


def test_a_database_without_a_registry_advises_init(empty_database_url: str) -> None:
    with pytest.raises(RegistryNotFound) as refusal:
        Registry.open(empty_database_url)

    assert "hepwatch init" in refusal.value.advice


@pytest.mark.parametrize(
    ("found", "refusal"),
    [
        pytest.param("0000", SchemaOutdated, id="older: init upgrades it"),
        pytest.param("9999", SchemaUnknown, id="newer: this release cannot read it"),
    ],
)
def test_a_registry_of_another_schema_is_not_opened(
    database_url: str, found: str, refusal: type[HepwatchError]
) -> None:
    ask(database_url, f"UPDATE alembic_version SET version_num = '{found}'")  # noqa: S608 (our own words)

    with pytest.raises(refusal, match=found):
        Registry.open(database_url)


def test_a_newer_registry_is_not_touched_by_init(database_url: str) -> None:
    ask(database_url, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(SchemaUnknown):
        Registry.create(database_url)


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    url = "postgresql://clinic:open-sesame@127.0.0.1:1/registry"

    with pytest.raises(DatabaseUnreachable) as refusal:
        Registry.open(url, with_key=False)

    assert "registry on 127.0.0.1" in refusal.value.message
    assert "open-sesame" not in refusal.value.message + refusal.value.advice


def test_postgresql_without_its_driver_tells_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(DriverMissing) as refusal:
        Registry.open("postgresql://clinic@localhost/registry")

    assert "pip install hepwatch[postgresql]" in refusal.value.advice


def test_a_user_who_may_not_make_tables_is_an_operators_problem(
    postgresql_server: PostgreSQLServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql_server.make()
    ask(url, "CREATE ROLE reader LOGIN")
    monkeypatch.setenv("HEPWATCH_KEY", KEY)

    with pytest.raises(DatabaseRefused, match="permission denied"):
        Registry.create(url.replace("postgres:@", "reader:@"))


@pytest.mark.parametrize(
    "url", ["mysql://u:open-sesame@h/d", "nonsense open-sesame", "sqlite://", "sqlite:///:memory:"]
)
def test_an_address_that_is_no_registrys_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseUrlNotUnderstood) as refusal:
        Registry.open(url)

    assert "open-sesame" not in refusal.value.message + refusal.value.advice


def test_a_file_that_is_no_database_is_an_operators_problem(tmp_path: Path) -> None:
    file = tmp_path / "hepwatch.db"
    file.write_text("a letter, not a database " * 100)

    with pytest.raises(DeliveryError, match="not a database"):
        Registry.open(f"sqlite:///{file}")


def test_a_transaction_that_fails_leaves_nothing(registry: Registry) -> None:
    with pytest.raises(PromiseBroken):
        follow_and_then_break_a_promise(registry)

    with registry.reading() as reading:
        counts = reading.counts()

    assert counts.pop("registry_facts") == 1  # the key's fingerprint, from when the registry was made
    assert set(counts.values()) == {0}


def test_a_clinical_change_without_an_audit_row_is_refused(registry: Registry) -> None:
    with_patients(registry, 1)

    unsaid = pytest.raises(StoreMisused, match=r"\['identities', 'patients'\] were changed")
    with unsaid, registry.transaction() as transaction:
        transaction.append_patients(some_patients([7]))

    with registry.reading() as reading:
        assert reading.counts()["patients"] == 1


def test_a_snapshot_does_not_see_what_is_committed_after_it_began(registry: Registry) -> None:
    with_patients(registry, 1)

    with registry.reading() as reading:
        before = reading.counts()
        with_patients(registry, 1)
        after = reading.counts()

    assert before == after
    with registry.reading() as later:
        assert later.counts()["patients"] == 2


def test_the_same_patient_cannot_be_stored_twice_at_a_site(registry: Registry) -> None:
    followed = with_patients(registry, 1)

    same = some_patients([99], mrn=f" MRN-{followed.patients[0]}")

    twice = pytest.raises(Conflict, match="one of the patients was stored already")
    with twice, registry.transaction() as transaction:
        transaction.append_patients(same)


def test_a_stale_change_of_an_episode_is_noticed(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    paused = some_episodes(followed.episodes, followed.patients, followed.resections, state="paused")
    with registry.transaction() as transaction:
        transaction.update("episodes", paused, key=["id", "version"], put=["state"])
        transaction.append_audit(some_audit_rows(followed.patients))

    with pytest.raises(Conflict, match="of 1 episodes to change only 0"), registry.transaction() as transaction:
        transaction.update("episodes", paused, key=["id", "version"], put=["state"])

    with registry.reading() as reading:
        assert reading.episodes_of()["version"].to_list() == [2]


def test_an_episode_is_not_changed_without_the_version_that_was_read(registry: Registry) -> None:
    followed = with_patients(registry, 1)
    paused = some_episodes(followed.episodes, followed.patients, followed.resections, state="paused")

    with pytest.raises(StoreMisused, match="version"), registry.transaction() as transaction:
        transaction.update("episodes", paused, key=["id"], put=["state"])


def test_a_second_sqlite_writer_waits_and_then_says_that_the_registry_is_busy(sqlite_url: str) -> None:
    with (
        Registry.open(sqlite_url) as first,
        Registry.open(sqlite_url + "?timeout=0.1") as second,
        first.transaction(),
        pytest.raises(RegistryBusy),
        second.transaction(),
    ):
        pass


def test_ids_are_given_to_one_writer_only(registry: Registry) -> None:
    given: list[int] = []

    def reserve() -> None:
        for _ in range(5):
            with registry.transaction() as transaction:
                ids = transaction.reserve_ids("patients", 3)
                more = transaction.reserve_ids("patients", 1)
                transaction.append("sites", some_sites([ids[0]]))
                transaction.append_patients(some_patients([*ids, *more], site_id=ids[0]))
                transaction.append_audit(some_audit_rows([*ids, *more]))
                given.extend([*ids, *more])

    writers = [threading.Thread(target=reserve) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(given) == 80
    assert len(set(given)) == 80


def follow_and_then_break_a_promise(registry: Registry) -> None:
    """Store two patients and then a visit of a plan that does not exist."""
    with registry.transaction() as transaction:
        follow(transaction, 2)
        transaction.append("visits", some_visits([99], [99]))
