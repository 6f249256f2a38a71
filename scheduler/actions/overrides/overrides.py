"""The overrides of one patient, by the number that a person sees: listing them, recording one, ending one."""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import polars as pl

from scheduler.actions.finding import Patient, find_patient
from scheduler.actions.one_patient import Said
from scheduler.actions.visits.finding_visits import Episode
from scheduler.core.visit_changes import visit_name
from scheduler.errors import Conflict, NotFound, listed
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

OVERRIDES: dict[str, pl.DataType] = {
    "number": pl.Int64(),  # of this patient, in the order of recording, from 1; it never changes
    "state": pl.String(),  # a State
    "kind": pl.String(),  # intensity, visit
    "intensity": pl.String(),  # of kind intensity
    "visit": pl.String(),  # of kind visit, such as grid-6
    "due_on": pl.Date(),  # of kind visit; missing where it is not to be held
    "until_on": pl.Date(),  # its last day, inclusive
    "reason": pl.String(),
    "recorded_by": pl.String(),
    "ended_by": pl.String(),
    "override_id": pl.Int64(),
    "episode_id": pl.Int64(),
}


class State(StrEnum):
    """Whether an override holds on a day."""

    HOLDS = "holds"
    RAN_OUT = "ran out"  # its last day is behind
    ENDED = "ended"  # by a person, or because another one of the same took its place


class OverrideNotFound(NotFound):
    """No override with this number."""

    def __init__(self, *, mrn: str, number: int, known: Sequence[int]) -> None:
        super().__init__(
            f"{mrn} has no override number {number}; its numbers: {listed([str(each) for each in known])}",
            advice=f"`hepwatch override list {mrn}` shows every override.",
        )


class OverrideOver(Conflict):
    """An override that holds no more."""

    def __init__(self, *, mrn: str, number: int, state: str, until_on: date) -> None:
        super().__init__(
            f"override {number} of {mrn} {'has ended already' if state == State.ENDED else f'ran out on {until_on}'}",
            advice=f"`hepwatch override list {mrn}` shows which one holds.",
        )


def list_overrides(registry: Registry, mrn: str, *, today: date, site: str | None = None) -> pl.DataFrame:
    """Every override of a patient as of today (`OVERRIDES`), also those that hold no more, by number.

    Raises `PatientNotFound` and `SeveralPatients`.
    """
    with registry.reading() as reading:
        return overrides_of(reading, find_patient(reading, mrn, site=site), today=today)


def overrides_of(reading: Reading, patient: Patient, *, today: date) -> pl.DataFrame:
    """The patient's overrides, as `list_overrides` gives them."""
    stored = reading.overrides_of(reading.episodes_of([patient.patient_id])["episode_id"])
    named = pl.when(pl.col("kind") == "visit").then(visit_name())
    numbered = stored.with_columns(number=pl.int_range(1, pl.len() + 1), state=override_state(today), visit=named)
    return numbered.select(pl.col(name).cast(kind) for name, kind in OVERRIDES.items())


def override_state(today: date) -> pl.Expr:
    """Whether each override holds today (`State`), from `ended_at` and `until_on`; on its last day it does."""
    return (
        pl.when(pl.col("ended_at").is_not_null())
        .then(pl.lit(State.ENDED.value))
        .when(pl.col("until_on") < today)
        .then(pl.lit(State.RAN_OUT.value))
        .otherwise(pl.lit(State.HOLDS.value))
    )


def find_override(reading: Reading, patient: Patient, number: int, *, today: date) -> dict[str, Any]:
    """The override with this number (`OVERRIDES`), which holds. Raises `OverrideNotFound` and `OverrideOver`."""
    known = overrides_of(reading, patient, today=today)
    found = known.filter(pl.col("number") == number)
    if found.is_empty():
        raise OverrideNotFound(mrn=patient.mrn, number=number, known=known["number"].to_list())
    row = found.row(0, named=True)
    if row["state"] != State.HOLDS:
        raise OverrideOver(mrn=patient.mrn, number=number, state=row["state"], until_on=row["until_on"])
    return row


def holding(reading: Reading, patient: Patient, episode: Episode, *, today: date, visit: str | None) -> pl.DataFrame:
    """The overrides that hold of one visit of the episode, None for those of its intensity (`OVERRIDES`)."""
    holds = pl.col("state") == State.HOLDS.value
    same = (pl.col("episode_id") == episode.episode_id) & pl.col("visit").eq_missing(pl.lit(visit, dtype=pl.String))
    return overrides_of(reading, patient, today=today).filter(holds, same)


def store_override(transaction: Transaction, episode: Episode, said: Said, override: Mapping[str, object]) -> None:
    """Store an override: `kind`, `until_on`, and what it is about (columns of the table of the same names)."""
    row: dict[str, object] = {"id": transaction.reserve_ids("overrides", 1)[0], "episode_id": episode.episode_id}
    row |= {**override, "reason": said.reason, "recorded_by": said.by}
    transaction.append("overrides", pl.DataFrame([row]))


def end_overrides(transaction: Transaction, overrides: pl.DataFrame, said: Said) -> None:
    """Store that these overrides (`override_id`) hold no more from now on."""
    ended = overrides.select(
        id="override_id", ended_at=pl.lit(transaction.recorded_at), ended_by=pl.lit(said.by, dtype=pl.String)
    )
    transaction.update("overrides", ended, key=["id"], put=["ended_at", "ended_by"])
