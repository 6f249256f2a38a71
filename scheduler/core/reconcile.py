"""A new plan against the visits that exist: what is kept, moved, added and withdrawn, and why.

Takes existing visits, planned visits and today; gives changes. What happened stays, and what is past stays open
until somebody answers for it. Reconciling again after the changes are made changes nothing. It knows no rule
that made either plan.
"""

from datetime import date
from enum import StrEnum

import polars as pl

from scheduler.core.planning import GRID

KEY = ("episode_id", "origin", "grid_month")
WINDOW = ("procedures", "opens_on", "due_on", "closes_on")

EXISTING: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "origin": pl.String(),  # grid, catch_up or suspicious
    "grid_month": pl.Int64(),
    "procedures": pl.List(pl.String()),
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "status": pl.String(),  # open, done, missed, withdrawn, censored
}
CHANGES: dict[str, pl.DataType] = {
    "visit_id": pl.Int64(),  # missing for a visit that did not exist
    "episode_id": pl.Int64(),
    "origin": pl.String(),
    "grid_month": pl.Int64(),
    "change": pl.String(),
    "reason": pl.String(),
    "procedures": pl.List(pl.String()),  # after the change, like the window
    "opens_on": pl.Date(),
    "due_on": pl.Date(),
    "closes_on": pl.Date(),
    "was_procedures": pl.List(pl.String()),  # before it, missing for a visit that did not exist
    "was_due_on": pl.Date(),
}


class Change(StrEnum):
    """What becomes of a visit."""

    KEPT = "kept"  # wanted, and as it was
    MOVED = "moved"  # wanted, on another day or with other procedures
    ADDED = "added"  # wanted, and not there or withdrawn
    WITHDRAWN = "withdrawn"  # ahead, and no longer wanted
    LEFT = "left"  # not the plan's to change


def reconcile(existing: pl.DataFrame, planned: pl.DataFrame, *, today: date, whole: bool = False) -> pl.DataFrame:
    """What becomes of every existing visit, and which are added: a `CHANGES` row each, by episode and due date.

    `existing` needs `EXISTING`, `planned` the key and the window of `planning.VISITS`; a visit is known by episode,
    origin and grid month, and procedures are compared in any order. A visit that closes today is not past.
    Only visits that close today or later are added, unless the plan is taken `whole` (a first plan, at import).

    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visit = {"episode_id": 1, "origin": "grid", "grid_month": 2, "procedures": ["liver_ct_mri"], **window}
    >>> existing, planned = pl.DataFrame(schema=EXISTING), pl.DataFrame([visit])
    >>> reconcile(existing, planned, today=date(2026, 4, 14))["change"].to_list()
    ['added']
    >>> reconcile(existing, planned, today=date(2026, 4, 15))["change"].to_list()
    []
    """
    before = existing.select(*EXISTING).rename({name: f"was_{name}" for name in (*WINDOW, "status")})
    after = planned.select(*KEY, *WINDOW, wanted=pl.lit(True))
    changes = (
        before.lazy()
        .join(after.lazy(), on=KEY, how="full", coalesce=True)
        .with_columns(change=_change(today, whole=whole))
        .filter(pl.col("change").is_not_null())
        .collect()
    )
    is_moved = pl.col("change") == Change.MOVED.value
    moved = changes.filter(is_moved).with_columns(reason=_differences())
    others = changes.filter(~is_moved).with_columns(reason=_reason(today))
    return (
        pl.concat([moved, others])
        .with_columns(_after(name) for name in WINDOW)
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
        .sort("episode_id", "due_on", "origin", "grid_month")
    )


def _change(today: date, *, whole: bool) -> pl.Expr:
    """The change of each row; missing for a planned visit that is past and was never there."""
    wanted_now = pl.col("wanted") & (pl.lit(whole) | (pl.col("closes_on") >= today))
    return (
        pl.when(wanted_now & (_is_new() | _was("withdrawn")))
        .then(pl.lit(Change.ADDED.value))
        .when(_is_new())
        .then(pl.lit(None, dtype=pl.String))
        .when(~_was("open") | _is_past(today))
        .then(pl.lit(Change.LEFT.value))
        .when(pl.col("wanted") & _is_same())
        .then(pl.lit(Change.KEPT.value))
        .when(pl.col("wanted"))
        .then(pl.lit(Change.MOVED.value))
        .when(pl.col("origin") == GRID)
        .then(pl.lit(Change.WITHDRAWN.value))
        .otherwise(pl.lit(Change.LEFT.value))
    )


def _reason(today: date) -> pl.Expr:
    """Why, in a sentence, for all but a moved visit."""
    change = pl.col("change")
    return (
        pl.when((change == Change.ADDED.value) & ~_is_new())
        .then(pl.lit("withdrawn before, in the plan again"))
        .when(change == Change.ADDED.value)
        .then(pl.lit("new in the plan"))
        .when(change == Change.KEPT.value)
        .then(pl.lit("the same in the new plan"))
        .when(change == Change.WITHDRAWN.value)
        .then(pl.lit("not in the new plan"))
        .when(~_was("open"))
        .then(pl.format("already {}", "was_status"))
        .when(_is_past(today))
        .then(pl.lit("already past"))
        .otherwise(pl.format("a {} visit, which no plan lays out", "origin"))
    )


def _differences() -> pl.Expr:
    """What is different about a moved visit, old → new."""
    due = pl.format("due {} → {}", "was_due_on", "due_on")
    window = pl.format("window {} to {} → {} to {}", "was_opens_on", "was_closes_on", "opens_on", "closes_on")
    moved_window = (pl.col("was_opens_on") != pl.col("opens_on")) | (pl.col("was_closes_on") != pl.col("closes_on"))
    return pl.concat_str(
        pl.when(pl.col("was_due_on") != pl.col("due_on")).then(due),
        pl.when(moved_window).then(window),
        _procedures_only_in("procedures", "was_procedures", "now with {}"),
        _procedures_only_in("was_procedures", "procedures", "no longer with {}"),
        separator="; ",
        ignore_nulls=True,
    )


def _procedures_only_in(name: str, other: str, sentence: str) -> pl.Expr:
    only_here = pl.col(name).list.set_difference(other).list.sort()
    return pl.when(only_here.list.len() > 0).then(pl.format(sentence, only_here.list.join(", ")))


def _is_new() -> pl.Expr:
    return pl.col("was_status").is_null()


def _was(status: str) -> pl.Expr:
    return pl.col("was_status").eq_missing(pl.lit(status))


def _is_past(today: date) -> pl.Expr:
    return pl.col("was_closes_on") < today


def _is_same() -> pl.Expr:
    """Whether the window is as it was, and the procedures are, in any order."""
    days = [pl.col(name) == pl.col(f"was_{name}") for name in WINDOW if name != "procedures"]
    others = pl.col("procedures").list.set_symmetric_difference("was_procedures")
    return pl.all_horizontal(*days, others.list.len() == 0)


def _after(name: str) -> pl.Expr:
    """The window after the change: the plan's, or what was there."""
    takes_plan = pl.col("change").is_in([Change.KEPT.value, Change.MOVED.value, Change.ADDED.value])
    return pl.when(takes_plan).then(name).otherwise(f"was_{name}").alias(name)
