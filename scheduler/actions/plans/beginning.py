"""Beginning the episodes that a treatment with curative intent anchors: each with its own intensive plan.

Inside somebody's transaction. No model speaks of a patient after a first recurrence, so there is nothing to score. The
new plan follows the protocol of the plan before it.
"""

import polars as pl

from scheduler.actions.plans.facts import Facts
from scheduler.actions.plans.rules import Rules
from scheduler.core.planning import horizon_on
from scheduler.core.reports import as_json
from scheduler.store.transaction import Transaction

FOLLOWED = ("protocol_id", "protocol_version", "protocol_digest", "afterwards_months")


def begin_episodes(
    transaction: Transaction, new_episodes: pl.DataFrame, days: pl.DataFrame, facts: Facts, rules: Rules
) -> None:
    """Store the episodes (`episodes.NEW_EPISODES`) and their first plans, as of each patient's day (`DAYS`)."""
    ids = pl.Series("episode_id", transaction.reserve_ids("episodes", new_episodes.height), dtype=pl.Int64)
    begun = new_episodes.with_columns(ids).join(days, on="patient_id", maintain_order="left")
    transaction.append(
        "episodes",
        begun.select(
            pl.col("episode_id").alias("id"),
            "patient_id",
            pl.lit(None, dtype=pl.Int64).alias("resection_id"),
            "anchor_on",
            pl.lit("active").alias("state"),
            pl.lit(1).alias("version"),
        ),
    )
    transaction.append_rule_texts(rules.texts)
    transaction.append("plans", _first_plans(begun, facts, rules))


def _first_plans(begun: pl.DataFrame, facts: Facts, rules: Rules) -> pl.DataFrame:
    """The first plan of each; where the patient had none before, it follows the protocol of the rules."""
    before = (
        facts.plans.join(facts.episodes.select("episode_id", "patient_id", "anchor_on"), on="episode_id")
        .sort("anchor_on")
        .unique("patient_id", keep="last", maintain_order=True)
        .select("patient_id", *FOLLOWED)
    )
    followed = begun.join(before, on="patient_id", how="left", maintain_order="left").with_columns(
        pl.col("protocol_id").fill_null(rules.protocol.id),
        pl.col("protocol_version").fill_null(rules.protocol.version),
        pl.col("protocol_digest").fill_null(rules.protocol_digest),
    )
    return (
        followed.with_columns(protocol=pl.format("{}@{}", "protocol_id", "protocol_version"), wanted="intensity")
        .with_columns(pl.col("protocol").replace_strict(_closest(followed, rules)).alias("intensity"))
        .with_columns(because=pl.concat_list(begun_by_treatment(), no_schedule()).list.drop_nulls())
        .select(
            "episode_id",
            pl.lit(1).alias("version"),
            pl.lit("treatment").alias("stage"),
            "protocol_id",
            "protocol_version",
            "protocol_digest",
            "intensity",
            pl.lit(False).alias("provisional"),
            as_json("because"),
            horizon_on(pl.col("today")).alias("horizon_month"),
            pl.col("afterwards_months").fill_null(min(row.every_months for row in rules.protocol.afterwards)),
        )
    )


def begun_by_treatment() -> pl.Expr:
    """Why an episode that no model speaks of is followed so closely, over `anchor_on`."""
    return pl.format("an episode begun by a treatment on {}: intensive", "anchor_on")


def no_schedule() -> pl.Expr:
    """That the protocol has no schedule for what is `wanted`, and which `intensity` takes its place; else missing."""
    instead = pl.format("the protocol has no schedule for {}: {}", "wanted", "intensity")
    return pl.when(pl.col("wanted") != pl.col("intensity")).then(instead)


def _closest(followed: pl.DataFrame, rules: Rules) -> dict[str, str]:
    """The most intensive follow-up of each protocol that is followed, by its reference."""
    references = followed.select(pl.format("{}@{}", "protocol_id", "protocol_version")).to_series().unique()
    return {reference: str(rules.rulebook.protocol(reference).most_intensive) for reference in references}
