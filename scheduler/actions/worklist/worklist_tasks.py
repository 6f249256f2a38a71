"""What is to be done beside visits, as of a day: the tasks of events, of results and of reports, never stored.

Reads what is recorded. Asked about now, only the patients are looked at of whom something may ask for a task.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.worklist_facts import Asked, Known, known, known_patients
from scheduler.core.episode_tasks import TASKS
from scheduler.core.episodes import EPISODES, apply_events
from scheduler.core.event_lines import State
from scheduler.core.events import Event
from scheduler.core.markers import VARIABLES as MARKERS
from scheduler.core.report_tasks import (
    PLAN_VERSIONS,
    PROVISIONAL_DAYS,
    SIGNINGS,
    pathology_tasks,
    provisional_plan_tasks,
)
from scheduler.core.result_tasks import RESULTS, TO_BE_READ, result_tasks
from scheduler.core.standing import VOID, happened_by
from scheduler.store.reading import Reading

# What opens a task that the state of an episode does not tell.
OPENING = (Event.TRANSFER, Event.LOST, Event.CONSENT_WITHDRAWN)

NOT_YET = timedelta(days=PROVISIONAL_DAYS - 1)  # what became provisional on this day or later asks for nothing yet


def tasks_as_of(reading: Reading, rules: Rules, asked: Asked) -> pl.DataFrame:
    """The tasks (`TASKS`) as they were known, also those closed or not yet open on the day (`worklist.open_tasks`)."""
    signings = reading.signings(
        asked.among, awaiting="pathology" if asked.is_now else None, site=asked.site, known_at=asked.known_at
    ).with_columns(_day("pathology_signed", asked))
    then = known(reading, _who(reading, asked), asked)
    stands = then.standing.states.filter(pl.col("because") != VOID)
    with_r2 = stands.join(_r2(reading, then, asked), on="episode_id", how="left", maintain_order="left")
    parts = [
        _of_events(then, with_r2, asked.as_of),
        *_of_results(then, rules, asked),
        pathology_tasks(signings.select(*SIGNINGS)),
        provisional_plan_tasks(_plan_versions(reading, then, asked)),
    ]
    return pl.concat([pl.DataFrame(schema=TASKS), *parts])


def _who(reading: Reading, asked: Asked) -> "pl.Series | None":
    """The patients of whom an event, a result or a plan may ask for a task."""
    if not asked.is_now or asked.among is not None:
        everybody = known_patients(reading, asked)
        return everybody if everybody is None else pl.Series("patient_id", everybody)
    some = pl.concat(
        [
            reading.patients_in([State.PAUSED, State.HANDED_OVER], events_of=OPENING),
            reading.patients_with_results(TO_BE_READ, markers=[*MARKERS]),
            reading.patients_to_settle(datetime.combine(asked.as_of - NOT_YET, time.min, tzinfo=UTC)),
        ]
    ).unique()
    return pl.Series("patient_id", known_patients(reading, replace(asked, among=some)))


def _of_events(then: Known, states: pl.DataFrame, as_of: date) -> pl.DataFrame:
    happened = happened_by(then.days, then.facts.events, then.facts.examinations)
    episodes = states.select(*EPISODES, "r2_on")
    return apply_events(episodes, happened, as_of=as_of).tasks


def _r2(reading: Reading, then: Known, asked: Asked) -> pl.DataFrame:
    """The resections after which nothing is planned, since tumour was left behind: `episode_id, r2_on`.

    Pathology is signed and no plan is followed: since the day on which the last one was superseded, else since
    pathology was signed for the first time.
    """
    resected = then.facts.episodes.filter(pl.col("resection_id").is_not_null())
    unplanned = resected.join(then.facts.plans, on="episode_id", how="anti")
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


def _of_results(then: Known, rules: Rules, asked: Asked) -> Iterator[pl.DataFrame]:
    """The tasks of examinations, by the rule of the protocol that each episode follows."""
    reference = pl.format("{}@{}", "protocol_id", "protocol_version")
    plans = then.facts.plans.select("episode_id", protocol=reference)
    results = (
        then.facts.examinations.join(
            then.facts.episodes.select("episode_id", "anchor_on"), on="episode_id", maintain_order="left"
        )
        .join(plans, on="episode_id", how="left", maintain_order="left")
        .with_columns(pl.col("protocol").fill_null(rules.protocol.reference), _day("reviewed", asked))
    )
    for (protocol,), theirs in results.group_by("protocol", maintain_order=True):
        yield result_tasks(theirs.select(*RESULTS), rules.rulebook.protocol(str(protocol)))


def _plan_versions(reading: Reading, then: Known, asked: Asked) -> pl.DataFrame:
    """The versions (`PLAN_VERSIONS`) of the plans of these episodes; of those provisional now, where that is asked."""
    episodes = then.facts.plans.filter("provisional") if asked.is_now else then.facts.episodes
    if episodes.is_empty():
        return pl.DataFrame(schema=PLAN_VERSIONS)
    states = then.standing.states.select("patient_id", "episode_id", "anchor_on", "ended_on")
    return (
        reading.plan_versions_of(episodes["episode_id"], known_at=asked.known_at)
        .join(states, on="episode_id", maintain_order="left")
        .with_columns(
            pl.col("because").str.json_decode(pl.List(pl.String)), _day("recorded", asked), _day("superseded", asked)
        )
        .select(*PLAN_VERSIONS)
    )


def _day(moment: str, asked: Asked) -> pl.Expr:
    """The UTC day of a moment, named `…_on`; what is recorded already is not after today, wherever today is."""
    day = pl.col(f"{moment}_at").dt.date()
    by_today = pl.when(day <= asked.as_of).then(day).when(day.is_not_null()).then(pl.lit(asked.as_of))
    return (by_today if asked.is_now else day).alias(f"{moment}_on")
