"""Visits between those of the grid, so that no liver imaging comes later than the plan's interval allows.

Takes what becomes of the visits when a plan changes, and the last completed imaging; gives `catch_up` visits, and
which visits of the plan they stand in for. A catch-up visit is wanted

- when the intensity has risen, so that liver imaging is done one interval after the last one, unless the window of
  the next visit includes that day; and
- whenever the next liver imaging is due later than the interval and both sides of its window after the last one,
  unless a clinician chose its day.

It comes no later than the visit that it replaces and not before today. Its month is that of the visit behind it, so
that the same need has the same key. It stands in for that visit where the one after is near enough for the interval
and its window; otherwise both are held. It does not match: what an examination answers has its verdict before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl

from scheduler.core.calendar import WorkingDays, months_after, with_due_on
from scheduler.core.liver_rhythm import LIVER_IMAGING, stood_in_for
from scheduler.core.procedure_lists import ProcedureLists
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.visit_changes import (
    CATCH_UP,
    Change,
    Today,
    after_the_change,
    day,
    episode_id,
    grid_month,
    has_origin,
    is_ahead,
    is_booked,
    is_new,
    was,
    with_key,
)

COMPLETED: dict[str, pl.DataType] = {
    "episode_id": pl.Int64(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),  # an adequate examination; the last one up to today counts
}
CHOSEN: dict[str, pl.DataType] = {"episode_id": pl.Int64(), "origin": pl.String(), "grid_month": pl.Int64()}
CATCH_UP_VISITS: dict[str, pl.DataType] = {
    "key": pl.Int64(),
    "procedures": pl.List(pl.String()),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "because": pl.String(),
}
STANDING: dict[str, pl.DataType] = {
    "key": pl.Int64(),
    "episode_id": pl.Int64(),
    "stands_in_on": pl.Date(),
    "imaged_on": pl.Date(),
}
NEXT = ("next_due_on", "next_months", "next_list_id")
STAYS_OPEN = [change.value for change in (Change.ADDED, Change.KEPT, Change.MOVED, Change.FLAGGED)]


@dataclass(frozen=True, kw_only=True)
class CatchingUp:
    """What catch-up visits are worked out from, for episodes of one site and protocol."""

    protocol: SurveillanceProtocol
    working_days: WorkingDays
    completed: pl.DataFrame  # COMPLETED; an episode without liver imaging counts from its resection
    raised: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.Int64))  # episodes whose intensity has risen
    chosen: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema=CHOSEN)
    )  # visits whose day a clinician chose

    def last_imaged(self, today: Today) -> pl.DataFrame:
        """The last completed liver imaging of each episode up to and on today: `episode_id, imaged_on`."""
        is_liver = pl.col("procedure") == LIVER_IMAGING
        done = self.completed.filter(is_liver, pl.col("performed_on") <= day(today, pl.col("episode_id")))
        return done.group_by("episode_id").agg(imaged_on=pl.col("performed_on").max())

    def is_raised(self) -> pl.Expr:
        """Whether the intensity of an episode has risen."""
        return pl.col("episode_id").is_in(self.raised.implode())

    def is_chosen(self) -> pl.Expr:
        """Whether a clinician chose the day of a visit, known by its `key`."""
        return pl.col("key").is_in(with_key(self.chosen)["key"].implode())

    def before(self, months: str) -> pl.Expr:
        """How long before its day the window of a visit opens, for an interval."""
        return _by_reach(months, {row.interval_up_to_months: row.opens_days_before for row in self.protocol.windows})

    def after(self, months: str) -> pl.Expr:
        """How long after its day the window of a visit closes, for an interval."""
        return _by_reach(months, {row.interval_up_to_months: row.closes_days_after for row in self.protocol.windows})

    def latest(self, last_on: str, months: str) -> pl.Expr:
        """The last day without a gap: the interval and both sides of its window after a day.

        >>> from datetime import date
        >>> from scheduler.core.protocols import Window
        >>> window = Window(interval_up_to_months=3, opens_days_before=14, closes_days_after=14, source="policy")
        >>> protocol = SurveillanceProtocol.model_construct(windows=(window,))
        >>> none = pl.DataFrame(schema=COMPLETED)
        >>> basis = CatchingUp(protocol=protocol, working_days=WorkingDays(), completed=none)
        >>> imaged = pl.DataFrame({"imaged_on": [date(2026, 4, 30)], "interval_months": [2]})
        >>> imaged.select(basis.latest("imaged_on", "interval_months")).item()
        datetime.date(2026, 7, 28)
        """
        return months_after(pl.col(last_on), pl.col(months)) + self.before(months) + self.after(months)


def _by_reach(months: str, days: Mapping[int, int]) -> pl.Expr:
    """The days of the first row that reaches as far as an interval, as a duration."""
    return pl.coalesce(
        pl.when(pl.col(months) <= reach).then(pl.lit(timedelta(days=each))) for reach, each in days.items()
    )


def standing(before: pl.DataFrame, basis: CatchingUp, *, today: Today) -> pl.DataFrame:
    """The catch-up visits that exist, open or done, as `stood_in_for` takes them.

    The next interval counts from the due day of an open one, and from the last imaging where it is done.
    """
    is_done = was("done") | pl.col("is_answered")
    found = before.filter(has_origin(CATCH_UP), was("open") | was("done"))
    if found.is_empty():
        return pl.DataFrame(schema=STANDING)
    return (
        found.with_columns(episode_id=episode_id(), stands_in_on=pl.col("was_due_on"))
        .join(basis.last_imaged(today), on="episode_id", how="left")
        .with_columns(imaged_on=pl.when(is_done).then("imaged_on").fill_null(pl.col("stands_in_on")))
        .select(*STANDING)
    )


def with_stand_ins(
    wanted: pl.DataFrame, planned: pl.DataFrame, catch_ups: pl.DataFrame, basis: CatchingUp, *, booked: pl.DataFrame
) -> pl.DataFrame:
    """The wanted visits; those that a catch-up visit stands in for have no `list_id` any more, and say why.

    What has an appointment (`booked`, by `key`) is held all the same. `reconcile` shows the outcome.
    """
    if catch_ups.is_empty():
        return wanted
    near_enough = pl.col("next_due_on") <= basis.latest("imaged_on", "next_months")
    replaced = stood_in_for(planned, catch_ups, near_enough=near_enough).join(booked, on="key", how="anti")
    because = pl.format("the catch-up visit due {} stands in for it", "stands_in_on")
    return (
        wanted.join(replaced.select("key", "stands_in_on"), on="key", how="left", maintain_order="left")
        .with_columns(
            list_id=pl.when(pl.col("stands_in_on").is_null()).then("list_id"),
            because=pl.coalesce(because, "because"),
        )
        .drop("stands_in_on")
    )


def catch_up_visits(
    pairs: pl.DataFrame, planned: pl.DataFrame, lists: ProcedureLists, basis: CatchingUp, *, today: Today
) -> pl.DataFrame:
    """The catch-up visits that are missing: `key, procedures`, the days of the window and `because`.

    `pairs` are visits beside each other with their `change`, `planned` the rhythm of the same plans.
    """
    imaged = basis.last_imaged(today)
    with_choice = pairs.with_columns(is_chosen=basis.is_chosen())
    days = (
        _behind(_next_liver_imaging(with_choice, planned, imaged, lists, today), planned)
        .join(_replaced(pairs, lists, basis), on="episode_id", how="left")
        .with_columns(is_raised=basis.is_raised())
    )
    too_late = _with_window(days, basis, today=today).filter(_is_too_late())
    needed = with_due_on(too_late, basis.working_days).filter(pl.col("due_on") < pl.col("upcoming_on"))
    if needed.is_empty():
        return pl.DataFrame(schema=CATCH_UP_VISITS)
    return _as_visits(needed, pairs, lists, basis)


def _next_liver_imaging(
    pairs: pl.DataFrame, planned: pl.DataFrame, imaged: pl.DataFrame, lists: ProcedureLists, today: Today
) -> pl.DataFrame:
    """The earliest liver visit of each episode that is open after the change and not answered by the last imaging.

    Gives `episode_id`, `imaged_on` (that last imaging), `upcoming_on` (the due day, or an earlier appointment), when
    its window opens, whether a clinician chose its day, and the month of one that may still be moved.
    """
    added = pl.col("change") == Change.ADDED.value
    open_after = pl.col("change").is_in(STAYS_OPEN) | (
        was("open") & ~pl.col("is_answered") & (pl.col("change") == Change.LEFT.value)
    )
    movable = has_origin(CATCH_UP) & is_ahead(today) & ~is_booked()
    answered_from = pl.when(added).then(pl.col("owned_from").fill_null(pl.col("due_on"))).otherwise("due_on")
    return (
        pairs.filter(open_after)
        .with_columns(**after_the_change(), episode_id=episode_id())
        .filter(lists.holds(LIVER_IMAGING))
        .join(planned.select("key", "owned_from"), on="key", how="left")
        .join(imaged, on="episode_id", how="left")
        .filter(pl.col("imaged_on").is_null() | (answered_from > pl.col("imaged_on")))
        .with_columns(
            upcoming_on=pl.min_horizontal("due_on", "booked_on"),
            upcoming_opens_on=pl.min_horizontal("opens_on", "booked_on"),
            movable_month=pl.when(movable).then(grid_month()),
        )
        .group_by("episode_id")
        .agg(
            pl.col("imaged_on").first(),
            pl.col("upcoming_on").min(),
            pl.col("upcoming_opens_on", "movable_month", "is_chosen").min_by("upcoming_on"),
        )
    )


def _behind(upcoming: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """The upcoming visits, each with the plan's first liver visit on or after its day: the one to be replaced."""
    return (
        planned.select(
            *("episode_id", "grid_month", "list_id", "interval_months", *NEXT),
            behind_on="due_on",
            first_due_on=pl.col("due_on").min().over("episode_id"),
        )
        .join(upcoming, on="episode_id", maintain_order="left")
        .filter(pl.col("behind_on") >= pl.col("upcoming_on"))
        .unique("episode_id", keep="first", maintain_order=True)
    )


def _replaced(pairs: pl.DataFrame, lists: ProcedureLists, basis: CatchingUp) -> pl.DataFrame:
    """The earliest liver visit that a raised intensity withdraws: `episode_id, replaced_on`."""
    return (
        pairs.filter(pl.col("change") == Change.WITHDRAWN.value, lists.holds(LIVER_IMAGING, "was_list_id"))
        .with_columns(episode_id=episode_id())
        .filter(basis.is_raised())
        .group_by("episode_id")
        .agg(replaced_on=pl.col("was_due_on").min())
    )


def _with_window(days: pl.DataFrame, basis: CatchingUp, *, today: Today) -> pl.DataFrame:
    """The rows with the day on which liver imaging is wanted, the window around it, and the last day without a gap."""
    before, after = basis.before("interval_months"), basis.after("interval_months")
    wanted_on = months_after(pl.col("imaged_on"), pl.col("interval_months")).fill_null(pl.col("first_due_on"))
    return (
        days.with_columns(wanted_on=wanted_on)
        .with_columns(
            latest_on=pl.col("wanted_on") + before + after,
            grid_on=pl.max_horizontal(pl.min_horizontal("wanted_on", "replaced_on"), day(today, pl.col("episode_id"))),
        )
        .with_columns(
            opens_on=pl.max_horizontal(pl.col("grid_on") - before, day(today, pl.col("episode_id"))),
            closes_on=pl.col("grid_on") + after,
        )
    )


def _is_too_late() -> pl.Expr:
    """Whether the upcoming visit is too late; a day that a clinician chose is only where the intensity has risen."""
    too_late_now = pl.col("is_raised") & (
        (pl.col("grid_on") < pl.col("upcoming_opens_on")) | (pl.col("replaced_on") < pl.col("upcoming_on"))
    ).fill_null(value=False)
    return too_late_now | (~pl.col("is_chosen") & (pl.col("latest_on") < pl.col("upcoming_on")))


def _as_visits(candidates: pl.DataFrame, pairs: pl.DataFrame, lists: ProcedureLists, basis: CatchingUp) -> pl.DataFrame:
    """The candidates as visits with a key of their own; what it does not stand in for keeps its other procedures."""
    stands_in = pl.col("next_due_on") <= basis.latest("due_on", "next_months")
    other = pl.when(~stands_in).then("next_list_id")
    keyed = _with_month(candidates, pairs).with_columns(other_list_id=other, because=_because())
    visits = lists.with_common(keyed, "list_id", "other_list_id")
    return with_key(visits.with_columns(origin=pl.lit(CATCH_UP))).select(*CATCH_UP_VISITS)


def _with_month(candidates: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The candidates with their `grid_month`: the one to be moved, or the last free one up to the month behind."""
    exists = pairs.filter(has_origin(CATCH_UP), ~is_new(), ~was("withdrawn"))
    taken = exists.group_by(episode_id=episode_id()).agg(taken=grid_month())
    months = pl.int_ranges(0, pl.col("grid_month") + 1)
    free = months.list.set_difference(pl.col("taken").fill_null([])).list.max()
    return candidates.join(taken, on="episode_id", how="left").with_columns(
        grid_month=pl.coalesce("movable_month", free)
    )


def _because() -> pl.Expr:
    """Why the visit is wanted."""
    every = pl.format("liver imaging every {} months", "interval_months")
    last = pl.format("the last on {}", "imaged_on").fill_null(pl.lit("none since the resection"))
    risen = pl.concat_str(pl.lit("followed more closely: "), every, pl.lit(", "), last)
    gap = pl.concat_str(every, pl.lit(", "), last, pl.format(" and the next due {}", "upcoming_on"))
    return pl.when("is_raised").then(risen).otherwise(gap)
