"""Finding one visit of a patient by the name that the worklist and the patient's page give it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from scheduler.actions.finding import Patient
from scheduler.core.visit_changes import ORIGINS, visit_name
from scheduler.errors import ClinicalDataError, NotFound, listed
from scheduler.store.reading import Reading

MOST = 6


class VisitNameMalformed(ClinicalDataError):
    """A word that names no visit."""

    def __init__(self, *, name: str) -> None:
        super().__init__(
            f"{name} is not the name of a visit; expected its origin ({listed(ORIGINS)}) and its month",
            advice="Write it as the worklist does, such as grid-6, catch_up-9 or suspicious-3.",
        )


class VisitNotFound(NotFound):
    """No visit of this name in the patient's current episode."""

    def __init__(self, *, mrn: str, name: str, anchor_on: date, ahead: Sequence[tuple[str, date]]) -> None:
        named = [f"{each} (due {due_on})" for each, due_on in ahead[:MOST]]
        more = f" and {len(ahead) - MOST} more" if len(ahead) > MOST else ""
        open_ones = f"{', '.join(named)}{more}" if more else listed(named)
        super().__init__(
            f"{mrn} has no visit {name} in the episode from {anchor_on}; open visits ahead: {open_ones}",
            advice=f"`hepwatch visit list {mrn} --all` shows every visit.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """The stretch of surveillance that a visit's name is looked up in."""

    episode_id: int
    anchor_on: date
    state: str
    version: int
    is_of_resection: bool  # false where a treatment began it


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One visit, as it is stored."""

    visit_id: int
    episode_id: int
    plan_version: int
    origin: str
    grid_month: int
    procedures: tuple[str, ...]
    opens_on: date
    due_on: date
    closes_on: date
    status: str

    @property
    def name(self) -> str:
        """Its name, such as `grid-6`."""
        return f"{self.origin}-{self.grid_month}"


def current_episode(reading: Reading, patient: Patient) -> Episode:
    """The patient's latest episode that goes on; where none does, the latest."""
    episodes = reading.episodes_of([patient.patient_id])
    row = episodes.filter(pl.col("episode_id") == patient.episode_id).row(0, named=True)
    return Episode(
        episode_id=row["episode_id"],
        anchor_on=row["anchor_on"],
        state=row["state"],
        version=row["version"],
        is_of_resection=row["resection_id"] is not None,
    )


def find_visit(reading: Reading, patient: Patient, name: str, *, today: date) -> Visit:
    """The visit of this name in the patient's current episode, whatever its status.

    Raises `VisitNameMalformed`, or `VisitNotFound` with the open visits that close today or later.
    """
    origin, grid_month = _parts(name)
    episode = current_episode(reading, patient)
    visits = reading.visits_of([episode.episode_id])
    found = visits.filter(pl.col("origin") == origin, pl.col("grid_month") == grid_month)
    if found.is_empty():
        ahead = visits.filter(pl.col("status") == "open", pl.col("closes_on") >= today).sort("due_on")
        named = ahead.select(visit_name(), "due_on").rows()
        raise VisitNotFound(mrn=patient.mrn, name=name, anchor_on=episode.anchor_on, ahead=named)
    return _visit(found.row(0, named=True))


def _parts(name: str) -> tuple[str, int]:
    """Origin and month of a name."""
    origin, _, month = name.strip().rpartition("-")
    if origin not in ORIGINS or not (month.isascii() and month.isdigit() and len(month) <= 4):
        raise VisitNameMalformed(name=name)
    return origin, int(month)


def _visit(row: dict[str, Any]) -> Visit:
    procedures = tuple(row["procedures"].split("|"))
    return Visit(**{name: row[name] for name in Visit.__dataclass_fields__} | {"procedures": procedures})
