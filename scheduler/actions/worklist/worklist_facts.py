"""What was true by a day and known at a moment: where episodes stood, and which visits were answered by then.

Reads what is recorded; everything is derived, nothing is stored. The daily worklist trusts the stored statuses instead,
which `following` keeps in line; both give the same for today.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from scheduler.actions.plans.answered_visits import as_answered, looked_at, match_all
from scheduler.actions.plans.facts import Facts, events_of
from scheduler.actions.plans.rules import Rules
from scheduler.core.event_lines import State
from scheduler.core.standing import Standing, stand
from scheduler.core.visit_endings import called_missed
from scheduler.store.reading import Reading

KEY = ("episode_id", "origin", "grid_month")
MISSED = "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked about: a day (inclusive), a moment (inclusive; None: now), a site and patients (None: all).

    `is_now`: the day is today or to come and everything recorded is known, so that the stored statuses hold.
    """

    as_of: date
    known_at: datetime | None = None
    site: str | None = None
    is_now: bool = False
    among: pl.Series | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """The facts of some patients without visits, each examination under its episode; and where the episodes stood."""

    facts: Facts
    days: pl.DataFrame
    standing: Standing


def known(reading: Reading, asked: Asked) -> Known:
    """What was known of these patients, and where their episodes stood as of the day; later episodes are left out.

    Of a site those who were enrolled at the moment.
    """
    every = reading.episodes_at(asked.among, site=asked.site, known_at=asked.known_at)
    is_of_all = asked.among is None and asked.site is None and asked.known_at is None
    ids, patient_ids = (None, None) if is_of_all else (every["episode_id"], every["patient_id"])
    plans = reading.current_plans(ids, known_at=asked.known_at)
    begun = every.filter(pl.col("anchor_on") <= asked.as_of)
    episodes = begun.join(_r2(reading, begun, plans, asked), on="episode_id", how="left", maintain_order="left")
    examinations = reading.examinations_of(ids, known_at=asked.known_at)
    events = events_of(reading, patient_ids, known_at=asked.known_at)
    days = episodes.select("patient_id").unique(maintain_order=True).with_columns(today=pl.lit(asked.as_of))
    standing = stand(days, episodes=episodes, events=events, examinations=examinations)
    facts = Facts(
        episodes=episodes,
        events=events,
        examinations=examinations.drop("episode_id").join(
            standing.belonging, on="examination_id", maintain_order="left"
        ),
        plans=plans,
        visits=pl.DataFrame(),
        booked=pl.DataFrame(),
        overrides=pl.DataFrame(schema={"episode_id": pl.Int64}),
    )
    return Known(facts=facts, days=days, standing=standing)


def _r2(reading: Reading, episodes: pl.DataFrame, plans: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """The resections after which nothing is planned, since tumour was left behind: `episode_id, r2_on`.

    Pathology is signed and no plan is followed: since the day on which the last one was superseded, else since
    pathology was signed for the first time.
    """
    resected = episodes.filter(pl.col("resection_id").is_not_null())
    unplanned = resected.join(plans, on="episode_id", how="anti")
    if unplanned.is_empty():
        return pl.DataFrame(schema={"episode_id": pl.Int64, "r2_on": pl.Date})
    signed = reading.signings(unplanned["patient_id"], known_at=asked.known_at).select(
        "episode_id", "pathology_signed_at"
    )
    superseded = (
        reading.plan_versions_of(unplanned["episode_id"], known_at=asked.known_at)
        .group_by("episode_id")
        .agg(pl.col("superseded_at").max())
    )
    r2_on = pl.coalesce("superseded_at", "pathology_signed_at").dt.date()
    return (
        unplanned.join(signed, on="episode_id")
        .join(superseded, on="episode_id", how="left")
        .select("episode_id", r2_on=pl.when(pl.col("pathology_signed_at").is_not_null()).then(r2_on))
        .filter(pl.col("r2_on") <= asked.as_of)
    )


def visits_as_of(reading: Reading, rules: Rules, asked: Asked) -> pl.DataFrame:
    """The visits that stood in the episodes active as of the day, each open, done or missed by then.

    The columns of `Reading.open_visits` but `time_zone` and `plan_version`. Without a moment, the visits are those of
    the plan as it is known now.
    """
    then = known(reading, asked)
    active = then.standing.states.filter(pl.col("state") == State.ACTIVE.value)
    planned = active.join(then.facts.plans, on="episode_id", how="semi", maintain_order="left")
    ids = planned["episode_id"]
    visits = _not_settled(reading, reading.visits_as_known(ids, asked.known_at), asked).with_columns(
        pl.col("procedures").str.split("|")
    )
    facts = replace(then.facts, visits=visits).of(ids)
    matched = match_all(facts, looked_at(planned, facts, then.days, rules), rules)
    plans = facts.plans.select("episode_id", "intensity", "provisional", "protocol_id", "protocol_version")
    return (
        as_answered(visits, matched.visits)
        .with_columns(pl.col("procedures").list.join("|"))
        .join(facts.episodes.select("episode_id", "patient_id", "site"), on="episode_id", maintain_order="left")
        .join(plans, on="episode_id", maintain_order="left")
        .sort("due_on", "visit_id")
    )


def _not_settled(reading: Reading, visits: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """The visits, missed where a person called them so: what the end of an episode made of others is derived."""
    missed = visits.filter(pl.col("status") == MISSED)
    if missed.is_empty():
        return visits
    changes = reading.plan_changes_of(missed["episode_id"], known_at=asked.known_at)
    called = called_missed(visits, changes.filter(pl.col("recorded_at").dt.date() <= asked.as_of))
    is_settled = (pl.col("status") == MISSED) & ~called
    return visits.with_columns(status=pl.when(is_settled).then(pl.lit("open")).otherwise("status"))
