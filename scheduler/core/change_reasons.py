"""Why each visit changes or does not, in a sentence.

Takes visits beside each other with their `change`, as `visit_changes` gives them, and with the procedures numbered;
gives `reason`. It decides nothing.
"""

import polars as pl

from scheduler.core.procedure_lists import ProcedureLists
from scheduler.core.visit_changes import DAYS, Change, Today, from_key, is_ahead, is_booked, is_new, is_past, was


def with_reason(pairs: pl.DataFrame, lists: ProcedureLists, *, today: Today) -> pl.DataFrame:
    """The visits with `reason`, in any order.

    >>> from datetime import date
    >>> days = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> before = {f"was_{name}": day for name, day in days.items()} | {"was_status": "done", "was_list_id": 0}
    >>> answers = {"is_answered": True, "booked_on": None, "because": None, "wanted_on": None}
    >>> pair = {"key": 5, "list_id": 0, "change": "left", **days, **before, **answers}
    >>> lists = ProcedureLists(lists=(("afp",),))
    >>> with_reason(pl.DataFrame([pair]), lists, today=date(2026, 3, 1))["reason"].item()
    'already done'
    """
    worded = pl.col("change").is_in([Change.MOVED.value, Change.FLAGGED.value]) | (
        is_booked() & (pl.col("change") == Change.LEFT.value)
    )
    described = pairs.filter(worded)
    if described.is_empty():
        return pairs.with_columns(reason=_plain_reason(today))
    plain = pairs.filter(~worded).with_columns(reason=_plain_reason(today))
    differences = lists.with_differences(described, "was_list_id", "list_id")
    return pl.concat([plain, differences.with_columns(reason=_worded_reason(today)).drop("differences")])


def _plain_reason(today: Today) -> pl.Expr:
    """The reason where it is one of a few sentences, or comes with the plan."""
    change = pl.col("change")
    return (
        pl.when((change == Change.ADDED.value) & ~is_new())
        .then(pl.concat_str(pl.lit("withdrawn before, "), pl.col("because").fill_null("in the plan again")))
        .when(change == Change.ADDED.value)
        .then(pl.col("because").fill_null("new in the plan"))
        .when(change == Change.KEPT.value)
        .then(pl.lit("the same in the new plan"))
        .when(change == Change.WITHDRAWN.value)
        .then(pl.col("because").fill_null("not in the new plan"))
        .otherwise(_untouched_reason(today))
    )


def _untouched_reason(today: Today) -> pl.Expr:
    """Why a visit is not the plan's to change."""
    return (
        pl.when(~was("open"))
        .then(pl.concat_str(pl.lit("already "), "was_status"))
        .when(pl.col("is_answered"))
        .then(pl.lit("already examined"))
        .when(is_past(today))
        .then(pl.lit("already past"))
        .otherwise(pl.format("a {} visit, which no plan lays out", from_key()["origin"]))
    )


def _worded_reason(today: Today) -> pl.Expr:
    """The reason of a visit that moves or is booked, with its days."""
    bring_forward = pl.format("booked for {}, wanted by {}: bring forward", "booked_on", "wanted_on")
    unwanted = pl.format("booked for {}; not in the new plan", "booked_on")
    later = pl.format("booked for {}, so its day stays; the new plan has it due {}", "booked_on", "due_on")
    return (
        pl.when(pl.col("change") == Change.FLAGGED.value)
        .then(pl.concat_str(bring_forward, "differences", separator="; ", ignore_nulls=True))
        .when(pl.col("change") == Change.MOVED.value)
        .then(_differences())
        .when(~is_ahead(today))
        .then(_untouched_reason(today))
        .when(pl.col("list_id").is_null())
        .then(unwanted)
        .otherwise(later)
    )


def _differences() -> pl.Expr:
    """What is different about a moved visit, old → new, and why where it is not simply the plan."""
    stays = pl.when(is_booked()).then(pl.format("booked for {}, so its day stays", "booked_on"))
    due = pl.format("due {} → {}", "was_due_on", "due_on")
    window = pl.format("window {} to {} → {} to {}", "was_opens_on", "was_closes_on", "opens_on", "closes_on")
    moved_window = pl.any_horizontal(pl.col(f"was_{day}") != pl.col(day) for day in DAYS if day != "due_on")
    return pl.concat_str(
        pl.when(~is_booked() & (pl.col("was_due_on") != pl.col("due_on"))).then(due),
        pl.when(~is_booked() & moved_window).then(window),
        "differences",
        stays,
        "because",
        separator="; ",
        ignore_nulls=True,
    )
