"""The visits of one patient with their appointments and what answered them."""

from datetime import date

import polars as pl

from scheduler.actions.finding import find_patient
from scheduler.actions.visits.appointments import BOOKED
from scheduler.actions.visits.finding_visits import current_episode
from scheduler.core.verdicts import ANSWERS
from scheduler.core.visit_changes import visit_name
from scheduler.core.worklist import with_states
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

VISITS: dict[str, pl.DataType] = {
    "visit": pl.String(),  # such as grid-6
    "procedures": pl.List(pl.String()),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),  # as stored: open, done, missed, withdrawn, censored
    "state": pl.String(),  # of an open one, as of today: a worklist.State
    "booking": pl.String(),  # the state of its newest appointment: booked, cancelled, missed, kept; missing without one
    "booked_on": pl.Date(),
    "at": pl.String(),  # HH:MM on the site's clock
    "place": pl.String(),
    "answered_by": pl.List(pl.String()),  # procedure, day and verdict of each examination that answers it
}


def list_visits(
    registry: Registry, mrn: str, *, today: date, site: str | None = None, everything: bool = False
) -> pl.DataFrame:
    """The open visits of the patient's current episode, or every one of them, by due day: `VISITS`.

    Raises `PatientNotFound` and `SeveralPatients`.
    """
    with registry.reading() as reading:
        patient = find_patient(reading, mrn, site=site)
        visits = reading.visits_of([current_episode(reading, patient).episode_id])
        states = with_states(visits.with_columns(intensity=pl.lit(None, dtype=pl.String)), as_of=today)
        shown = visits if everything else visits.filter(pl.col("status") == "open")
        listed = (
            shown.join(states.select("visit_id", "state"), on="visit_id", how="left", maintain_order="left")
            .join(_appointments(reading, shown), on="visit_id", how="left", maintain_order="left")
            .join(_answers(reading, shown), on="visit_id", how="left", maintain_order="left")
        )
    named = listed.with_columns(
        visit=visit_name(),
        procedures=pl.col("procedures").str.split("|"),
        answered_by=pl.col("answered_by").fill_null([]),
    )
    return named.select(pl.col(name).cast(kind) for name, kind in VISITS.items())


def _appointments(reading: Reading, visits: pl.DataFrame) -> pl.DataFrame:
    """The newest appointment of each visit; day, time and place only while it stands."""
    stands = pl.col("state") == BOOKED
    details = (pl.when(stands).then(name).alias(name) for name in ("booked_on", "at", "place"))
    return reading.bookings_of(visits["visit_id"]).select("visit_id", *details, booking="state")


def _answers(reading: Reading, visits: pl.DataFrame) -> pl.DataFrame:
    """The examinations that answer each visit, in words."""
    episodes = visits["episode_id"].unique()
    performed = reading.examinations_of(episodes).select("examination_id", "procedure", "performed_on")
    return (
        reading.verdicts_of(episodes)
        .filter(pl.col("verdict").is_in([str(verdict) for verdict in ANSWERS]))
        .join(performed, on="examination_id", maintain_order="left")
        .sort("performed_on")
        .group_by("visit_id", maintain_order=True)
        .agg(answered_by=pl.format("{} on {}: {}", "procedure", "performed_on", "verdict"))
    )
