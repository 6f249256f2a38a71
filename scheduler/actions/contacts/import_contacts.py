"""Import a table of contacts: how patients are reached, and since when they consent to it.

The same file twice changes nothing, and an old file takes nothing back: neither a later consent nor a withdrawal.
Nothing of a bad row is stored, nothing good is lost. Addresses are masked wherever a problem is told.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.contacts.patient_contact import GIVEN, TO_STORE, a_version, store_contacts
from scheduler.actions.contacts.reaching import Reach, merged, problems
from scheduler.actions.contacts.set_contact import in_audit
from scheduler.actions.history.history_tables import (
    HistoryFile,
    HistoryTable,
    a_column,
    read_history,
    row_problems,
    with_patients,
)
from scheduler.core.validation import MASK, PROBLEM_SCHEMA
from scheduler.core.variables import VariableDictionary, VariableType
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

HIDDEN = {"identity": True}  # an address may stand in the wrong column
COLUMNS = {
    "channel": a_column(VariableType.TEXT, "By which channel").model_copy(update=HIDDEN),
    "address": a_column(VariableType.TEXT, "Where the patient is reached").model_copy(update=HIDDEN),
    "language": a_column(VariableType.TEXT, "In which language").model_copy(update=HIDDEN),
    "consented_on": a_column(VariableType.DATE, "The day of the consent to be contacted"),
}
REQUIRED = ("mrn", "address", "consented_on")
CONTENT = ["patient_id", *COLUMNS]
AS_TELEPHONE = "text; a telephone number that begins with + is written tel:+82…"


@dataclass(frozen=True, kw_only=True)
class ContactsImported:
    """What an import did: how many contacts were stored, how many were there already, and what was refused."""

    rows: int
    refused_rows: int
    stored: int
    there_already: int
    problems: pl.DataFrame  # PROBLEM_SCHEMA
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table beside what is recorded of the patient."""

    number: int
    mrn: str
    patient_id: int
    consented_on: date
    reach: Reach
    standing: Reach  # nothing where no contact is in force
    newest: Mapping[str, Any] | None  # the newest version of the contact, be it withdrawn

    @property
    def is_new(self) -> bool:
        """Whether the row says something that is not recorded."""
        is_in_force = self.newest is not None and self.newest["state"] == GIVEN
        recorded_on = self.newest["consented_on"] if self.newest is not None else None
        return not is_in_force or (self.reach, self.consented_on) != (self.standing, recorded_on)

    @property
    def version(self) -> int:
        """The version that the row would be stored as."""
        return int(self.newest["version"]) + 1 if self.newest is not None else 1


def import_contacts(registry: Registry, file: HistoryFile, dictionary: VariableDictionary) -> ContactsImported:
    """Import the table in one transaction and say what was done; with `dry_run` all is done and nothing is kept.

    Needs the columns `mrn, address, consented_on`; may have `site`, `channel` and `language`, whose blank cells leave
    what is recorded. Raises what `read_history` raises.
    """
    table = _read(file, dictionary)
    with registry.transaction(keep=not file.dry_run) as transaction:
        known = with_patients(transaction, table)
        known = known.without(_contradicting(known.rows))
        transaction.lock_patients(known.rows["patient_id"])
        rows = list(_rows(transaction, known.rows))
        known = known.without(pl.concat([pl.DataFrame(schema=PROBLEM_SCHEMA), *map(_problems, rows)]))
        good = set(known.rows["row"])
        stored = [row for row in rows if row.number in good and row.is_new]
        _store(transaction, stored, actor=file.actor)
    return ContactsImported(
        rows=known.count,
        refused_rows=known.refused_rows,
        stored=len(stored),
        there_already=known.count - known.refused_rows - len(stored),
        problems=known.problems,
        notes=known.notes,
    )


def _read(file: HistoryFile, dictionary: VariableDictionary) -> HistoryTable:
    """The table; a telephone number that is taken for a formula is told how to be written."""
    table = read_history(file, COLUMNS, dictionary, cells=REQUIRED)
    is_formula = (pl.col("variable") == "address") & pl.col("problem").str.contains("formula")
    expected = pl.when(is_formula).then(pl.lit(AS_TELEPHONE)).otherwise("expected").alias("expected")
    return replace(table, problems=table.problems.with_columns(expected))


def _contradicting(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one patient that say different things (`PROBLEM_SCHEMA`): nobody knows which holds."""
    several = rows.unique(CONTENT).filter(pl.col("patient_id").is_duplicated())
    return row_problems(
        rows.join(several, on="patient_id", how="semi", maintain_order="left"),
        "mrn",
        value=pl.col("mrn"),
        problem="has several rows that differ",
        expected="one row for each patient",
    )


def _rows(reading: Reading, rows: pl.DataFrame) -> Iterator[Row]:
    """Each row beside what is recorded, of equal rows the first."""
    ids = rows["patient_id"].unique()
    newest = {row["patient_id"]: row for row in reading.latest_contacts(ids).iter_rows(named=True)}
    addresses = dict(reading.contact_addresses(ids).iter_rows())
    for row in rows.unique(CONTENT, keep="first", maintain_order=True).iter_rows(named=True):
        patient_id = row["patient_id"]
        recorded, standing = newest.get(patient_id), Reach()
        if recorded is not None and recorded["state"] == GIVEN:
            standing = Reach(channel=recorded["channel"], address=addresses[patient_id], language=recorded["language"])
        wanted = Reach(channel=row["channel"], address=row["address"], language=row["language"])
        yield Row(
            number=row["row"],
            mrn=row["mrn"],
            patient_id=patient_id,
            consented_on=row["consented_on"],
            reach=merged(wanted, standing),
            standing=standing,
            newest=recorded,
        )


def _problems(row: Row) -> pl.DataFrame:
    """Everything for which a row cannot be stored (`PROBLEM_SCHEMA`)."""
    where = pl.DataFrame({"row": [row.number], "mrn": [row.mrn]})
    found = [
        row_problems(where, what, value=pl.lit(MASK), problem="reaches nobody", expected=expected)
        for what, expected in problems(row.reach)
    ]
    if overtaken := _overtaken(row):
        day = pl.lit(str(row.consented_on))
        found.append(row_problems(where, "consented_on", value=day, problem=overtaken, expected="a later consent"))
    return pl.concat([pl.DataFrame(schema=PROBLEM_SCHEMA), *found])


def _overtaken(row: Row) -> str | None:
    """What was recorded after the consent of the row, in words; None where nothing was."""
    if row.newest is None:
        return None
    if row.newest["state"] == GIVEN:
        recorded_on = row.newest["consented_on"]
        return f"is before the recorded consent of {recorded_on}" if row.consented_on < recorded_on else None
    withdrawn_on = row.newest["recorded_at"].date()
    return f"is not after the withdrawal of {withdrawn_on}" if row.consented_on <= withdrawn_on else None


def _store(transaction: Transaction, rows: list[Row], *, actor: str) -> None:
    """Store the versions with an audit row each, which holds no address."""
    if not rows:
        return
    versions = [
        a_version(
            row.reach,
            patient_id=row.patient_id,
            version=row.version,
            consented_on=row.consented_on,
            recorded_by=actor,
        )
        for row in rows
    ]
    store_contacts(transaction, pl.DataFrame(versions, schema=TO_STORE))
    said = [
        {"action": "set_contact", "patient_id": row.patient_id, "details": json.dumps(_in_audit(row))} for row in rows
    ]
    audit(transaction, pl.DataFrame(said), actor=actor)
    transaction.raise_versions([row.patient_id for row in rows])


def _in_audit(row: Row) -> dict[str, object]:
    changed = row.reach.address != row.standing.address
    return in_audit(row.version, row.reach, row.consented_on, address_changed=changed)
