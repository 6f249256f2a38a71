"""From assessments to how closely each patient is followed, and the plan version that says so.

Inside somebody's transaction. Takes the patients with all that is signed of them and how they were scored; gives a
decision per patient and replaces the plans that it changes. Visits are brought in line by `following`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.core.calendar import whole_months_between
from scheduler.core.intensity import decide_intensity
from scheduler.core.intensity_policy import FACTS, with_policy
from scheduler.core.planning import afterwards_interval, horizon_on, no_surveillance
from scheduler.core.protocols import Intensity
from scheduler.core.reports import as_json
from scheduler.store.transaction import Transaction

EXTEND_WITHIN_MONTHS = 12
EPISODE = ("patient_id", "site", "episode_id", "anchor_on", "signed_stage")
PLAN = ("protocol_id", "protocol_version", "intensity", "provisional", "because", "horizon_month", "afterwards_months")


def decide(
    transaction: Transaction, signed: pl.DataFrame, assessments: pl.DataFrame, rules: Rules, *, today: date
) -> pl.DataFrame:
    """What the models leave possible of each patient of `signed` (`assessing.SIGNED`), as `in_force` gives it."""
    latest = pl.when(pl.col("pathology_version") > 0).then(pl.lit("pathology")).otherwise(pl.lit("surgery"))
    with_stage = signed.with_columns(latest.alias("signed_stage"))
    stages = with_stage.select("patient_id", "signed_stage")
    dictionary = rules.rulebook.dictionary
    facts = with_stage.select(
        *EPISODE,
        afterwards_interval(signed, rules.protocol, dictionary).alias("afterwards_months"),
        no_surveillance(signed, rules.protocol, dictionary).alias("no_surveillance"),
    )
    lost = signed.select("patient_id", "not_obtainable").filter(pl.col("not_obtainable").list.len() > 0)
    decided = decide_intensity(assessments, rules.protocol, signed_stage=stages, not_obtainable=lost)
    return in_force(transaction, decided, facts, rules, today=today)


def in_force(
    transaction: Transaction, decided: pl.DataFrame, facts: pl.DataFrame, rules: Rules, *, today: date
) -> pl.DataFrame:
    """A row per patient of `decided` (`intensity.DECISIONS`), in its order: the decision as it holds today.

    `facts` has `EPISODE`, `afterwards_months` (missing: as in the plan before) and `no_surveillance`. Gives both, with
    `horizon_month` and the plan that is replaced: `current_version, old_intensity, old_version` and the stored columns
    of `PLAN` after `was_`; 0 and missing where there is none.
    """
    held = with_policy(decided, _policy_facts(transaction, facts, today), rules.protocol)
    joined = held.join(facts, on="patient_id", maintain_order="left")
    return _beside_the_plan(transaction, joined).with_columns(
        _horizon(today), pl.coalesce("afterwards_months", "was_afterwards_months").alias("afterwards_months")
    )


def by_own_protocol(
    transaction: Transaction, episodes: pl.DataFrame, rules: Rules
) -> Iterator[tuple[Rules, pl.DataFrame]]:
    """The rows of `episodes`, together as far as their plans follow one protocol, with the rules that follow it.

    Whoever has no plan yet follows the protocol of the rules.
    """
    plans = transaction.current_plans(episodes["episode_id"])
    followed = plans.select("episode_id", own=pl.format("{}@{}", "protocol_id", "protocol_version"))
    known = episodes.join(followed, on="episode_id", how="left", maintain_order="left")
    for (reference,), some in known.group_by(pl.col("own").fill_null(rules.protocol.reference), maintain_order=True):
        own = rules if reference == rules.protocol.reference else replace(rules, protocol_id=str(reference))
        yield own, some.drop("own")


def replace_plans(transaction: Transaction, decisions: pl.DataFrame, rules: Rules) -> None:
    """A new plan version for each episode that is followed; the one before is superseded."""
    supersede(transaction, decisions.select("episode_id", version="current_version"))
    planned = decisions.filter(pl.col("no_surveillance").is_null()).select(
        "episode_id",
        (pl.col("old_version") + 1).alias("version"),
        pl.col("signed_stage").alias("stage"),
        *_plan(rules),
    )
    store_plans(transaction, planned, rules)


def raised(decisions: pl.DataFrame) -> tuple[int, ...]:
    """The episodes that are followed more closely than by the plan before."""
    ranks = {str(intensity): intensity.rank for intensity in Intensity}
    new, old = (pl.col(name).replace_strict(ranks, default=None) for name in ("intensity", "old_intensity"))
    return tuple(decisions.filter(pl.col("no_surveillance").is_null() & (new > old))["episode_id"])


def supersede(transaction: Transaction, plans: pl.DataFrame) -> None:
    """The plans `episode_id, version` are followed no more; rows without a version are passed over."""
    replaced = plans.filter(pl.col("version").is_not_null())
    ended = replaced.with_columns(pl.lit(transaction.recorded_at).alias("superseded_at"))
    transaction.update("plans", ended, key=["episode_id", "version"], put=["superseded_at"])


def store_plans(transaction: Transaction, planned: pl.DataFrame, rules: Rules) -> None:
    """Store new plans: `episode_id, version, stage` and `PLAN`."""
    with_digest = planned.with_columns(pl.lit(rules.protocol_digest).alias("protocol_digest"))
    transaction.append("plans", with_digest)


def is_same_plan(rules: Rules) -> pl.Expr:
    """Whether a decision is what the current plan says already."""
    same: Iterable[pl.Expr] = (
        expression.eq_missing(pl.col(f"was_{name}")) for name, expression in zip(PLAN, _plan(rules), strict=True)
    )
    no_plan = pl.col("no_surveillance").is_not_null() & pl.col("current_version").is_null()
    return no_plan | (pl.col("current_version").is_not_null() & pl.all_horizontal(same))


def _plan(rules: Rules) -> tuple[pl.Expr, ...]:
    """What a plan's row says, over decisions: the columns `PLAN`."""
    return (
        pl.lit(rules.protocol.id).alias("protocol_id"),
        pl.lit(rules.protocol.version, dtype=pl.Int64).alias("protocol_version"),
        pl.col("intensity"),
        pl.col("provisional"),
        as_json("because"),
        pl.col("horizon_month"),
        pl.col("afterwards_months"),
    )


def _policy_facts(transaction: Transaction, facts: pl.DataFrame, today: date) -> pl.DataFrame:
    """What policy looks at (`intensity_policy.FACTS`): the newest override of each intensity that nobody ended."""
    overrides = transaction.overrides_of(facts["episode_id"])
    chosen = overrides.filter(pl.col("kind") == "intensity", pl.col("ended_at").is_null()).unique(
        "episode_id", keep="last", maintain_order=True
    )
    return (
        facts.select("patient_id", "episode_id", "signed_stage", "anchor_on")
        .join(chosen, on="episode_id", how="left", maintain_order="left")
        .with_columns(
            pl.lit(today).alias("today"),
            pl.col("intensity").alias("overridden"),
            pl.col("until_on").alias("overridden_until"),
            pl.col("recorded_by").alias("overridden_by"),
        )
        .select(*FACTS)
    )


def _beside_the_plan(transaction: Transaction, decided: pl.DataFrame) -> pl.DataFrame:
    """The decisions beside the plan that is followed now, and the newest there was."""
    current = transaction.current_plans(decided["episode_id"]).select(
        "episode_id",
        pl.col("version").alias("current_version"),
        pl.col("intensity").alias("old_intensity"),
        *(pl.col(name).alias(f"was_{name}") for name in PLAN),
    )
    newest = transaction.latest_plan_versions(decided["episode_id"]).rename({"version": "old_version"})
    return (
        decided.join(current, on="episode_id", how="left", maintain_order="left")
        .join(newest, on="episode_id", how="left", maintain_order="left")
        .with_columns(pl.col("old_version").fill_null(0))
    )


def _horizon(today: date) -> pl.Expr:
    """How far the plan is laid out: as far as it is, unless that runs out within `EXTEND_WITHIN_MONTHS`."""
    left = pl.col("was_horizon_month") - whole_months_between(pl.col("anchor_on"), pl.lit(today))
    kept = pl.when(left >= EXTEND_WITHIN_MONTHS).then("was_horizon_month")
    return kept.otherwise(horizon_on(today)).alias("horizon_month")
