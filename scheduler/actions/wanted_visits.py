"""What the visits of some patients should be: matched, planned, reconciled, with short-interval visits.

Between facts and the core: takes what is recorded and the rules; gives verdicts and changes. Writes nothing. Episodes
are taken together as far as protocol and site allow, so that one patient takes the same path as many.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial

import polars as pl

from scheduler.actions.facts import Facts
from scheduler.actions.rules import Rules
from scheduler.core.catch_up import COMPLETED, CatchingUp
from scheduler.core.episodes import settle, uncensored
from scheduler.core.liver_rhythm import LIVER_IMAGING
from scheduler.core.matching import MATCHED_VISITS, Matched, match
from scheduler.core.overriding import VISIT_OVERRIDES, with_visit_overrides
from scheduler.core.planning import VISITS, plan
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.reconcile import reconcile
from scheduler.core.short_interval import short_interval_visits
from scheduler.core.triggers import triggers
from scheduler.core.verdicts import ANSWERS, VERDICTS, Verdict
from scheduler.core.visit_changes import CHANGES, EXISTING, KEY, SUSPICIOUS, Change, Today

LOOKED_AT: dict[str, pl.DataType] = {  # an episode as it is looked at, beside what stands in `episodes.STATES`
    "site": pl.String(),
    "today": pl.Date(),
    "protocol": pl.String(),  # the reference of the protocol that its plan follows
}
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


def looked_at(states: pl.DataFrame, facts: Facts, days: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """The states of stored episodes (`episodes.STATES`) with `LOOKED_AT`."""
    protocols = facts.plans.select("episode_id", protocol=pl.format("{}@{}", "protocol_id", "protocol_version"))
    return (
        states.join(facts.episodes.select("episode_id", "site"), on="episode_id", maintain_order="left")
        .join(days, on="patient_id", maintain_order="left")
        .join(protocols, on="episode_id", how="left", maintain_order="left")
        .with_columns(pl.col("protocol").fill_null(rules.protocol.reference))
    )


def match_all(facts: Facts, episodes: pl.DataFrame, rules: Rules) -> Matched:
    """Every examination's verdict and every visit's standing as of each patient's day (`matching.match`).

    Whether a visit is missed is not for sure before the last of these days: ask the worklist.
    """
    parts = [Matched(verdicts=pl.DataFrame(schema=VERDICTS), visits=pl.DataFrame(schema=MATCHED_VISITS))]
    if facts.examinations.height or (facts.visits["status"] == "done").any():
        dated = facts.examinations.join(episodes.select("episode_id", "today"), on="episode_id", maintain_order="left")
        parts += [
            _match(dated, uncensored(facts.visits), some, rules.rulebook.protocol(str(reference)))
            for (reference,), some in episodes.group_by("protocol", maintain_order=True)
        ]
    return Matched(verdicts=pl.concat(part.verdicts for part in parts), visits=pl.concat(part.visits for part in parts))


def _match(
    examinations: pl.DataFrame, visits: pl.DataFrame, episodes: pl.DataFrame, protocol: SurveillanceProtocol
) -> Matched:
    """One protocol's episodes, each as of its own day."""
    is_one = pl.col("episode_id").is_in(episodes["episode_id"].implode())
    is_ahead = pl.col("performed_on") > pl.col("today")
    theirs, last_day = examinations.filter(is_one), episodes["today"].max()
    assert isinstance(last_day, date)
    matched = match(
        theirs.filter(~is_ahead), visits.filter(is_one), episodes=episodes, protocol=protocol, as_of=last_day
    )
    ahead = theirs.filter(is_ahead)
    if ahead.is_empty():
        return matched
    first_day = episodes["today"].min()
    assert isinstance(first_day, date)
    waiting = match(ahead, visits.clear(), episodes=episodes, protocol=protocol, as_of=first_day)
    return Matched(verdicts=pl.concat([matched.verdicts, waiting.verdicts]), visits=matched.visits)


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
        parts = [
            _closed_or_reopened(self.facts.visits, self._settled),
            *self._reconciled(),
            *(self._short_interval(group) for group in self._groups),
        ]
        intervals = self._planned.select(*KEY, "interval_months")
        return pl.concat(parts).join(intervals, on=KEY, how="left", maintain_order="left")

    @cached_property
    def _visits(self) -> pl.DataFrame:
        return as_answered(uncensored(self.facts.visits), self.matched.visits)

    @cached_property
    def _settled(self) -> pl.DataFrame:
        return settle(self._visits, self.episodes)

    @cached_property
    def _going_on(self) -> pl.DataFrame:
        return self.episodes.filter(pl.col("ended_on").is_null())

    @cached_property
    def _existing(self) -> pl.DataFrame:
        goes_on = pl.col("episode_id").is_in(self._going_on["episode_id"].implode())
        return self._settled.filter(goes_on).select(*EXISTING)

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        return tuple(
            Group(site=str(site), protocol=self.rules.rulebook.protocol(str(reference)), episodes=some)
            for (site, reference), some in self._going_on.group_by("site", "protocol", maintain_order=True)
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
        today = _today(self._going_on)
        yield reconcile(existing.clear(), planned.filter(is_first), today=today, whole=True)
        others = ~is_first & ~is_held
        yield known(existing.filter(others), planned.filter(others), today=today)
        for group in self._groups:
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
        return held.filter(pl.col("until_on") >= pl.col("today")).rename({"due_on": "overridden_on"})

    def _short_interval(self, group: Group) -> pl.DataFrame:
        """The visits that suspicious findings and marker rises ask for."""
        theirs = self.facts.examinations.filter(group.is_one)
        visits = self._existing.filter(group.is_one)
        if theirs.is_empty() and not (visits["origin"] == SUSPICIOUS).any():
            return pl.DataFrame(schema=CHANGES)
        anchors = group.episodes.select("episode_id", "anchor_on")
        return short_interval_visits(
            triggers(theirs.join(anchors, on="episode_id", maintain_order="left"), group.protocol),
            visits,
            protocol=group.protocol,
            working_days=self.rules.working_days(group.site),
            today=group.today,
            verdicts=self.matched.verdicts.filter(group.is_one),
        )


def as_answered(visits: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """The visits, done where they were answered and open where they are no longer; what is gone stays so."""
    if matched.is_empty():
        return visits
    is_done = pl.col("done_on").is_not_null() & (pl.col("status") != "withdrawn")
    is_undone = (pl.col("status") == "done") & pl.col("done_on").is_null()
    status = pl.when(is_done).then(pl.lit("done")).when(is_undone).then(pl.lit("open")).otherwise("status")
    days = matched.select("visit_id", "done_on")
    answered = visits.join(days, on="visit_id", how="left", maintain_order="left")
    return answered.with_columns(status=status).drop("done_on")


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
    is_same, is_answer = before["status"] == after["status"], after["status"] == "done"
    is_undone = (before["status"] == "done") & (after["status"] == "open")
    reopened = pl.col("status") == "open"
    words = {"censored": "the episode ended before it was due", "missed": "unanswered when the episode ended"}
    reason = pl.when(reopened).then(pl.lit("the episode goes on")).otherwise(pl.col("status").replace(words))
    change = pl.when(reopened).then(pl.lit(Change.ADDED.value)).otherwise("status")
    return (
        after.filter(~(is_same | is_answer | is_undone))
        .with_columns(change=change, reason=reason, was_procedures="procedures", was_due_on="due_on")
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
    )
