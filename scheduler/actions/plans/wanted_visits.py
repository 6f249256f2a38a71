"""What the visits of some patients should be: matched, planned, reconciled, with short-interval visits.

Between facts and the core: takes what is recorded and the rules; gives verdicts and changes. Writes nothing. Episodes
are taken together as far as protocol and site allow, so that one patient takes the same path as many.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

import polars as pl

from scheduler.actions.plans.answered_visits import as_answered
from scheduler.actions.plans.facts import Facts
from scheduler.actions.plans.rules import Rules
from scheduler.core.catch_up import COMPLETED, CatchingUp
from scheduler.core.liver_rhythm import LIVER_IMAGING
from scheduler.core.matching import Matched
from scheduler.core.overriding import VISIT_OVERRIDES, with_visit_overrides
from scheduler.core.planning import VISITS, plan
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.reconcile import reconcile
from scheduler.core.short_interval import short_interval_visits
from scheduler.core.triggers import triggers
from scheduler.core.verdicts import ANSWERS, Verdict
from scheduler.core.visit_changes import CHANGES, EXISTING, KEY, SUSPICIOUS, Change, Today
from scheduler.core.visit_endings import CALLED_MISSED, before_any_end, settle

WANTED: dict[str, pl.DataType] = CHANGES | {"interval_months": pl.Int64()}  # of the plan; missing beside its grid
COMPLETE = [str(verdict) for verdict in (*ANSWERS, Verdict.EXTRA)]


@dataclass(frozen=True, kw_only=True)
class Group:
    """The episodes (`STATES` and `LOOKED_AT`) of one site that follow one protocol."""

    site: str
    protocol: SurveillanceProtocol
    episodes: pl.DataFrame

    @property
    def is_one(self) -> pl.Expr:
        """Whether a row is of one of them."""
        return pl.col("episode_id").is_in(self.episodes["episode_id"].implode())

    @property
    def today(self) -> Today:
        """The day as of which they are looked at."""
        return _today(self.episodes)


@dataclass(frozen=True, kw_only=True)
class WantedVisits:
    """The visits that some episodes (`STATES` and `LOOKED_AT`) should have, against those that they have."""

    facts: Facts
    matched: Matched
    episodes: pl.DataFrame
    rules: Rules
    raised: Collection[int] = ()  # the episodes whose intensity has risen

    def changes(self) -> pl.DataFrame:
        """What becomes of each: `WANTED`; a visit of an ended episode that was open is `censored` or `missed`."""
        ended = _closed_or_reopened(self.facts.visits, self._settled)
        planned = [*self._reconciled(), *(self._short_interval(group) for group in self._groups)]
        changes = _one_each(ended, pl.concat([pl.DataFrame(schema=CHANGES), *planned]))
        intervals = self._planned.select(*KEY, "interval_months")
        return self._held(changes).join(intervals, on=KEY, how="left", maintain_order="left")

    def _held(self, changes: pl.DataFrame) -> pl.DataFrame:
        """The changes, of which none withdraws a visit that a clinician decided to hold."""
        held = pl.concat([pl.DataFrame(schema=VISIT_OVERRIDES), *map(self._visit_overrides, self._groups)])
        if held.is_empty():
            return changes
        chosen = held.filter(pl.col("overridden_on").is_not_null()).select(*KEY, is_chosen=pl.lit(True)).unique()
        is_kept = (pl.col("change") == Change.WITHDRAWN.value) & pl.col("is_chosen").is_not_null()
        return (
            changes.join(chosen, on=KEY, how="left", maintain_order="left")
            .with_columns(
                change=pl.when(is_kept).then(pl.lit(Change.LEFT.value)).otherwise("change"),
                reason=pl.when(is_kept)
                .then(pl.lit("not in the plan; a clinician decided to hold it"))
                .otherwise("reason"),
            )
            .drop("is_chosen")
        )

    @cached_property
    def _visits(self) -> pl.DataFrame:
        return as_answered(before_any_end(self.facts.visits), self.matched.visits)

    @cached_property
    def _settled(self) -> pl.DataFrame:
        if self._going_on.height == self.episodes.height:
            return self._visits
        return settle(self._visits, self.episodes)

    @cached_property
    def _going_on(self) -> pl.DataFrame:
        return self.episodes.filter(pl.col("ended_on").is_null())

    @cached_property
    def _laid_out(self) -> pl.DataFrame:
        """The episodes whose plans are laid out: those that go on, and once those that had ended when they began."""
        with_visits = pl.col("episode_id").is_in(self.facts.visits["episode_id"].unique().implode())
        lived = (pl.col("ended_on") > pl.col("anchor_on")) & ~with_visits
        return self.episodes.filter(pl.col("ended_on").is_null() | lived)

    @cached_property
    def _existing(self) -> pl.DataFrame:
        goes_on = pl.col("episode_id").is_in(self._going_on["episode_id"].implode())
        return self._settled.filter(goes_on).select(*EXISTING)

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        return tuple(
            Group(site=str(site), protocol=self.rules.rulebook.protocol(str(reference)), episodes=some)
            for (site, reference), some in self._laid_out.group_by("site", "protocol", maintain_order=True)
        )

    def _reconciled(self) -> Iterator[pl.DataFrame]:
        """The changes of first plans, of episodes held against their last imaging, and of the others."""
        facts, planned, existing = self.facts, self._planned, self._existing
        ids = self._going_on["episode_id"]
        is_first = ~pl.col("episode_id").is_in(existing["episode_id"].unique().implode())
        completed = _completed(self.matched.verdicts)
        held = pl.concat([completed["episode_id"], pl.Series(list(self.raised), dtype=pl.Int64)]).unique()
        is_held = pl.col("episode_id").is_in(held.filter(held.is_in(ids.implode())).implode()) & ~is_first
        known = partial(reconcile, answered=_answered(self.matched.verdicts), booked=facts.booked)
        today = _today(self._laid_out)
        yield reconcile(existing.clear(), planned.filter(is_first), today=today, whole=True)
        others = ~is_first & ~is_held
        yield known(existing.filter(others), planned.filter(others), today=today)
        for group in self._groups if held.len() else ():
            if not group.episodes.select(is_held.any()).item():
                continue
            basis = CatchingUp(
                protocol=group.protocol,
                working_days=self.rules.working_days(group.site),
                completed=completed.filter(group.is_one),
                raised=pl.Series(list(self.raised), dtype=pl.Int64),
                chosen=self._visit_overrides(group).filter(pl.col("overridden_on").is_not_null()).select(*KEY),
            )
            theirs = is_held & group.is_one
            yield known(existing.filter(theirs), planned.filter(theirs), today=group.today, catching_up=basis)

    @cached_property
    def _planned(self) -> pl.DataFrame:
        """The visits that the plans lay out, as a clinician wants them."""
        parts = (self._planned_by(group) for group in self._groups)
        return pl.concat([pl.DataFrame(schema=VISITS), *parts])

    def _planned_by(self, group: Group) -> pl.DataFrame:
        often = min(row.every_months for row in group.protocol.afterwards)
        plans = self.facts.plans.select("episode_id", "intensity", "horizon_month", "afterwards_months")
        anchors = group.episodes.join(plans, on="episode_id", maintain_order="left").with_columns(
            pl.col("afterwards_months").fill_null(often)
        )
        visits = plan(
            anchors,
            group.protocol,
            working_days=self.rules.working_days(group.site),
            horizon_month=pl.col("horizon_month"),
        )
        return with_visit_overrides(visits, self._visit_overrides(group))

    def _visit_overrides(self, group: Group) -> pl.DataFrame:
        """A clinician's decisions on single visits that hold on the day, the newest last."""
        standing = self.facts.overrides.filter(pl.col("kind") == "visit", pl.col("ended_at").is_null(), group.is_one)
        if standing.is_empty():
            return pl.DataFrame(schema=VISIT_OVERRIDES)
        held = standing.join(group.episodes.select("episode_id", "today"), on="episode_id", maintain_order="left")
        holds = held.filter(pl.col("until_on") >= pl.col("today")).rename({"due_on": "overridden_on"})
        return holds.select(pl.col(name).cast(kind) for name, kind in VISIT_OVERRIDES.items())

    def _short_interval(self, group: Group) -> pl.DataFrame:
        """The visits that suspicious findings and marker rises ask for."""
        goes_on = group.episodes.filter(pl.col("ended_on").is_null()).join(
            self.facts.plans.select("episode_id"), on="episode_id", how="semi"
        )
        is_one = pl.col("episode_id").is_in(goes_on["episode_id"].implode())
        theirs = self.facts.examinations.filter(is_one)
        visits = self._existing.filter(is_one)
        if theirs.is_empty() and not (visits["origin"] == SUSPICIOUS).any():
            return pl.DataFrame(schema=CHANGES)
        anchors = group.episodes.select("episode_id", "anchor_on")
        return short_interval_visits(
            triggers(theirs.join(anchors, on="episode_id", maintain_order="left"), group.protocol),
            visits,
            protocol=group.protocol,
            working_days=self.rules.working_days(group.site),
            today=group.today,
            verdicts=self.matched.verdicts.filter(is_one),
        )


def _one_each(ended: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    """One change for each visit: what the plan changes, else what the end of an episode, or its undoing, did."""
    if ended.is_empty():
        return planned
    stays = pl.col("change").is_in([Change.KEPT.value, Change.LEFT.value, Change.FLAGGED.value])
    told = ended.join(planned.filter(~stays), on=KEY, how="anti", maintain_order="left")
    return pl.concat([told, planned.join(told, on=KEY, how="anti", maintain_order="left")])


def _today(episodes: pl.DataFrame) -> Today:
    """One day where it is the same for all, else each episode's."""
    days = episodes["today"].unique()
    if days.len() == 1:
        one: date = days[0]
        return one
    return dict(episodes.select("episode_id", "today").iter_rows())


def _completed(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The adequate liver imaging of each episode (`COMPLETED`)."""
    is_liver = pl.col("procedure") == LIVER_IMAGING
    return verdicts.filter(is_liver, pl.col("verdict").is_in(COMPLETE)).select(*COMPLETED)


def _answered(verdicts: pl.DataFrame) -> pl.DataFrame:
    """The visits that an examination answers, wholly or in part (`visit_id`)."""
    return verdicts.filter(pl.col("verdict").is_in([str(verdict) for verdict in ANSWERS])).select("visit_id").unique()


def _closed_or_reopened(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """The visits whose episode ended, or goes on after all, as `CHANGES`."""
    if before["status"].equals(after["status"]):
        return pl.DataFrame(schema=CHANGES)
    is_same, is_answer = before["status"] == after["status"], after["status"] == "done"
    is_undone = (before["status"] == "done") & (after["status"] == "open")
    reopened = pl.col("status") == "open"
    words = {"censored": "the episode ended before it was due", "missed": "unanswered when the episode ended"}
    called = (pl.col("status") == "missed") & pl.col("is_called_missed")
    reason = (
        pl.when(reopened)
        .then(pl.lit("the episode goes on"))
        .when(called)
        .then(pl.lit(CALLED_MISSED))
        .otherwise(pl.col("status").replace(words))
    )
    change = pl.when(reopened).then(pl.lit(Change.ADDED.value)).otherwise("status")
    return (
        after.filter(~(is_same | is_answer | is_undone))
        .with_columns(change=change, reason=reason, was_procedures="procedures", was_due_on="due_on")
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
    )
