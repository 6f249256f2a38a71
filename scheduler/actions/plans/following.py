"""Following patients: everything that is recorded of them → episodes, visits and verdicts, brought in line.

Inside somebody's transaction. Signing, recording an examination or an event, booking, overriding, re-planning and the
daily work all end here, with one patient or many; what is in line already is not written. Audit rows are the caller's,
who knows what a person did.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import polars as pl

from scheduler.actions.plans.answered_visits import as_answered, looked_at, match_all
from scheduler.actions.plans.beginning import begin_episodes
from scheduler.actions.plans.changing_visits import STAYS, VISIT_CHANGES, write_changes
from scheduler.actions.plans.facts import Facts, facts_of
from scheduler.actions.plans.rules import Rules
from scheduler.actions.plans.wanted_visits import WantedVisits
from scheduler.core.chains import CHAINS, with_visit_steps
from scheduler.core.matching import Matched
from scheduler.core.standing import Standing, stand
from scheduler.core.visit_changes import KEY, Change
from scheduler.store.transaction import Transaction

PASSES = 4  # a visit that changed may own other days; where a pass changed nothing there is no next one
STATE_CHANGES: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "was": pl.String(),  # missing for an episode that began
    "state": pl.String(),
    "since_on": pl.Date(),
    "because": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What changed about episodes (`STATE_CHANGES`), what became of visits (`VISIT_CHANGES`), and all verdicts."""

    states: pl.DataFrame
    changes: pl.DataFrame
    verdicts: pl.DataFrame  # VERDICTS, of every examination of these patients


@dataclass(frozen=True, kw_only=True)
class Why:
    """What led here: the episodes whose intensity has risen, those planned anew, and each patient's steps so far.

    `chains` (`chains.CHAINS`) are kept with every visit that changes.
    """

    raised: tuple[int, ...] = ()
    planned: tuple[int, ...] = ()
    chains: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=CHAINS))


def follow(transaction: Transaction, days: pl.DataFrame, rules: Rules, *, why: Why | None = None) -> Followed:
    """Bring everything of these patients in line as of their days (`standing.DAYS`), a row per patient.

    Stores the episodes that treatments begin with their plans, each episode's state, the episode of each examination,
    verdicts, and visits with the record of what changed. Following again changes nothing.
    """
    facts = facts_of(transaction, days["patient_id"])
    standing = _stand(facts, days)
    known = facts.episodes["episode_id"]
    if standing.new_episodes.height:
        begin_episodes(transaction, standing.new_episodes, days, facts, rules)
        facts = facts_of(transaction, days["patient_id"])
        standing = _stand(facts, days)
    states = _store_states(transaction, standing.states, facts, known=known)
    facts = _with_episodes(transaction, facts, standing)
    episodes = looked_at(standing.states, facts, days, rules)
    changes, verdicts = _bring_in_line(transaction, facts, episodes, rules, why or Why())
    return Followed(states=states, changes=changes, verdicts=verdicts)


def _stand(facts: Facts, days: pl.DataFrame) -> Standing:
    return stand(days, episodes=facts.episodes, events=facts.events, examinations=facts.examinations)


def _store_states(transaction: Transaction, states: pl.DataFrame, facts: Facts, *, known: pl.Series) -> pl.DataFrame:
    """Store the states that changed; gives them (`STATE_CHANGES`) with the episodes that began."""
    stored = facts.episodes.select("episode_id", "version", was="state")
    both = states.join(stored, on="episode_id", maintain_order="left")
    changed = both.filter(pl.col("state") != pl.col("was"))
    transaction.update(
        "episodes", changed.select("version", "state", id="episode_id"), key=["id", "version"], put=["state"]
    )
    is_known = pl.col("episode_id").is_in(known.implode())
    told = both.filter((pl.col("state") != pl.col("was")) | ~is_known)
    return told.with_columns(was=pl.when(is_known).then("was")).select(
        pl.col(name).cast(kind) for name, kind in STATE_CHANGES.items()
    )


def _with_episodes(transaction: Transaction, facts: Facts, standing: Standing) -> Facts:
    """The facts with each examination under its episode, which is stored where it was another."""
    if facts.examinations.is_empty():
        return facts
    other = standing.belonging.join(
        facts.examinations.select("examination_id", "episode_id"), on=["examination_id", "episode_id"], how="anti"
    )
    if other.is_empty():
        return facts
    transaction.update("examinations", other.rename({"examination_id": "id"}), key=["id"], put=["episode_id"])
    moved = facts.examinations.drop("episode_id").join(standing.belonging, on="examination_id", maintain_order="left")
    return replace(facts, examinations=moved)


def _bring_in_line(
    transaction: Transaction, facts: Facts, episodes: pl.DataFrame, rules: Rules, why: Why
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Change visits until nothing changes; gives what became of each and the verdicts, which are stored too."""
    changed = []
    looks_again = facts.examinations.height > 0 or episodes["ended_on"].is_not_null().any()
    for number in range(PASSES):
        matched = match_all(facts, episodes, rules)
        wanted = WantedVisits(facts=facts, matched=matched, episodes=episodes, rules=rules, raised=why.raised)
        becomes = _told(wanted.changes(), facts, why, planned=why.planned if number == 0 else ())
        stays = pl.col("change").is_in(STAYS)
        changed.append(becomes.filter(~stays))
        write_changes(transaction, changed[-1], facts.visits)
        if changed[-1].is_empty() or not looks_again:
            break
        facts = facts.with_visits_of(transaction)
    _store_matched(transaction, facts, matched)
    changes = pl.concat(changed)
    return pl.concat([changes, becomes.filter(stays).join(changes, on=KEY, how="anti")]), matched.verdicts


def _told(changes: pl.DataFrame, facts: Facts, why: Why, *, planned: Collection[int]) -> pl.DataFrame:
    """The changes as `VISIT_CHANGES`; a flag is told once, when the episode is planned anew."""
    is_flag = pl.col("change") == Change.FLAGGED.value
    news = changes.filter(~is_flag | pl.col("episode_id").is_in(list(planned)))
    if news.is_empty():
        return pl.DataFrame(schema=VISIT_CHANGES)
    episodes = facts.episodes.select("episode_id", "patient_id").join(why.chains, on="patient_id", how="left")
    versions = facts.plans.select("episode_id", plan_version="version")
    before = facts.visits.select("visit_id", was_version="plan_version")
    known = facts.visits["episode_id"].unique().implode()
    closed = {word: word for word in ("censored", "missed", "withdrawn")}
    return (
        news.join(episodes, on="episode_id", how="left", maintain_order="left")
        .join(versions, on="episode_id", how="left", maintain_order="left")
        .join(before, on="visit_id", how="left", maintain_order="left")
        .with_columns(
            plan_version=pl.coalesce("plan_version", "was_version"),
            status=pl.col("change").replace_strict(closed, default="open", return_dtype=pl.String),
            is_first=~pl.col("episode_id").is_in(known),
            steps=pl.col("steps").fill_null(""),
        )
        .pipe(with_visit_steps)
        .select(pl.col(name).cast(kind) for name, kind in VISIT_CHANGES.items())
    )


def _store_matched(transaction: Transaction, facts: Facts, matched: Matched) -> None:
    """Store what became of visits and what examinations count for, where it is not stored so."""
    done = as_answered(facts.visits, matched.visits)
    differs = done["status"] != facts.visits["status"]
    transaction.update("visits", done.filter(differs).select("status", id="visit_id"), key=["id"], put=["status"])
    ids = facts.episodes["episode_id"]
    if facts.examinations.height or transaction.verdicts_of(ids).height:  # the last examination may be deleted
        transaction.replace_verdicts(ids, matched.verdicts)
