"""What is to be done beside visits, as of a day: the tasks of events, of results and of reports, never stored.

Reads what is recorded. Asked about now, only the patients are looked at of whom something may ask for a task.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.worklist_facts import Asked, Known, known
from scheduler.core.episode_tasks import TASKS
from scheduler.core.event_lines import State
from scheduler.core.markers import VARIABLES as MARKERS
from scheduler.core.report_tasks import (
    PLAN_VERSIONS,
    PROVISIONAL_DAYS,
    SIGNINGS,
    pathology_tasks,
    provisional_plan_tasks,
)
from scheduler.core.result_tasks import RESULTS, TO_BE_READ, result_tasks
from scheduler.core.standing import OPENING
from scheduler.store.reading import Reading
from scheduler.store.reading.attention import Attention

NOT_YET = timedelta(days=PROVISIONAL_DAYS - 1)  # what became provisional on this day or later asks for nothing yet


def tasks_as_of(reading: Reading, rules: Rules, asked: Asked) -> pl.DataFrame:
    """The tasks (`TASKS`) as they were known, also those closed or not yet open on the day (`worklist.open_tasks`)."""
    signings = reading.signings(
        asked.among, awaiting="pathology" if asked.is_now else None, site=asked.site, known_at=asked.known_at
    ).with_columns(_day("pathology_signed", asked))
    then = known(reading, replace(asked, among=_who(reading, asked)))
    parts = [
        then.standing.tasks,
        *_of_results(then, rules, asked),
        pathology_tasks(signings.select(*SIGNINGS)),
        provisional_plan_tasks(_plan_versions(reading, then, asked)),
    ]
    return pl.concat([pl.DataFrame(schema=TASKS), *parts])


def _who(reading: Reading, asked: Asked) -> "pl.Series | None":
    """The patients of whom an event, a result or a plan may ask for a task; None for everybody."""
    if not asked.is_now or asked.among is not None:
        return asked.among
    attention = Attention(
        states=[State.PAUSED, State.HANDED_OVER],
        events=OPENING,
        findings=TO_BE_READ,
        markers=[*MARKERS],
        provisional_since=datetime.combine(asked.as_of - NOT_YET, time.min, tzinfo=UTC),
    )
    return reading.patients_needing(attention, site=asked.site)


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
