"""What follows from one thing recorded of one patient: the plan is brought in line, and held against what was before.

Inside somebody's transaction, around the writing: look first, write, then follow. Examinations, events and what is
taken back of either all end here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient
from scheduler.actions.one_patient import follow_one
from scheduler.actions.plans.facts import events_of
from scheduler.actions.plans.following import Followed
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reminders.findings import messages_after_death
from scheduler.core.episode_tasks import TASKS
from scheduler.core.episodes import EpisodeStates, apply_events
from scheduler.core.standing import DAYS, VOID, happened_by, stand
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

OTHER_VERDICTS: dict[str, pl.DataType] = {
    "examination_id": pl.Int64(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),
    "was": pl.String(),
    "verdict": pl.String(),
    "reason": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Before:
    """One patient as of a day, before anything is written."""

    patient: Patient
    today: date
    tasks: pl.DataFrame  # TASKS that are open
    verdicts: pl.DataFrame  # examination_id, was


@dataclass(frozen=True, kw_only=True)
class Consequences:
    """What changed about episodes and visits, and beside them about tasks and about other examinations.

    `opened` are the tasks to be done now that were not before, `closed` those that were to be done and are not any
    more (both `TASKS`); `effects` says what each event of the patient did; `other_verdicts` (`OTHER_VERDICTS`) are of
    examinations that were recorded before and count for something else now. `after_death` (`findings.AFTER_DEATH`) says
    how many messages went out since the death, where the patient is dead and any did.
    """

    followed: Followed
    effects: pl.DataFrame
    opened: pl.DataFrame
    closed: pl.DataFrame
    other_verdicts: pl.DataFrame
    after_death: pl.DataFrame


def look(transaction: Transaction, patient: Patient, *, today: date) -> Before:
    """How the patient stands before something is written."""
    episodes = transaction.episodes_of([patient.patient_id])["episode_id"]
    return Before(
        patient=patient,
        today=today,
        tasks=_open(applied(transaction, patient.patient_id, today=today).tasks),
        verdicts=transaction.verdicts_of(episodes).select("examination_id", was="verdict"),
    )


def follow_on(
    transaction: Transaction, rules: Rules, before: Before, *, step: Mapping[str, str | None]
) -> Consequences:
    """Bring the patient in line after something was written; `step` says what, and is kept with each changed visit."""
    followed = follow_one(transaction, before.patient, rules, today=before.today, step=step)
    after = applied(transaction, before.patient.patient_id, today=before.today)
    tasks = _open(after.tasks)
    return Consequences(
        followed=followed,
        effects=after.effects,
        opened=_not_among(tasks, before.tasks),
        closed=_not_among(before.tasks, tasks),
        other_verdicts=followed.verdicts.join(before.verdicts, on="examination_id")
        .filter(pl.col("verdict") != pl.col("was"))
        .select(*OTHER_VERDICTS),
        after_death=messages_after_death(transaction, before.patient.patient_id),
    )


def applied(reading: Reading, patient_id: int, *, today: date) -> EpisodeStates:
    """What the events of a patient make of the episodes as of a day, with the recurrences that examinations found.

    An episode whose treatment was taken back is left out.
    """
    days = pl.DataFrame([(patient_id, today)], schema=DAYS, orient="row")
    episodes = reading.episodes_of([patient_id])
    events = events_of(reading, [patient_id])
    examinations = reading.examinations_of(episodes["episode_id"])
    states = stand(days, episodes=episodes, events=events, examinations=examinations).states
    counted = states.filter(pl.col("because") != VOID).select("episode_id")
    return apply_events(episodes.join(counted, on="episode_id"), happened_by(days, events, examinations), as_of=today)


def _open(tasks: pl.DataFrame) -> pl.DataFrame:
    return tasks.filter(pl.col("closed_on").is_null())


def _not_among(tasks: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    return tasks.join(others, on=["patient_id", "anchor_on", "task", "opened_on"], how="anti").select(*TASKS)
