"""Where the episodes of some patients stand, from all that is recorded of them.

Takes episodes, events, examinations and the day as of which each patient is looked at; gives the state of every
episode, the episodes that a treatment begins, what events ask to be done, and the episode that each examination
belongs to. The daily work and a question about a past day both ask here. It knows no plan and no visit.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from scheduler.core.episode_tasks import TASKS
from scheduler.core.episodes import EPISODES, NEW_EPISODES, STATES, EpisodeStates, apply_events
from scheduler.core.event_lines import State
from scheduler.core.events import ANCHORING, EVENTS, Event
from scheduler.core.recurrence_findings import recurrences

DAYS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "today": pl.Date(),  # the day as of which the patient is looked at
}
CHANGING = (
    Event.RECURRENCE,
    Event.NON_CURATIVE_TREATMENT,
    *ANCHORING,
    Event.TRANSFER_ACCEPTED,
    Event.REOPENED,
    Event.DEATH,
)
OPENING = (Event.TRANSFER, Event.LOST, Event.CONSENT_WITHDRAWN)  # a task, and change no state
BELONGING: dict[str, pl.DataType] = {"examination_id": pl.Int64(), "episode_id": pl.Int64()}
VOID = "the treatment that began it was taken back"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """States of the stored episodes (`STATES`), episodes to begin (`NEW_EPISODES`), and whose each examination is."""

    states: pl.DataFrame
    new_episodes: pl.DataFrame
    belonging: pl.DataFrame  # BELONGING
    applied: EpisodeStates | None  # of the patients whose events do something; None where there are none

    @cached_property
    def tasks(self) -> pl.DataFrame:
        """What events ask to be done (`TASKS`), whatever the day each was closed on."""
        return self.applied.tasks if self.applied else pl.DataFrame(schema=TASKS)


def stand(days: pl.DataFrame, *, episodes: pl.DataFrame, events: pl.DataFrame, examinations: pl.DataFrame) -> Standing:
    """Where each episode stands as of its patient's day (`DAYS`), that day included.

    `episodes` has `episode_id, patient_id, resection_id, anchor_on`, and `r2_on` where `apply_events` is to know it;
    `events` are `EVENTS`; `examinations` has what `recurrences` needs and `examination_id`. A recurrence that an
    examination found counts as an event. An episode that rests on no resection is ended where the treatment on its
    anchor's day is not among the events any more.

    >>> from datetime import date
    >>> days = pl.DataFrame([(7, date(2026, 5, 1))], schema=DAYS, orient="row")
    >>> episode = {"episode_id": 1, "patient_id": 7, "resection_id": 1, "anchor_on": date(2026, 1, 31)}
    >>> scan = {"examination_id": 3, "patient_id": 7, "performed_on": date(2026, 5, 1), "recorded_at": None}
    >>> scan |= {"result_status": "final", "finding": "intrahepatic_recurrence"}
    >>> stood = stand(
    ...     days,
    ...     episodes=pl.DataFrame([episode]),
    ...     events=pl.DataFrame(schema=EVENTS),
    ...     examinations=pl.DataFrame([scan]),
    ... )
    >>> stood.states["state"].to_list(), stood.belonging.row(0)
    (['paused'], (3, 1))
    """
    happened = happened_by(days, events, examinations)
    stands, void = _without_void(episodes, happened)
    eventful = _eventful(stands, happened)
    states = [_active(stands.filter(~pl.col("patient_id").is_in(eventful.implode()))), _ended(void)]
    applied = _applied(days, stands.filter(pl.col("patient_id").is_in(eventful.implode())), happened)
    if applied:
        states.append(applied.states.filter(pl.col("episode_id").is_not_null()))
    return Standing(
        states=pl.concat(states).sort("patient_id", "anchor_on", "episode_id"),
        new_episodes=applied.new_episodes if applied else pl.DataFrame(schema=NEW_EPISODES),
        belonging=_belonging(examinations, stands),
        applied=applied,
    )


def happened_by(days: pl.DataFrame, events: pl.DataFrame, examinations: pl.DataFrame) -> pl.DataFrame:
    """The events (`EVENTS`) up to and on each patient's day, and the recurrences that examinations found by then.

    >>> from datetime import date
    >>> days = pl.DataFrame([(7, date(2026, 5, 1))], schema=DAYS, orient="row")
    >>> events = pl.DataFrame([(7, "lost", date(2026, 5, 2), None, None)], schema=EVENTS, orient="row")
    >>> nothing = {"patient_id": pl.Int64, "performed_on": pl.Date, "result_status": pl.String, "finding": pl.String}
    >>> happened_by(days, events, pl.DataFrame(schema=nothing | {"recorded_at": EVENTS["recorded_at"]})).height
    0
    """
    if events.is_empty() and examinations.is_empty():
        return events.select(*EVENTS)
    found = recurrences(examinations)
    if events.is_empty() and found.is_empty():
        return events.select(*EVENTS)
    known = pl.concat([events.select(*EVENTS), found])
    return known.join(days, on="patient_id").filter(pl.col("on") <= pl.col("today")).select(*EVENTS)


def _without_void(episodes: pl.DataFrame, happened: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The episodes that stand, and those whose treatment is not recorded (any more)."""
    later = pl.col("resection_id").is_null()
    if not episodes.select(later.any()).item():
        return episodes, episodes.clear()
    begun = happened.filter(pl.col("event").is_in([event.value for event in ANCHORING])).select(
        "patient_id", anchor_on="on"
    )
    void = episodes.filter(later).join(begun, on=["patient_id", "anchor_on"], how="anti")
    return episodes.join(void, on="episode_id", how="anti", maintain_order="left"), void


def _eventful(episodes: pl.DataFrame, happened: pl.DataFrame) -> pl.Series:
    """The patients of whom something changes a state or opens a task; the others are under surveillance."""
    events = pl.col("event").is_in([event.value for event in (*CHANGING, *OPENING)])
    patients = happened.filter(events)["patient_id"]
    if "r2_on" in episodes.columns:
        patients = pl.concat([patients, episodes.drop_nulls("r2_on")["patient_id"]])
    return patients.unique()


def _applied(days: pl.DataFrame, episodes: pl.DataFrame, happened: pl.DataFrame) -> EpisodeStates | None:
    """What the events of the eventful make of their episodes."""
    if episodes.is_empty():
        return None
    columns = [name for name in (*EPISODES, "r2_on") if name in episodes.columns]
    last_day: date = days["today"].max()  # type: ignore[assignment]  # a column of days has a day
    return apply_events(episodes.select(columns), happened, as_of=last_day)


def _active(episodes: pl.DataFrame) -> pl.DataFrame:
    """Episodes of whose patients nothing is recorded, as `STATES`."""
    state = pl.lit(State.ACTIVE.value)
    return _as_states(episodes, state, ended_on=pl.lit(None), because=pl.lit("under surveillance"))


def _ended(void: pl.DataFrame) -> pl.DataFrame:
    """Episodes that should never have begun, ended on the day they began."""
    return _as_states(void, pl.lit(State.ENDED.value), ended_on=pl.col("anchor_on"), because=pl.lit(VOID))


def _as_states(episodes: pl.DataFrame, state: pl.Expr, *, ended_on: pl.Expr, because: pl.Expr) -> pl.DataFrame:
    columns = {"state": state, "since_on": pl.col("anchor_on"), "ended_on": ended_on, "because": because}
    return episodes.with_columns(**columns).select(pl.col(name).cast(kind) for name, kind in STATES.items())


def _belonging(examinations: pl.DataFrame, episodes: pl.DataFrame) -> pl.DataFrame:
    """The last episode that began before each examination's day; the first one for what comes before all.

    An examination on the day of a later treatment belongs to the episode that the treatment ends.
    """
    if examinations.is_empty():
        return pl.DataFrame(schema=BELONGING)
    first = episodes.group_by("patient_id").agg(pl.col("episode_id", "anchor_on").min_by("anchor_on"))
    if episodes.height == first.height:
        owners = examinations.select("examination_id", "patient_id").join(first, on="patient_id")
        return owners.select("examination_id", "episode_id")
    begun = episodes.select("patient_id", "anchor_on", "episode_id").sort("anchor_on")
    return (
        examinations.select("examination_id", "patient_id", before_on=pl.col("performed_on") - pl.duration(days=1))
        .sort("before_on")
        .join_asof(begun, left_on="before_on", right_on="anchor_on", by="patient_id", check_sortedness=False)
        .join(first.select("patient_id", first_id="episode_id"), on="patient_id")
        .select("examination_id", pl.coalesce("episode_id", "first_id"))
    )
