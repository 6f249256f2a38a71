"""Builders of a history: examinations and events with overrides, and recording them in one go or a day at a time."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
from scheduler.actions.history.recording_history import History, record_history
from scheduler.actions.plans.following import follow
from scheduler.actions.plans.rules import Rules
from scheduler.store.registry import Registry
from tests.actions.tables import rules_of
from tests.databases import some_audit_rows

TODAY = date(2028, 1, 10)
Fact = Mapping[str, Any]


def a_scan(on: str, **cells: Any) -> dict[str, Any]:
    """A CT of patient 1 without recurrence."""
    usual = {
        "patient_id": 1,
        "procedure": "liver_ct_mri",
        "performed_on": date.fromisoformat(on),
        "result_status": "final",
        "finding": "no_recurrence",
        "recurrence_sites": "[]",
    }
    return {**dict.fromkeys(GIVEN_EXAMINATIONS), **usual, **cells}


def an_event(event: str, on: str, **cells: Any) -> dict[str, Any]:
    """Something that happened to patient 1."""
    return {"patient_id": 1, "event": event, "on": date.fromisoformat(on), "detail": None, **cells}


def examinations(*scans: Fact) -> pl.DataFrame:
    """The examinations as they are given."""
    return pl.DataFrame(list(scans), schema=GIVEN_EXAMINATIONS)


def events(*facts: Fact) -> pl.DataFrame:
    """The events as they are given."""
    return pl.DataFrame(list(facts), schema=GIVEN_EVENTS)


def record(
    registry: Registry,
    scans: pl.DataFrame | Sequence[Fact] = (),
    happened: pl.DataFrame | Sequence[Fact] = (),
    *,
    today: date = TODAY,
    rules: Rules | None = None,
) -> History:
    """Record in one transaction, by the risk-adapted protocol unless there are other rules."""
    with registry.transaction() as transaction:
        return record_history(
            transaction,
            rules or rules_of(registry),
            examinations=scans if isinstance(scans, pl.DataFrame) else examinations(*scans),
            events=happened if isinstance(happened, pl.DataFrame) else events(*happened),
            today=today,
            actor="anna",
        )


def record_day_by_day(
    registry: Registry,
    scans: pl.DataFrame,
    happened: pl.DataFrame,
    *,
    today: date = TODAY,
) -> None:
    """Record each day's facts in a transaction of its own, as of that day; at the end follow everybody as of today."""
    rules = rules_of(registry)
    days = pl.concat([scans["performed_on"], happened["on"]]).unique().sort()
    for day in days:
        that_day = scans.filter(pl.col("performed_on") == day), happened.filter(pl.col("on") == day)
        record(registry, *that_day, today=day, rules=rules)
    everybody = pl.concat([scans["patient_id"], happened["patient_id"]]).unique().sort()
    with registry.transaction() as transaction:
        days_now = everybody.to_frame().with_columns(today=pl.lit(today))
        follow(transaction, days_now, rules)
        transaction.append_audit(some_audit_rows([None]))


def state_of(registry: Registry, patient_ids: Sequence[int] | None = None) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that following leaves behind, by days and words: no id, and nobody's moment of recording."""
    with registry.reading() as reading:
        episodes = reading.episodes_of(patient_ids).select("episode_id", "patient_id", "anchor_on", "state")
        ids = episodes["episode_id"]
        visits = reading.visits_of(ids).join(episodes, on="episode_id")
        examined = reading.examinations_of(ids).select("examination_id", "procedure", "performed_on")
        verdicts = reading.verdicts_of(ids).join(examined, on="examination_id").join(episodes, on="episode_id")
        owners = visits.select("visit_id", "origin", "grid_month")
    unnamed = pl.col("reason").str.replace(r"examination \d+", "an examination")  # the id is of the order of recording
    answered = verdicts.join(owners, on="visit_id", how="left").with_columns(unnamed)
    window = ("opens_on", "due_on", "closes_on", "status", "procedures")
    return {
        "episodes": sorted(episodes.drop("episode_id").rows()),
        "visits": sorted(visits.select("patient_id", "anchor_on", "origin", "grid_month", *window).rows()),
        "verdicts": sorted(
            answered.select(
                "patient_id", "anchor_on", "procedure", "performed_on", "verdict", "origin", "grid_month", "reason"
            ).rows(),
            key=str,
        ),
    }
