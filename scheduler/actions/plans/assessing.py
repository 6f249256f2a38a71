"""From signed findings to assessments, intensity, plan and visits, inside somebody's transaction.

Takes the patients whose reports have just been signed, with all that is signed of them; writes assessments, plans and
visits and says what changed. Importing, signing and re-signing all come here: one patient takes the same path as a
hundred thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.plans.deciding import decide, raised, replace_plans
from scheduler.actions.plans.following import Why, follow
from scheduler.actions.plans.rules import Rules
from scheduler.core.chains import CHAINS, chains
from scheduler.core.reports import as_json
from scheduler.core.scoring import CompiledModel, score
from scheduler.store.transaction import Transaction

SIGNED: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "site": pl.String(),
    "resection_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "surgery_version": pl.Int64(),  # the signed version now; 0: not signed
    "pathology_version": pl.Int64(),
    "not_obtainable": pl.List(pl.String()),  # what the signers of both forms say cannot be had
}  # beside these, every recorded variable, as far as it is signed


def with_all_not_obtainable() -> pl.Expr:
    """What cannot be had, of both forms (`surgery_not_obtainable`, `pathology_not_obtainable`)."""
    return pl.concat_list("surgery_not_obtainable", "pathology_not_obtainable").alias("not_obtainable")


@dataclass(frozen=True, kw_only=True)
class Signing:
    """What was signed now: the reports (`patient_id, stage, version, by`) and old → new (`reports.DIFFERENCES`)."""

    reports: pl.DataFrame
    differences: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """What assessing changed: assessments as scored, a decision and old intensity per patient, and visit changes."""

    assessments: pl.DataFrame
    decisions: pl.DataFrame
    changes: pl.DataFrame


def assess_and_plan(
    transaction: Transaction,
    signed: pl.DataFrame,
    rules: Rules,
    *,
    stages: tuple[str, ...],
    today: date,
    signing: Signing,
) -> Assessed:
    """Score the patients of `signed` (`SIGNED` and every recorded variable) by the models of `stages`, and plan.

    Writes assessments, a plan version and its visits for each patient who is to be followed; a patient with no
    surveillance (an R2 resection) gets none, and open visits that lie ahead are withdrawn. A first plan is laid out
    whole, from month 0, even where its days have passed. Audit rows are the caller's.
    """
    models = [compiled for compiled in rules.models if compiled.model.scored_at in stages]
    assessments = score_and_store(transaction, signed, models, rules)
    decisions = decide(transaction, signed, assessments, rules, today=today)
    replace_plans(transaction, decisions, rules)
    known = decisions.filter(pl.col("old_version") > 0)
    why = Why(
        raised=raised(known),
        planned=tuple(known["episode_id"]),
        chains=_chains(transaction, known, signed, assessments, rules, signing),
    )
    followed = follow(transaction, decisions.select("patient_id", today=pl.lit(today)), rules, why=why)
    return Assessed(assessments=assessments, decisions=decisions, changes=followed.changes)


def _chains(
    transaction: Transaction,
    known: pl.DataFrame,
    signed: pl.DataFrame,
    assessments: pl.DataFrame,
    rules: Rules,
    signing: Signing,
) -> pl.DataFrame:
    """What led to each decision that replaces a plan (`chains.CHAINS`)."""
    if known.is_empty():
        return pl.DataFrame(schema=CHAINS)
    theirs = pl.col("patient_id").is_in(known["patient_id"].implode())
    resections = signed.filter(theirs).select("patient_id", "resection_id")
    scored = assessments.filter(theirs)
    earlier = transaction.assessments_of(resections["resection_id"]).filter(
        pl.col("recorded_at") < transaction.recorded_at
    )
    before = earlier.unique(["resection_id", "model_id"], keep="last", maintain_order=True).join(
        resections, on="resection_id"
    )
    return chains(
        known,
        reports=signing.reports.filter(theirs),
        differences=signing.differences.filter(theirs),
        assessments=scored,
        before=before.with_columns(pl.col("possible_groups").str.json_decode(pl.List(pl.String)), model="model_id"),
        cut_offs={compiled.model.reference: _cut_offs(compiled) for compiled in rules.models},
    )


def _cut_offs(compiled: CompiledModel) -> dict[str, float]:
    """The boundary above each group but the last."""
    bands = compiled.model.risk_groups.groups
    return {str(band.group): band.below for band in bands if band.below is not None}


def score_and_store(
    transaction: Transaction, signed: pl.DataFrame, models: Sequence[CompiledModel], rules: Rules
) -> pl.DataFrame:
    """Score and store: one assessment per patient of `signed` and model, as `scoring.score` gives them."""
    assessments = score(signed, models)
    transaction.append_rule_texts(rules.texts)
    versions = signed.select("patient_id", "resection_id", "surgery_version", "pathology_version")
    lists = [as_json(name) for name in ("possible_groups", "settled_by", "missing", "reasons")]
    at_surgery = pl.col("stage") == "surgery"
    rows = assessments.join(versions, on="patient_id", maintain_order="left").with_columns(
        *lists, pl.when(at_surgery).then(0).otherwise(pl.col("pathology_version")).alias("pathology_version")
    )
    stored = rows.rename({"model": "model_id"}).drop("patient_id", "caveats")
    ids = pl.Series("id", transaction.reserve_ids("assessments", stored.height), dtype=pl.Int64)
    transaction.append("assessments", stored.with_columns(ids))
    return assessments
