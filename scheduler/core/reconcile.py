"""A new plan against the visits that exist: what is kept, moved, added, withdrawn and flagged, and why.

Takes existing visits, planned visits and today; gives changes. What happened stays, and what is past stays open
until somebody answers for it. Reconciling again after the changes are made changes nothing. It knows no rule
that made either plan.
"""

from collections.abc import Iterator
from datetime import date

import polars as pl

from scheduler.core.catch_up import STANDING, CatchingUp, catch_up_visits, standing, with_stand_ins
from scheduler.core.change_reasons import with_reason
from scheduler.core.liver_rhythm import LIVER_IMAGING, rhythm
from scheduler.core.procedure_lists import ProcedureLists
from scheduler.core.visit_changes import (
    CHANGES,
    DAYS,
    EXISTING,
    KEY,
    MONTHS,
    PLACES,
    WINDOW,
    Change,
    after_the_change,
    change,
    from_key,
    is_ahead,
    is_booked,
    with_key,
)

__all__ = ["CHANGES", "EXISTING", "KEY", "WINDOW", "CatchingUp", "Change", "reconcile"]

EPISODES_AT_ONCE = 20_000  # bounds the memory in between; what comes in and goes out is as large as it is
DAYS_TO_2328 = 2**17


def reconcile(
    existing: pl.DataFrame,
    planned: pl.DataFrame,
    *,
    today: date,
    whole: bool = False,
    answered: pl.DataFrame | None = None,
    booked: pl.DataFrame | None = None,
    catching_up: CatchingUp | None = None,
) -> pl.DataFrame:
    """What becomes of every existing visit, and which are added: a `CHANGES` row each, by episode and due date.

    `existing` needs `EXISTING`, `planned` the key and the window of `planning.VISITS`, whole plans from month 0; a
    visit is known by episode, origin and grid month, and procedures are compared in any order. A visit that closes
    today is not past. Only visits that close today or later are added, unless the plan is taken `whole` (a first
    plan, at import).

    `answered` (`visit_id`) are visits with an examination, left as they are. `booked` (`visit_id, booked_on`) are
    visits with an appointment: they keep their days, whatever the plan wants, and are flagged where it wants liver
    imaging earlier; a flagged visit takes the plan's procedures. With `catching_up`, `catch_up` visits are added
    so that liver imaging is not late: see `catch_up`. Leave out ended episodes, or plan no visits for them.

    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visit = {"episode_id": 1, "origin": "grid", "grid_month": 2, "procedures": ["liver_ct_mri"], **window}
    >>> existing, planned = pl.DataFrame(schema=EXISTING), pl.DataFrame([visit])
    >>> reconcile(existing, planned, today=date(2026, 4, 14))["change"].to_list()
    ['added']
    >>> reconcile(existing, planned, today=date(2026, 4, 15))["change"].to_list()
    []
    """
    facts = _with_facts(existing.select(*EXISTING), answered, booked)
    some_at_a_time = _some_episodes_at_a_time(facts, planned.select(*KEY, *WINDOW))
    return pl.concat(
        [
            _reconciled(before, wanted, today=today, whole=whole, catching_up=catching_up)
            for before, wanted in some_at_a_time
        ]
    )


def _with_facts(existing: pl.DataFrame, answered: pl.DataFrame | None, booked: pl.DataFrame | None) -> pl.DataFrame:
    """The visits with `is_answered` and `booked_on`, the earliest appointment."""
    visit_id = pl.col("visit_id").cast(pl.Int64)
    facts = existing.with_columns(is_answered=pl.lit(False), booked_on=pl.lit(None, dtype=pl.Date))
    if answered is not None:
        is_answered = pl.col("visit_id").is_in(answered.select(visit_id).to_series().implode())
        facts = facts.with_columns(is_answered=is_answered)
    if booked is not None:
        first = booked.group_by(visit_id).agg(pl.col("booked_on").min())
        facts = facts.drop("booked_on").join(first, on="visit_id", how="left", maintain_order="left")
    return facts


def _some_episodes_at_a_time(
    existing: pl.DataFrame, planned: pl.DataFrame
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The visits of the same episodes, so many episodes at a time."""
    if existing.height + planned.height <= EPISODES_AT_ONCE:
        yield existing, planned
        return
    episodes = pl.concat([existing["episode_id"].unique(), planned["episode_id"].unique()]).unique().sort()
    for first in range(0, episodes.len(), EPISODES_AT_ONCE):
        some = episodes.slice(first, EPISODES_AT_ONCE)
        is_one = pl.col("episode_id").is_between(some[0], some[-1])
        yield existing.filter(is_one), planned.filter(is_one)


def _reconciled(
    existing: pl.DataFrame, planned: pl.DataFrame, *, today: date, whole: bool, catching_up: CatchingUp | None
) -> pl.DataFrame:
    """The changes of some episodes."""
    lists = ProcedureLists.of(existing, planned)
    had = {name: f"was_{name}" for name in ("list_id", "status", *DAYS)}
    before = with_key(lists.numbered(existing.lazy())).rename(had)
    wanted = with_key(lists.numbered(planned.lazy())).with_columns(because=pl.lit(None, dtype=pl.String))
    if catching_up is None:
        pairs = _paired(before, wanted, lists, today=today, whole=whole)
    else:
        pairs, lists = _caught_up(before, wanted, lists, catching_up, today=today, whole=whole)
    return _as_changes(with_reason(_flagged(pairs, lists, today), lists, today=today), lists)


def _paired(
    before: pl.LazyFrame, wanted: pl.LazyFrame, lists: ProcedureLists, *, today: date, whole: bool
) -> pl.DataFrame:
    """The visits beside each other, each with its change; without planned visits that are past and were never there."""
    same = lists.has_same("list_id", "was_list_id")
    return (
        before.join(wanted, on="key", how="full", coalesce=True)
        .with_columns(change=change(today, whole=whole, same_procedures=same))
        .filter(pl.col("change").is_not_null())
        .collect()
    )


def _caught_up(
    had: pl.LazyFrame,
    laid_out: pl.LazyFrame,
    lists: ProcedureLists,
    basis: CatchingUp,
    *,
    today: date,
    whole: bool,
) -> tuple[pl.DataFrame, ProcedureLists]:
    """The visits beside each other with catch-up visits among them, and their lists of procedures."""
    before, wanted = pl.collect_all([had, laid_out])
    planned = rhythm(wanted, lists)
    booked = before.filter(is_booked()).select("key")
    there = standing(before, basis, today=today)
    held = with_stand_ins(wanted, planned, there, basis, booked=booked)
    pairs = _paired(before.lazy(), held.lazy(), lists, today=today, whole=whole)
    visits = catch_up_visits(pairs, planned, lists, basis, today=today)
    if visits.is_empty():
        return pairs, lists
    lists = lists.and_those_of(visits)
    new = visits.select("key", stands_in_on="due_on", imaged_on="due_on", **from_key()).select(STANDING)
    affected = from_key()["episode_id"].is_in(new["episode_id"].implode())
    held = with_stand_ins(
        pl.concat([wanted.filter(affected), lists.numbered(visits.lazy()).select(wanted.columns).collect()]),
        planned.filter(affected),
        pl.concat([there.join(new, on="key", how="anti"), new]),
        basis,
        booked=booked,
    )
    again = _paired(before.lazy().filter(affected), held.lazy(), lists, today=today, whole=whole)
    return pl.concat([pairs.filter(~affected), again.select(pairs.columns)]), lists


def _flagged(pairs: pl.DataFrame, lists: ProcedureLists, today: date) -> pl.DataFrame:
    """The visits with `wanted_on`; the next appointment behind a liver visit that is new in the plan is flagged."""
    flagged = pl.col("change") == Change.FLAGGED.value
    with_day = pairs.with_columns(wanted_on=pl.when(flagged).then("due_on"))
    stays_booked = is_booked() & is_ahead(today) & ~flagged
    booked = pairs.filter(stays_booked).select(episode_id=from_key()["episode_id"]).unique()
    if booked.is_empty():
        return with_day
    open_liver = (
        pairs.filter((pl.col("change") == Change.ADDED.value) | is_ahead(today))
        .filter(pl.col("change") != Change.WITHDRAWN.value)
        .with_columns(episode_id=from_key()["episode_id"])
        .join(booked, on="episode_id", how="semi")
        .with_columns(**after_the_change())
        .filter(lists.holds(LIVER_IMAGING))
        .sort("episode_id", "due_on", "key")
    )
    in_front = pl.col("change").shift(1).over("episode_id") == Change.ADDED.value
    earlier = pl.col("due_on").shift(1).over("episode_id")
    sooner = (
        open_liver.with_columns(sooner_on=pl.when(in_front).then(earlier))
        .filter(stays_booked, pl.col("sooner_on") < pl.col("booked_on"))
        .select("key", "sooner_on")
    )
    return (
        with_day.join(sooner, on="key", how="left")
        .with_columns(
            change=pl.when(pl.col("sooner_on").is_null()).then("change").otherwise(pl.lit(Change.FLAGGED.value)),
            wanted_on=pl.coalesce("sooner_on", "wanted_on"),
        )
        .drop("sooner_on")
    )


def _as_changes(pairs: pl.LazyFrame, lists: ProcedureLists) -> pl.DataFrame:
    """The pairs as `CHANGES`, by episode and due date."""
    place = (from_key()["episode_id"] * DAYS_TO_2328 + pl.col("due_on").cast(pl.Int64)) * (MONTHS * PLACES)
    written = {"procedures": lists.written_out("list_id"), "was_procedures": lists.written_out("was_list_id")}
    return (
        pairs.with_columns(**after_the_change())
        .sort(place + pl.col("key") % (MONTHS * PLACES))
        .with_columns(**from_key(), **written)
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
        .collect()
    )
