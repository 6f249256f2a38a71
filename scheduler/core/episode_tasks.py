"""What somebody has to do because of an event: by when, who, and since when it is done.

Takes events on the lines of their episodes; gives tasks. A task is derived, never stored: it is open until a later
event closes it. How many days are given is policy, except for the treatment decision.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import polars as pl

from scheduler.core.event_lines import NEXT_EPISODE, R2_SIGNED, State
from scheduler.core.events import CONTACTS, Event

TASKS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),  # missing where the episode is yet to be stored
    "anchor_on": pl.Date(),
    "task": pl.String(),  # a Task
    "opened_on": pl.Date(),
    "due_on": pl.Date(),  # the last day, inclusive
    "owner": pl.String(),  # a role: treating clinician, coordinator, surgeon, registry auditor
    "reason": pl.String(),
    "closed_on": pl.Date(),  # missing while it is open
}


class Task(StrEnum):
    """What is to be done: because of an event (here), of a result (`result_tasks`), of a report (`report_tasks`)."""

    TREATMENT_DECISION = "treatment_decision"
    ACKNOWLEDGE_HAND_OVER = "acknowledge_hand_over"
    ACCEPT_TRANSFER = "accept_transfer"
    FIND_PATIENT = "find_patient"
    DECIDE_AFTER_R2 = "decide_after_r2"
    REMOVE_FROM_REGISTRY = "remove_from_registry"
    AWAITED_RESULT = "awaited_result"
    UNREAD_RESULT = "unread_result"
    MARKER_RISE = "marker_rise"
    SIGN_PATHOLOGY = "sign_pathology"
    SETTLE_PROVISIONAL_PLAN = "settle_provisional_plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Who does a task and by when, and what opens and closes it."""

    owner: str
    due_days: int
    opens: pl.Expr
    closes: pl.Expr


def tasks_of(lines: pl.DataFrame) -> pl.DataFrame:
    """The tasks (`TASKS`) that the events of `LINES` open, each with the day on which one of them closed it.

    A second reason for an open task opens no second one. What would open after a death does not.

    >>> from datetime import date
    >>> line = {"patient_id": 7, "episode_id": 1, "anchor_on": date(2026, 1, 31), "place": 0, "died_on": None}
    >>> event = {"event": "lost", "on": date(2026, 6, 1), "detail": None}
    >>> state = {"before": "active", "after": "active", "is_change": False}
    >>> lines = pl.DataFrame([line | event | state], schema_overrides={"detail": pl.String})
    >>> tasks_of(lines).select("task", "due_on", "closed_on").row(0)
    ('find_patient', datetime.date(2026, 6, 15), None)
    """
    counted = lines.filter(pl.col("died_on").is_null(), pl.col("anchor_on").is_not_null())
    opens = counted.select(terms.opens.any().alias(task) for task, terms in _terms().items()).row(0, named=True)
    tasks = [_tasks(counted, task, terms) for task, terms in _terms().items() if opens[task]]
    if not tasks:
        return pl.DataFrame(schema=TASKS)
    return (
        pl.concat(tasks)
        .sort("place")
        .unique(["patient_id", "anchor_on", "task", "closed_on"], keep="first", maintain_order=True)
        .sort("patient_id", "opened_on", "place", "task")
        .select(pl.col(name).cast(kind) for name, kind in TASKS.items())
    )


@cache
def _terms() -> dict[Task, Terms]:
    changes, ended = pl.col("is_change"), _becomes(State.ENDED)
    return {
        Task.TREATMENT_DECISION: Terms(
            owner="treating clinician",
            due_days=30,
            opens=_becomes(State.PAUSED),
            closes=changes,
        ),
        Task.ACKNOWLEDGE_HAND_OVER: Terms(
            owner="treating clinician",
            due_days=14,
            opens=_becomes(State.HANDED_OVER),
            closes=changes | _is(Event.ACKNOWLEDGED),
        ),
        Task.ACCEPT_TRANSFER: Terms(
            owner="coordinator",
            due_days=30,
            opens=_is(Event.TRANSFER) & ~_has_ended(),
            closes=ended | _is(Event.TRANSFER_ACCEPTED, Event.REOPENED),
        ),
        Task.FIND_PATIENT: Terms(
            owner="coordinator",
            due_days=14,
            opens=_is(Event.LOST) & ~_has_ended(),
            closes=ended | _is(*CONTACTS, Event.REOPENED),
        ),
        Task.DECIDE_AFTER_R2: Terms(
            owner="surgeon",
            due_days=14,
            opens=_is(R2_SIGNED) & ~_has_ended(),
            closes=ended | _is(Event.NON_CURATIVE_TREATMENT, Event.REOPENED, NEXT_EPISODE),
        ),
        Task.REMOVE_FROM_REGISTRY: Terms(
            owner="registry auditor",
            due_days=30,
            opens=_is(Event.CONSENT_WITHDRAWN) & (pl.col("detail") == "registry"),
            closes=pl.lit(False),  # no event removes a patient: a person does
        ),
    }


def _tasks(lines: pl.DataFrame, task: Task, terms: Terms) -> pl.DataFrame:
    """The tasks of one kind, each with its first closing after it."""
    key = ["patient_id", "anchor_on"]
    closings = lines.filter(terms.closes).select(*key, closing_place="place", closing_on="on")
    opened = lines.filter(terms.opens).select(*key, "episode_id", "place", opened_on="on", reason=in_words())
    after = opened.join(closings, on=key).filter(pl.col("closing_place") > pl.col("place"))
    closed = after.group_by("place").agg(closed_on=pl.col("closing_on").min())
    return opened.join(closed, on="place", how="left").with_columns(
        task=pl.lit(task.value),
        due_on=pl.col("opened_on") + pl.duration(days=terms.due_days),
        owner=pl.lit(terms.owner),
    )


@cache
def in_words() -> pl.Expr:
    """An event in words, with its day: `intrahepatic recurrence on 2026-05-01`.

    >>> from datetime import date
    >>> line = {"event": "recurrence", "detail": "both", "on": date(2026, 5, 1)}
    >>> pl.DataFrame([line]).select(in_words()).item()
    'intrahepatic and extrahepatic recurrence on 2026-05-01'
    """
    detail = pl.col("detail").replace("both", "intrahepatic and extrahepatic").str.replace_all("_", " ")
    event = pl.col("event").str.replace_all("_", " ")
    named = (
        pl.when(_is(NEXT_EPISODE))
        .then(detail)
        .when(_is(R2_SIGNED))
        .then(pl.lit("residual tumour (R2) signed"))
        .when(pl.col("detail").is_null())
        .then(event)
        .when(_is(Event.RECURRENCE))
        .then(pl.concat_str(detail, event, separator=" "))
        .otherwise(pl.format("{} ({})", event, detail))
    )
    return pl.format("{} on {}", named, "on")


def _becomes(state: State) -> pl.Expr:
    return pl.col("is_change") & (pl.col("after") == state.value)


def _has_ended() -> pl.Expr:
    return pl.col("before") == State.ENDED.value


def _is(*events: str) -> pl.Expr:
    return pl.col("event").is_in(list(map(str, events)))
