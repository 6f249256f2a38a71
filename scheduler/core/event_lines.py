"""Every event on the line of the episode that it belongs to, with the state before and after it.

Takes episodes and events in order; gives lines. A curative treatment ends one episode and anchors the next, and so
does an episode that is simply there. After a death nothing changes any more.
"""

from enum import StrEnum
from functools import cache

import polars as pl

from scheduler.core.events import ANCHORING, BEFORE_TREATMENT, EVENTS, Event


class State(StrEnum):
    """Where an episode of surveillance stands; a later word outweighs an earlier one until it is re-opened."""

    ACTIVE = "active"
    PAUSED = "paused"  # a treatment decision is awaited
    HANDED_OVER = "handed_over"  # a treating team follows; the outcome is still recorded
    ENDED = "ended"

    @property
    def weight(self) -> int:
        """Its place, counted from 0."""
        return list(State).index(self)


NEXT_EPISODE = "next_episode"  # a line of its own: the next episode's anchor ends this one
R2_SIGNED = "r2_signed"  # a line of its own: residual tumour, no surveillance

# The place of an event among those of its day: the next episode comes after the treatment that begins it.
AFTER_TREATMENT = tuple(event for event in Event if event not in BEFORE_TREATMENT)
RANK = pl.Enum([R2_SIGNED, *BEFORE_TREATMENT, NEXT_EPISODE, *AFTER_TREATMENT])

ON_A_LINE = ("patient_id", "anchor_on")

LINES: dict[str, pl.DataType] = EVENTS | {
    "episode_id": pl.Int64(),  # missing where the episode is yet to be stored
    "anchor_on": pl.Date(),  # missing where the event belongs to no episode
    "place": pl.Int64(),  # its place in the order
    "died_on": pl.Date(),  # the patient's death, where the event comes after it
    "before": pl.String(),  # the State of the episode before it
    "after": pl.String(),
    "is_change": pl.Boolean(),
}


def with_new_anchors(episodes: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """The episodes and those that a treatment begins, without an id, by patient and anchor; `begun_by` says which.

    A treatment on or before the first anchor begins none, nor does one after a death.

    >>> from datetime import UTC, date, datetime
    >>> stored = pl.DataFrame({"episode_id": [1], "patient_id": [7], "anchor_on": [date(2026, 1, 31)]})
    >>> event = (7, "curative_treatment", date(2026, 6, 1), "ablation", datetime(2026, 6, 2, tzinfo=UTC))
    >>> events = pl.DataFrame([event], schema=EVENTS, orient="row")
    >>> with_new_anchors(stored, events).select("episode_id", "anchor_on", "begun_by").rows()[-1]
    (None, datetime.date(2026, 6, 1), 'curative_treatment')
    """
    anchoring = events.filter(_is(*ANCHORING))
    if anchoring.is_empty():
        nothing = pl.lit(None, dtype=pl.String)
        with_begun = episodes.with_columns(begun_by=nothing, treatment=nothing)
    else:
        begun = _begun(anchoring, episodes, deaths(events))
        with_begun = episodes.join(begun, on=ON_A_LINE, how="full", coalesce=True)
    return with_begun.sort("patient_id", "anchor_on", "episode_id", nulls_last=True)


def lines_of(stretches: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Every event on its line (`LINES`), and a line where the next episode or an R2 report is the event, in order.

    `stretches` as `with_new_anchors` gives them, `events` in order. An event belongs to the last episode anchored on
    or before its day; a recurrence or treatment on an anchor's day to the episode before.

    >>> from datetime import UTC, date, datetime
    >>> known = datetime(2026, 6, 2, tzinfo=UTC)
    >>> events = pl.DataFrame([(7, "death", date(2026, 6, 1), None, known)], schema=EVENTS, orient="row")
    >>> columns = {"patient_id": 7, "episode_id": 1, "anchor_on": date(2026, 1, 31)}
    >>> nothing = {"r2_on": pl.lit(None, pl.Date), "begun_by": pl.lit(None, pl.String)}
    >>> stretches = pl.DataFrame([columns]).with_columns(**nothing, treatment=pl.lit(None, pl.String))
    >>> lines_of(stretches, events).select("event", "before", "after", "is_change").row(0)
    ('death', 'active', 'ended', True)
    """
    belonging = _belonging(_with_deaths(events), stretches)
    lines = pl.concat([belonging, *_lines_of_their_own(stretches)], how="diagonal_relaxed")
    is_reopening = _is(Event.REOPENED) & _counts()
    return (
        lines.sort("patient_id", "on", pl.col("event").cast(RANK), pl.col("detail").fill_null(""), nulls_last=True)
        .with_columns(
            place=pl.int_range(pl.len(), dtype=pl.Int64),
            weight=_weight(),
            stage=is_reopening.cast(pl.Int64).cum_sum().over(ON_A_LINE),
        )
        .with_columns(reached=pl.col("weight").cum_max().over(*ON_A_LINE, "stage"))
        .with_columns(was=pl.col("reached").shift(1).over(ON_A_LINE).fill_null(0))
        .with_columns(before=_named("was"), after=_named("reached"), is_change=pl.col("was") != pl.col("reached"))
        .select(pl.col(name).cast(kind) for name, kind in LINES.items())
    )


def deaths(events: pl.DataFrame) -> pl.DataFrame:
    """The day on which each patient died, the earliest recorded: `patient_id, died_on`.

    >>> from datetime import date
    >>> days = [date(2026, 6, 3), date(2026, 6, 1)]
    >>> deaths(pl.DataFrame({"patient_id": [7, 7], "event": ["death", "death"], "on": days}))["died_on"].to_list()
    [datetime.date(2026, 6, 1)]
    """
    return events.filter(_is(Event.DEATH)).group_by("patient_id").agg(died_on=pl.col("on").min())


def _begun(anchoring: pl.DataFrame, episodes: pl.DataFrame, died: pl.DataFrame) -> pl.DataFrame:
    """The anchors that treatments set: after the patient's first one, and not after a death."""
    first = episodes.group_by("patient_id").agg(first_on=pl.col("anchor_on").min())
    return (
        anchoring.join(first, on="patient_id")
        .join(died, on="patient_id", how="left")
        .filter(pl.col("on") > pl.col("first_on"), (pl.col("on") <= pl.col("died_on")).fill_null(value=True))
        .group_by("patient_id", anchor_on="on")
        .agg(begun_by=pl.col("event").last(), treatment=pl.col("detail").last())
    )


def _with_deaths(events: pl.DataFrame) -> pl.DataFrame:
    """The events with `died_on`, the death before each."""
    died = deaths(events)
    if died.is_empty():
        return events.with_columns(died_on=pl.lit(None, dtype=pl.Date))
    return events.join(died, on="patient_id", how="left").with_columns(died_on=_if_after_death())


def _belonging(events: pl.DataFrame, stretches: pl.DataFrame) -> pl.DataFrame:
    """The events with the episode that each belongs to; missing for one before the first anchor."""
    first = stretches.group_by("patient_id").agg(first_on=pl.col("anchor_on").min())
    day_before = _is(*BEFORE_TREATMENT)
    belongs_on = pl.when(day_before & (pl.col("on") > pl.col("first_on"))).then(pl.col("on") - pl.duration(days=1))
    return (
        events.join(first, on="patient_id", how="left")
        .with_columns(belongs_on=belongs_on.otherwise("on"))
        .sort("belongs_on")
        .join_asof(
            stretches.select("patient_id", "episode_id", "anchor_on").sort("anchor_on"),
            left_on="belongs_on",
            right_on="anchor_on",
            by="patient_id",
            coalesce=False,
            check_sortedness=False,
        )
        .drop("first_on", "belongs_on")
    )


def _lines_of_their_own(stretches: pl.DataFrame) -> list[pl.DataFrame]:
    """A line for each episode that another one follows, and for each that rests on an R2 resection."""
    return [lines for lines in (_ends(stretches), _left_behind(stretches)) if not lines.is_empty()]


def _ends(stretches: pl.DataFrame) -> pl.DataFrame:
    if not stretches["patient_id"].is_duplicated().any():
        return stretches.clear()
    follower = pl.col("anchor_on").shift(-1).over("patient_id")
    how = pl.col("begun_by").shift(-1).over("patient_id")
    which = pl.col("treatment").shift(-1).over("patient_id")
    own = stretches.with_columns(follower=follower, how=how, which=which)
    return own.filter(pl.col("follower").is_not_null()).select(
        *ON_A_LINE, "episode_id", on="follower", event=pl.lit(NEXT_EPISODE), detail=_begun_by()
    )


def _left_behind(stretches: pl.DataFrame) -> pl.DataFrame:
    signed = stretches.filter(pl.col("r2_on").is_not_null())
    return signed.select(*ON_A_LINE, "episode_id", on="r2_on", event=pl.lit(R2_SIGNED))


def _begun_by() -> pl.Expr:
    """What the next episode begins with, in words."""
    treatment = pl.concat_str("how", pl.format("({})", "which"), separator=" ", ignore_nulls=True)
    return pl.when(pl.col("how").is_null()).then(pl.lit("resection")).otherwise(treatment).str.replace_all("_", " ")


def _if_after_death() -> pl.Expr:
    """The death, where an event comes after it: on a later day, or a second death."""
    is_death = _is(Event.DEATH)
    earlier = is_death.cast(pl.Int64).cum_sum().over("patient_id") - is_death.cast(pl.Int64)
    return pl.when(earlier > 0).then("died_on")


@cache
def _weight() -> pl.Expr:
    """How much the state that an event leads to weighs; 0 for one that leads to none."""
    to_paused = _is(Event.RECURRENCE) & (pl.col("detail") == "intrahepatic")
    to_team = _is(Event.RECURRENCE, Event.NON_CURATIVE_TREATMENT)
    to_end = _is(Event.TRANSFER_ACCEPTED, Event.DEATH, NEXT_EPISODE)
    return (
        pl.when(~_counts())
        .then(State.ACTIVE.weight)
        .when(to_end)
        .then(State.ENDED.weight)
        .when(to_paused)
        .then(State.PAUSED.weight)
        .when(to_team)
        .then(State.HANDED_OVER.weight)
        .otherwise(State.ACTIVE.weight)
    )


def _counts() -> pl.Expr:
    """Whether an event may change a state: it belongs to an episode and comes before any death."""
    return pl.col("anchor_on").is_not_null() & pl.col("died_on").is_null()


def _is(*events: str) -> pl.Expr:
    return pl.col("event").is_in(list(map(str, events)))


def _named(weight: str) -> pl.Expr:
    names = pl.lit(pl.Series([state.value for state in State]))
    return pl.when(pl.col("anchor_on").is_not_null()).then(names.gather(pl.col(weight)))
