"""Real histories, what must hold after every round of replaying them, and what became of the visits."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
from scheduler.actions.history.recording_history import History, Round, record_history
from scheduler.actions.patients.import_patients import Import, import_patients
from scheduler.core.calendar import WorkingDays
from scheduler.core.planning import plan_one
from scheduler.core.protocols import Intensity
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry
from tests.actions.tables import BOTH, rules_of, shipped_rules

DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
SYSUCC, TCGA = DATA / "sysucc-visits", DATA / "tcga-lihc"
TODAY = date(2023, 1, 1)  # after everything that is recorded
NO_SCANS = pl.DataFrame(schema=GIVEN_EXAMINATIONS)


def need(folder: Path) -> None:
    """Skip, saying so, where the real patients are not here."""
    if not folder.is_dir():
        pytest.skip(f"the real patients are not here: there is no {os.path.normpath(folder)}")


def import_registry(folder: Path, protocol: str) -> Callable[[Registry], object]:
    """What stores the patients of a folder with both reports signed, planned by a protocol."""
    wanted = Import(path=folder / "registry.csv", today=TODAY, actor="anna", sign=BOTH)
    return lambda registry: import_patients(registry, wanted, rules_of(registry, protocol=protocol))


def scans_in(folder: Path, reading: Reading) -> pl.DataFrame:
    """The examinations of a folder as they are given."""
    read = pl.read_csv(folder / "examinations.csv", try_parse_dates=True).drop("afp_ng_ml")
    known = read.join(_patients(reading, read["mrn"]), on="mrn", maintain_order="left")
    usual = known.with_columns(result_status=pl.lit("final"), recurrence_sites=pl.lit("[]"))
    absent = [pl.lit(None).alias(name) for name in GIVEN_EXAMINATIONS if name not in usual.columns]
    return usual.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in GIVEN_EXAMINATIONS.items())


def events_in(folder: Path, reading: Reading) -> pl.DataFrame:
    """The events of a folder as they are given."""
    read = pl.read_csv(folder / "events.csv", try_parse_dates=True)
    known = read.join(_patients(reading, read["mrn"]), on="mrn", maintain_order="left")
    return known.select(pl.col(name).cast(kind) for name, kind in GIVEN_EVENTS.items())


def _patients(reading: Reading, mrns: pl.Series) -> pl.DataFrame:
    return reading.patients_by_mrn(mrns.unique()).select("mrn", "patient_id")


@dataclass(kw_only=True)
class Replay:
    """A history being recorded, and everything that did not hold after one of its rounds."""

    registry: Registry
    protocol: str
    broken: list[str] = field(default_factory=list)
    rounds: int = 0
    days: dict[int, date] = field(default_factory=dict)  # as of which each patient was followed last

    def record(self, scans: pl.DataFrame, happened: pl.DataFrame) -> History:
        """Record in one transaction, looking at everything after every round."""
        with self.registry.transaction() as transaction:

            def look(done: Round) -> None:
                self.rounds = done.number
                self.days |= dict(done.days.iter_rows())
                self.broken += [f"round {done.number}: {said}" for said in self._broken(transaction)]

            return record_history(
                transaction,
                rules_of(self.registry, protocol=self.protocol),
                examinations=scans,
                events=happened,
                today=TODAY,
                actor="anna",
                after_round=look,
            )

    def _broken(self, reading: Reading) -> Iterator[str]:
        episodes = reading.episodes_of()
        plans = reading.current_plans()
        visits = reading.visits_of().join(episodes.select("episode_id", "patient_id", "state"), on="episode_id")
        opened = visits.filter(pl.col("status") == "open")
        days = pl.DataFrame(list(self.days.items()), schema={"patient_id": pl.Int64, "today": pl.Date}, orient="row")
        yield from _lost(episodes, plans, visits, days)
        yield from _without_one_verdict(reading, episodes)
        yield from _due_after_the_end(reading, opened, days)
        yield from _asked_for_twice(opened)
        yield from _off_the_grid(opened, plans)


def _lost(episodes: pl.DataFrame, plans: pl.DataFrame, visits: pl.DataFrame, days: pl.DataFrame) -> Iterator[str]:
    """Patients without an episode, and episodes that go on without an open visit ahead though the plan does."""
    without = days.join(episodes, on="patient_id", how="anti").height
    if without:
        yield f"{without} patients have no episode"
    last = visits.group_by("episode_id").agg(
        last_on=pl.col("due_on").max(), last_open_on=pl.col("due_on").filter(pl.col("status") == "open").max()
    )
    going_on = episodes.filter(pl.col("state") == "active").join(plans.select("episode_id"), on="episode_id")
    looked_at = going_on.join(last, on="episode_id", how="left").join(days, on="patient_id")
    runs = pl.col("last_on") > pl.col("today")
    nothing_ahead = (pl.col("last_open_on") <= pl.col("today")).fill_null(value=True)
    if lost := looked_at.filter(runs & nothing_ahead).height:
        yield f"{lost} active episodes have nothing ahead"


def _without_one_verdict(reading: Reading, episodes: pl.DataFrame) -> Iterator[str]:
    examined, verdicts = reading.examinations_of()["examination_id"], reading.verdicts_of()["examination_id"]
    if sorted(examined) != sorted(verdicts):
        yield f"{examined.len()} examinations have {verdicts.len()} verdicts"


def _due_after_the_end(reading: Reading, opened: pl.DataFrame, days: pl.DataFrame) -> Iterator[str]:
    ended = opened.filter(pl.col("state") == "ended").height
    if ended:
        yield f"{ended} visits of ended episodes are open"
    deaths = reading.events_of().filter(pl.col("event") == "death").select("patient_id", died_on="happened_on")
    known = deaths.join(days, on="patient_id").filter(pl.col("died_on") <= pl.col("today"))
    if due := opened.join(known, on="patient_id").filter(pl.col("due_on") > pl.col("died_on")).height:
        yield f"{due} visits are due after a death"


def _asked_for_twice(opened: pl.DataFrame) -> Iterator[str]:
    asked = opened.with_columns(pl.col("procedures").str.split("|")).explode("procedures", empty_as_null=True)
    twice = asked.filter(pl.struct("episode_id", "due_on", "procedures").is_duplicated())
    if twice.height:
        yield f"{twice.height} procedures are asked for twice on a day"


def _off_the_grid(opened: pl.DataFrame, plans: pl.DataFrame) -> Iterator[str]:
    """Open grid visits of months that the plan does not have, the horizon included."""
    policy = ("protocol_id", "protocol_version", "intensity", "afterwards_months", "horizon_month")
    grid = opened.filter(pl.col("origin") == "grid").join(plans.select("episode_id", *policy), on="episode_id")
    for *each, months in grid.group_by(*policy).agg(pl.col("grid_month").unique()).iter_rows():
        if strange := set(months) - _months(*each):
            yield f"months {sorted(strange)} are not of {each}"


@cache
def _months(protocol_id: str, version: int, intensity: str, afterwards: int, horizon: int) -> frozenset[int]:
    protocol = shipped_rules().protocol(f"{protocol_id}@{version}")
    planned = plan_one(
        date(2010, 1, 1),
        Intensity(intensity),
        protocol,
        working_days=WorkingDays(),
        afterwards_months=afterwards,
        horizon_month=horizon,
    )
    return frozenset(planned["grid_month"])


def answered(reading: Reading) -> dict[str, int]:
    """What became of the visits due up to each patient's last scan: early, satisfies, late, or missed."""
    episodes = reading.episodes_of().select("episode_id", "patient_id")
    scans = reading.examinations_of().group_by("patient_id").agg(last_on=pl.col("performed_on").max())
    visits = reading.visits_of().join(episodes, on="episode_id").join(scans, on="patient_id")
    due = visits.filter(pl.col("due_on") <= pl.col("last_on"), ~pl.col("status").is_in(["withdrawn", "censored"]))
    answers = reading.verdicts_of().filter(pl.col("verdict").is_in(["early", "satisfies", "late"]))
    told = due.join(answers.select("visit_id", "verdict").unique("visit_id"), on="visit_id", how="left")
    return dict(told.select(pl.col("verdict").fill_null("missed")).to_series().value_counts(sort=True).iter_rows())
