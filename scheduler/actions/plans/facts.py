"""All that is recorded of some patients, read at once: what following them and asking about a past day start from."""

from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from scheduler.core.events import EVENTS
from scheduler.core.visit_endings import called_missed
from scheduler.store.reading import Reading
from scheduler.store.reading.asking import Ids


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Frames as the store gives them, of the same patients; `procedures` are lists, `events` have the core's columns.

    `episodes` has the patient's `site`; `plans` are those that are followed; `booked` (`visit_id, booked_on`) are
    appointments that stand.
    """

    episodes: pl.DataFrame
    events: pl.DataFrame
    examinations: pl.DataFrame
    plans: pl.DataFrame
    visits: pl.DataFrame
    booked: pl.DataFrame
    overrides: pl.DataFrame

    def of(self, episode_ids: pl.Series) -> "Facts":
        """What is recorded of some of the episodes; events stay."""
        some = pl.col("episode_id").is_in(episode_ids.implode())
        return replace(
            self,
            episodes=self.episodes.filter(some),
            examinations=self.examinations.filter(some),
            plans=self.plans.filter(some),
            visits=self.visits.filter(some),
            overrides=self.overrides.filter(some),
        )

    def with_visits_of(self, reading: Reading) -> "Facts":
        """The same with the visits and appointments as they are stored now."""
        visits = visits_of(reading, self.episodes["episode_id"])
        return replace(self, visits=visits, booked=booked(reading, visits))


def facts_of(reading: Reading, patient_ids: Ids) -> Facts:
    """What is recorded of these patients now, None for everybody."""
    episodes = reading.episodes_at(patient_ids)
    ids = episodes["episode_id"]
    visits = visits_of(reading, ids)
    return Facts(
        episodes=episodes,
        events=events_of(reading, patient_ids),
        examinations=reading.examinations_of(ids),
        plans=reading.current_plans(ids),
        visits=visits,
        booked=booked(reading, visits),
        overrides=reading.overrides_of(ids),
    )


def events_of(reading: Reading, patient_ids: Ids, *, known_at: datetime | None = None) -> pl.DataFrame:
    """The events of these patients as the core takes them (`EVENTS`): a detail of which nothing is said is missing."""
    return reading.events_of(patient_ids, known_at=known_at).select(
        pl.col("patient_id"),
        pl.col("event"),
        pl.col("happened_on").alias("on"),
        pl.when(pl.col("detail") != "").then("detail").alias("detail"),
        pl.col("recorded_at").cast(EVENTS["recorded_at"]),
    )


def visits_of(reading: Reading, episode_ids: Ids) -> pl.DataFrame:
    """The visits of these episodes, whatever their status; `is_called_missed` where a person said so."""
    visits = reading.visits_of(episode_ids).with_columns(pl.col("procedures").str.split("|"))
    return visits.with_columns(is_called_missed=_is_called_missed(reading, visits))


def _is_called_missed(reading: Reading, visits: pl.DataFrame) -> pl.Series:
    """Whether a person called each visit missed (`visit_endings.called_missed`)."""
    closed = visits.filter(pl.col("status").is_in(["missed", "censored"]))
    if closed.is_empty():
        return pl.repeat(False, visits.height, eager=True)
    return called_missed(visits, reading.plan_changes_of(closed["episode_id"].unique()))


def booked(reading: Reading, visits: pl.DataFrame) -> pl.DataFrame:
    """The appointments that stand (`visit_id, booked_on`), of visits that are open or may be opened again."""
    opened = visits.filter(pl.col("status").is_in(["open", "censored"]))["visit_id"]
    if opened.is_empty():
        return pl.DataFrame(schema={"visit_id": pl.Int64, "booked_on": pl.Date})
    return reading.appointments_of(opened)
