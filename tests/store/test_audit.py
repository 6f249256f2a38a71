"""The audit chain: tampering shows, and writers who append at once leave no fork."""

import json
import multiprocessing
from hashlib import sha256

import pytest
import rfc8785

from scheduler.store.audit import CHAINED, START, chained
from scheduler.store.registry import Registry
from tests.databases import MOMENT, ask, some_audit_rows, some_sites, with_patients

WRITERS, TRANSACTIONS, ROWS = 4, 12, 3


def a_chain_of(registry: Registry, rows: int) -> None:
    """Store so many audit rows, three in each transaction."""
    for start in range(0, rows, 3):
        with registry.transaction() as transaction:
            details = [json.dumps({"row": number}) for number in range(start, min(start + 3, rows))]
            transaction.append_audit(some_audit_rows([None] * len(details), details=details))


def first_break(registry: Registry) -> int | None:
    """What verifying the chain says."""
    with registry.reading() as reading:
        return reading.verify_audit_chain()


def without_triggers(url: str) -> None:
    """Take away what refuses changes, as an attacker with the database in hand would."""
    if url.startswith("sqlite"):
        ask(url, "DROP TRIGGER audit_rows_refuse_update", "DROP TRIGGER audit_rows_refuse_delete")
    else:
        ask(url, "DROP TRIGGER audit_rows_refuse_change ON audit_rows")


def test_an_untouched_chain_is_whole(registry: Registry) -> None:
    empty = first_break(registry)

    a_chain_of(registry, 10)

    assert empty is None
    assert first_break(registry) is None


@pytest.mark.parametrize(
    ("tampering", "broken"),
    [
        pytest.param(["UPDATE audit_rows SET actor = 'nobody' WHERE position = 4"], 4, id="a cell changed"),
        pytest.param(["UPDATE audit_rows SET reason = '' WHERE position = 4"], 4, id="a missing reason made empty"),
        pytest.param(["UPDATE audit_rows SET hash = 'x' WHERE position = 4"], 4, id="a hash changed"),
        pytest.param(["DELETE FROM audit_rows WHERE position = 4"], 4, id="a row removed"),
        pytest.param(["DELETE FROM audit_rows WHERE position = 1"], 1, id="the first row removed"),
        pytest.param(["DELETE FROM audit_rows WHERE position = 10"], 10, id="the last row removed"),
        pytest.param(["DELETE FROM audit_rows"], 1, id="every row removed"),
        pytest.param(
            [
                "UPDATE audit_rows SET position = 99 WHERE position = 4",
                "UPDATE audit_rows SET position = 4 WHERE position = 5",
                "UPDATE audit_rows SET position = 5 WHERE position = 99",
            ],
            4,
            id="two rows swapped",
        ),
        pytest.param(["UPDATE audit_rows SET position = 99 WHERE position = 10"], 10, id="the last row moved away"),
    ],
)
def test_tampering_shows_at_its_first_row(
    registry: Registry, database_url: str, tampering: list[str], broken: int
) -> None:
    a_chain_of(registry, 10)
    without_triggers(database_url)

    ask(database_url, *tampering)

    assert first_break(registry) == broken


def test_a_row_forged_with_a_fitting_hash_shows_at_the_next(registry: Registry, database_url: str) -> None:
    a_chain_of(registry, 6)
    without_triggers(database_url)
    rows = some_audit_rows([None] * 3, details=[json.dumps({"row": number}) for number in range(3)], actor="nobody")
    forged = chained(rows, after=START, recorded_at=MOMENT)["hash"][0]
    moment = "2026-01-31 12:00:00.000000" + ("" if database_url.startswith("sqlite") else "+00")

    cells = f"actor = 'nobody', recorded_at = '{moment}', hash = '{forged}'"
    ask(database_url, f"UPDATE audit_rows SET {cells} WHERE position = 1")  # noqa: S608 (our own words)

    assert first_break(registry) == 2


def test_a_chain_whose_end_was_cut_off_stays_broken_when_it_goes_on(registry: Registry, database_url: str) -> None:
    a_chain_of(registry, 6)
    without_triggers(database_url)
    ask(database_url, "DELETE FROM audit_rows WHERE position > 4")

    a_chain_of(registry, 3)

    assert first_break(registry) == 5


def test_the_audit_rows_of_one_transaction_keep_their_order(registry: Registry) -> None:
    with registry.transaction(recorded_at=MOMENT) as transaction:
        transaction.append("sites", some_sites([1]))
        for action in ("first", "second", "third"):
            transaction.append_audit(some_audit_rows([None], action=action))

    with registry.reading() as reading:
        assert reading.counts()["audit_rows"] == 3
        assert first_break(registry) is None


def test_a_rows_hash_is_what_the_description_says() -> None:
    awkward = some_audit_rows([7], reason='"quoted"\n\x01é😀', details='{"a":1}')

    row = chained(awkward, after=START, recorded_at=MOMENT).to_dicts()[0]

    cells = {name: row[name] for name in CHAINED} | {"recorded_at": "2026-01-31T12:00:00.000000Z"}
    assert row["hash"] == sha256(b"0" * 64 + rfc8785.dumps(cells)).hexdigest()


def test_four_writers_at_once_leave_one_chain_without_a_fork(registry: Registry, database_url: str) -> None:
    with_patients(registry, 1)
    spawning = multiprocessing.get_context("spawn")
    writers = [spawning.Process(target=write_many, args=(database_url, f"writer {n}")) for n in range(WRITERS)]

    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)

    with registry.reading() as reading:
        rows = reading.counts()["audit_rows"]
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    assert rows == 1 + WRITERS * TRANSACTIONS * ROWS
    assert first_break(registry) is None


def write_many(url: str, actor: str) -> None:
    """Append in many transactions, from a process of its own."""
    with Registry.open(url) as registry:
        for _ in range(TRANSACTIONS):
            with registry.transaction() as transaction:
                transaction.append_audit(some_audit_rows([1] * ROWS, actor=actor))
