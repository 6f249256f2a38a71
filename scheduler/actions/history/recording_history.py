"""Recording what happened long ago, day by day: each patient's facts in the order of their days.

Inside somebody's transaction. An imported history leaves the registry as it would be had every fact been recorded on
its day, since catch-up and short-interval visits come from what was known then. Patients are independent of each
other: a round takes the next day of every one of them at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.events.storing_events import store_events
from scheduler.actions.history.known_history import (
    GIVEN_EVENTS,
    GIVEN_EXAMINATIONS,
    Outcome,
    compare_events,
    compare_examinations,
)
from scheduler.actions.plans.changing_visits import STAYS, VISIT_CHANGES
from scheduler.actions.plans.following import STATE_CHANGES, Followed, Why, follow
from scheduler.actions.plans.rules import Rules
from scheduler.core.chains import CHAINS
from scheduler.core.event_details import WORDS
from scheduler.core.verdicts import VERDICTS
from scheduler.store.transaction import Transaction

FACTS: dict[str, pl.DataType] = {**GIVEN_EXAMINATIONS, **GIVEN_EVENTS}
SAID_OF_EXAMINATIONS = ("procedure", "performed_on", "result_status", "finding", "value")
SAID_OF_EVENTS = ("event", "on", "detail")


@dataclass(frozen=True, kw_only=True)
class Round:
    """One of the rounds is done: which of how many, and whom it followed as of which day (`standing.DAYS`)."""

    number: int  # from 1
    of: int
    days: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class History:
    """What became of each examination and event that was given, and of the patients' episodes and visits.

    `examinations` and `events` are as they were given, with `outcome`; examinations also with the `examination_id` of
    those that are stored (missing for one that repeats another given one). `differences` is as `known_history` says.
    """

    examinations: pl.DataFrame
    events: pl.DataFrame
    differences: pl.DataFrame
    states: pl.DataFrame  # STATE_CHANGES of all rounds
    changes: pl.DataFrame  # VISIT_CHANGES of all rounds, but for visits that stay as they are
    verdicts: pl.DataFrame  # VERDICTS of every examination of the patients of whom anything was stored


def record_history(
    transaction: Transaction,
    rules: Rules,
    *,
    examinations: pl.DataFrame,
    events: pl.DataFrame,
    today: date,
    actor: str,
    after_round: Callable[[Round], None] = lambda _round: None,
) -> History:
    """Store the examinations (`GIVEN_EXAMINATIONS`) and events (`GIVEN_EVENTS`) that are not stored yet.

    Whatever the order of the rows, each patient is followed after each day of theirs, as of that day or, where a later
    fact is recorded already, as of the last one up to `today`; at the end everybody of whom anything was stored is
    followed as of `today`. Of a procedure and day that is stored otherwise nothing is stored. One audit row tells of
    each fact. The records of the patients of whom anything was stored count as changed: a reminder that is being sent
    meanwhile is decided about anew. Other columns that are given come back as they are.
    """
    patients = pl.concat([examinations["patient_id"], events["patient_id"]]).unique()
    transaction.lock_patients(patients)
    compared, differences = compare_examinations(transaction, examinations)
    outcomes = compare_events(transaction, events)
    is_new = pl.col("outcome") == Outcome.STORED.value
    told = pl.concat([examinations, compared], how="horizontal")
    told = _with_ids(transaction, told, is_new)
    told_events = events.with_columns(outcomes)
    work = _Work(transaction=transaction, rules=rules, actor=actor, today=today)
    new, new_events = told.filter(is_new), told_events.filter(is_new)
    followed = list(work.rounds(new, new_events, after_round))
    transaction.raise_versions(pl.concat([new["patient_id"], new_events["patient_id"]]).unique())
    return History(
        examinations=told,
        events=told_events,
        differences=differences,
        states=pl.concat([pl.DataFrame(schema=STATE_CHANGES), *(each.states for each in followed)]),
        changes=pl.concat([pl.DataFrame(schema=VISIT_CHANGES), *(_changed(each) for each in followed)]),
        verdicts=followed[-1].verdicts if followed else pl.DataFrame(schema=VERDICTS),
    )


def _changed(followed: Followed) -> pl.DataFrame:
    return followed.changes.filter(~pl.col("change").is_in(STAYS))


def _with_ids(transaction: Transaction, told: pl.DataFrame, is_new: pl.Expr) -> pl.DataFrame:
    """With the ids of new examinations, rising with their days, whatever the order in which they are given."""
    new = told.with_row_index("position").filter(is_new).sort("performed_on", "patient_id", "procedure")
    ids = pl.Series("new_id", transaction.reserve_ids("examinations", new.height), dtype=pl.Int64)
    both = told.with_row_index("position").join(
        new.select("position", ids), on="position", how="left", maintain_order="left"
    )
    return both.with_columns(pl.coalesce("new_id", "examination_id").alias("examination_id")).drop("new_id", "position")


@dataclass(frozen=True, kw_only=True)
class _Work:
    """Storing new facts and following their patients, a day of each at a time."""

    transaction: Transaction
    rules: Rules
    actor: str
    today: date

    def rounds(
        self, examinations: pl.DataFrame, events: pl.DataFrame, after_round: Callable[[Round], None]
    ) -> Iterator[Followed]:
        """Follow after each day, and everybody once more as of today."""
        calendar = self._calendar(examinations, events)
        if calendar.is_empty():
            return
        numbers = calendar["number"].unique().sort().to_list()
        is_of_today = len(numbers) == 1 and bool((calendar["today"] == self.today).all())
        last = len(numbers) + (not is_of_today)
        for number in numbers:
            on_days = calendar.filter(pl.col("number") == number)
            why = Why(
                chains=self._store(
                    examinations.join(on_days, left_on=["patient_id", "performed_on"], right_on=["patient_id", "day"]),
                    events.join(on_days, left_on=["patient_id", "on"], right_on=["patient_id", "day"]),
                )
            )
            days = on_days.select("patient_id", "today")
            yield follow(self.transaction, days, self.rules, why=why)
            after_round(Round(number=number, of=last, days=days))
        if is_of_today:
            return
        everybody = calendar.select(pl.col("patient_id").unique().sort(), today=pl.lit(self.today))
        yield follow(self.transaction, everybody, self.rules)
        after_round(Round(number=last, of=last, days=everybody))

    def _calendar(self, examinations: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        """Each patient's days: `patient_id, day, number` (of the round), `today` (as of when they are followed)."""
        days = pl.concat(
            [examinations.select("patient_id", day="performed_on"), events.select("patient_id", day="on")]
        ).unique()
        known = self._last_known(days["patient_id"].unique())
        return (
            days.join(known, on="patient_id", how="left")
            .sort("patient_id", "day")
            .with_columns(
                number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("patient_id"),
                today=pl.min_horizontal(pl.max_horizontal("day", "known_on"), pl.lit(self.today)),
            )
            .select("patient_id", "day", "number", "today")
        )

    def _last_known(self, patients: pl.Series) -> pl.DataFrame:
        """The day of the last fact that is recorded of each patient, up to today: `patient_id, known_on`."""
        episodes = self.transaction.episodes_of(patients)["episode_id"]
        examined = self.transaction.examinations_of(episodes).select("patient_id", known_on="performed_on")
        happened = self.transaction.events_of(patients).select("patient_id", known_on="happened_on")
        planned = self._planned_again(patients)
        recorded = pl.concat([examined, happened, planned]).filter(pl.col("known_on") <= self.today)
        return recorded.group_by("patient_id").agg(pl.col("known_on").max())

    def _planned_again(self, patients: pl.Series) -> pl.DataFrame:
        """The day of the last plan of each patient whose plan is not the first: what is past by then stays as it is."""
        episodes = self.transaction.episodes_of(patients).select("episode_id", "patient_id")
        plans = self.transaction.current_plans(episodes["episode_id"]).filter(pl.col("version") > 1)
        on = pl.min_horizontal(pl.col("recorded_at").dt.date(), pl.lit(self.today))
        return plans.join(episodes, on="episode_id").select("patient_id", known_on=on)

    def _store(self, examinations: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
        """Store one round's facts with their audit rows; gives what they lead to (`following.CHAINS`)."""
        in_order = examinations.sort("examination_id")
        events_in_order = events.sort("patient_id", "on", "event", "detail", nulls_last=False)
        told = _told_of_events(events_in_order)
        self._store_examinations(in_order)
        self._store_events(events_in_order)
        steps = [
            _said(in_order, "examination", SAID_OF_EXAMINATIONS),
            _said(told, "event", SAID_OF_EVENTS),
        ]
        chains = pl.concat(steps).group_by("patient_id", maintain_order=True).agg(pl.col("steps").str.join(","))
        return chains.select(pl.col(name).cast(kind) for name, kind in CHAINS.items())

    def _store_examinations(self, examinations: pl.DataFrame) -> None:
        self.transaction.append(
            "examinations",
            self._with_episodes(examinations, "performed_on").select(
                pl.col("examination_id").alias("id"),
                *GIVEN_EXAMINATIONS,
                "episode_id",
                number=pl.lit(1),
                version=pl.lit(1),
                state=pl.lit("recorded"),
                reviewed_at=pl.when(pl.col("reviewed_by").is_not_null()).then(pl.lit(self.transaction.recorded_at)),
                recorded_by=pl.lit(self.actor),
            ),
        )
        self._audit(examinations, "record_examination", SAID_OF_EXAMINATIONS)

    def _store_events(self, events: pl.DataFrame) -> None:
        dated = self._with_episodes(events, "on").rename({"on": "happened_on"})
        store_events(
            self.transaction, dated.with_columns(pl.col("detail").fill_null(""), recorded_by=pl.lit(self.actor))
        )
        self._audit(_told_of_events(events), "record_event", SAID_OF_EVENTS)

    def _audit(self, facts: pl.DataFrame, action: str, names: tuple[str, ...]) -> None:
        rows = facts.select(
            "patient_id",
            action=pl.lit(action),
            details=pl.struct(*names, imported=pl.lit(value=True)).struct.json_encode(),
        )
        audit(self.transaction, rows, actor=self.actor)

    def _with_episodes(self, facts: pl.DataFrame, day: str) -> pl.DataFrame:
        """Each fact under the last episode that began before its day; the first one for what comes before all."""
        episodes = self.transaction.episodes_of(facts["patient_id"].unique()).sort("anchor_on")
        first = episodes.unique("patient_id", keep="first").select("patient_id", first_id="episode_id")
        return (
            facts.with_row_index("nth")
            .with_columns(before_on=pl.col(day) - pl.duration(days=1))
            .sort("before_on")
            .join_asof(
                episodes.select("patient_id", "anchor_on", "episode_id"),
                left_on="before_on",
                right_on="anchor_on",
                by="patient_id",
                check_sortedness=False,
            )
            .join(first, on="patient_id")
            .with_columns(pl.coalesce("episode_id", "first_id").alias("episode_id"))
            .sort("nth")
        )


def _told_of_events(events: pl.DataFrame) -> pl.DataFrame:
    """Events as they are told beside their record: of the details only our words, not what a person wrote freely."""
    is_word = pl.col("event").is_in([event.value for event in WORDS])
    return events.with_columns(pl.when(is_word).then("detail").alias("detail"))


def _said(facts: pl.DataFrame, step: str, names: tuple[str, ...]) -> pl.DataFrame:
    """Each fact as a step of what led to a change: `patient_id, steps`."""
    words = pl.struct(pl.lit(step).alias("step"), *names).struct.json_encode()
    return facts.select("patient_id", steps=words)
