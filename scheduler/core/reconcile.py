"""A new plan against the visits that exist: what is kept, moved, added, withdrawn and flagged, and why.

Takes existing visits, planned visits and today; gives changes. What happened stays, and what is past stays open
until somebody answers for it. Reconciling again after the changes are made changes nothing. It knows no rule
that made either plan.
"""

from collections.abc import Iterator

import polars as pl

from scheduler.core.appointments import bring_forward
from scheduler.core.catch_up import CatchingUp, catch_up_visits, standing, with_stand_ins
from scheduler.core.change_reasons import with_reason
from scheduler.core.liver_rhythm import rhythm
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
    Today,
    after_the_change,
    change,
    episode_id,
    from_key,
    is_booked,
    with_key,
)

__all__ = ["CHANGES", "EXISTING", "KEY", "WINDOW", "CatchingUp", "Change", "Today", "reconcile"]

EPISODES_AT_ONCE = 20_000
ROOM_FOR_DAYS = 2**17  # more than lie between 1970 and any due day


def reconcile(
    existing: pl.DataFrame,
    planned: pl.DataFrame,
    *,
    today: Today,
    whole: bool = False,
    answered: pl.DataFrame | None = None,
    booked: pl.DataFrame | None = None,
    catching_up: CatchingUp | None = None,
    episodes_at_once: int = EPISODES_AT_ONCE,
) -> pl.DataFrame:
    """What becomes of every existing visit, and which are added: a `CHANGES` row each, by episode and due date.

    `existing` needs `EXISTING`, `planned` the key and the window of `planning.VISITS`, whole plans from month 0; a
    visit is known by episode, origin and grid month, and procedures are compared in any order. A visit that closes
    today is not past. Only visits that close today or later are added, unless the plan is taken `whole` (a first
    plan, at import). `today` is one day, or the day of each episode by its number: then each is reconciled as it
    would be alone on its day, and an episode without one raises.

    `answered` (`visit_id`) are visits with an examination, left as they are. `booked` (`visit_id, booked_on`) are
    visits with an appointment: they keep their days, whatever the plan wants, and are flagged where it wants liver
    imaging earlier; a flagged visit takes the plan's procedures. With `catching_up`, `catch_up` visits are added
    so that liver imaging is not late: see `catch_up`; without it, what one stood in for is wanted again. Plan no
    visits for an ended episode. Memory between input and answer is bounded by `episodes_at_once`.

    >>> from datetime import date
    >>> window = {"opens_on": date(2026, 3, 17), "due_on": date(2026, 3, 31), "closes_on": date(2026, 4, 14)}
    >>> visit = {"episode_id": 1, "origin": "grid", "grid_month": 2, "procedures": ["liver_ct_mri"], **window}
    >>> existing, planned = pl.DataFrame(schema=EXISTING), pl.DataFrame([visit])
    >>> reconcile(existing, planned, today=date(2026, 4, 14))["change"].to_list()
    ['added']
    >>> reconcile(existing, planned, today=date(2026, 4, 15))["change"].to_list()
    []
    """
    if existing.is_empty() and planned.is_empty():
        return pl.DataFrame(schema=CHANGES)
    facts = _with_facts(existing.select(*EXISTING), answered, booked)
    some_at_a_time = _some_episodes_at_a_time(facts, planned.select(*KEY, *WINDOW), episodes_at_once)
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
    if answered is not None and answered.height:
        is_answered = pl.col("visit_id").is_in(answered.select(visit_id).to_series().implode())
        facts = facts.with_columns(is_answered=is_answered)
    if booked is not None and booked.height:
        first = booked.group_by(visit_id).agg(pl.col("booked_on").min())
        facts = facts.drop("booked_on").join(first, on="visit_id", how="left", maintain_order="left")
    return facts


def _some_episodes_at_a_time(
    existing: pl.DataFrame, planned: pl.DataFrame, at_once: int
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """The visits of the same episodes, so many episodes at a time."""
    if existing.height + planned.height <= at_once:
        yield existing, planned
        return
    episodes = pl.concat([existing["episode_id"].unique(), planned["episode_id"].unique()]).unique().sort()
    for first in range(0, episodes.len(), at_once):
        some = episodes.slice(first, at_once)
        is_one = pl.col("episode_id").is_between(some[0], some[-1])
        yield existing.filter(is_one), planned.filter(is_one)


def _reconciled(
    existing: pl.DataFrame, planned: pl.DataFrame, *, today: Today, whole: bool, catching_up: CatchingUp | None
) -> pl.DataFrame:
    """The changes of some episodes."""
    lists = ProcedureLists.of(existing, planned)
    had = {name: f"was_{name}" for name in ("list_id", "status", *DAYS)}
    before = with_key(lists.numbered(existing)).rename(had)
    wanted = with_key(lists.numbered(planned)).with_columns(because=pl.lit(None, dtype=pl.String))
    if catching_up is None:
        pairs = _paired(before, wanted, lists, today=today, whole=whole)
    else:
        pairs, lists = _caught_up(before, wanted, lists, catching_up, today=today, whole=whole)
    return _as_changes(with_reason(bring_forward(pairs, lists, today=today), lists, today=today), lists)


def _paired(
    before: pl.DataFrame, wanted: pl.DataFrame, lists: ProcedureLists, *, today: Today, whole: bool
) -> pl.DataFrame:
    """The visits beside each other, each with its change; without planned visits that are past and were never there."""
    same = lists.has_same("list_id", "was_list_id")
    return (
        before.join(wanted, on="key", how="full", coalesce=True)
        .with_columns(change=change(today, whole=whole, same_procedures=same))
        .filter(pl.col("change").is_not_null())
    )


def _caught_up(
    before: pl.DataFrame,
    wanted: pl.DataFrame,
    lists: ProcedureLists,
    basis: CatchingUp,
    *,
    today: Today,
    whole: bool,
) -> tuple[pl.DataFrame, ProcedureLists]:
    """The visits beside each other with catch-up visits among them, and their lists of procedures."""
    planned = rhythm(wanted, lists)
    booked = before.filter(is_booked()).select("key")
    there = standing(before, basis, today=today)
    held = with_stand_ins(wanted, planned, there, basis, booked=booked)
    pairs = _paired(before, held, lists, today=today, whole=whole)
    visits = catch_up_visits(pairs, planned, lists, basis, today=today)
    if visits.is_empty():
        return pairs, lists
    lists = lists.and_those_of(visits)
    new = visits.select("key", episode_id=episode_id(), stands_in_on="due_on", imaged_on="due_on")
    affected = episode_id().is_in(new["episode_id"].implode())
    added = lists.numbered(visits).select(wanted.columns)
    held = with_stand_ins(
        pl.concat([wanted.filter(affected), added]),
        planned,
        pl.concat([there.join(new, on="key", how="anti"), new]),
        basis,
        booked=booked,
    )
    again = _paired(before.filter(affected), held, lists, today=today, whole=whole)
    return pl.concat([pairs.filter(~affected), again.select(pairs.columns)]), lists


def _as_changes(pairs: pl.DataFrame, lists: ProcedureLists) -> pl.DataFrame:
    """The pairs as `CHANGES`, by episode and due date."""
    place = (episode_id() * ROOM_FOR_DAYS + pl.col("due_on").cast(pl.Int64)) * (MONTHS * PLACES)
    written = {"procedures": lists.written_out("list_id"), "was_procedures": lists.written_out("was_list_id")}
    return (
        pairs.with_columns(**after_the_change())
        .sort(place + pl.col("key") % (MONTHS * PLACES))
        .with_columns(**from_key(), **written)
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
    )
