"""From signed findings to assessments, intensity, plan and visits, inside somebody's transaction.

Takes the patients whose reports have just been signed, with all that is signed of them; writes assessments, plans and
visits and says what changed. Importing, signing and re-signing all come here: one patient takes the same path as a
hundred thousand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.deciding import decide, raised, replace_plans
from scheduler.actions.following import Why, follow
from scheduler.actions.rules import Rules
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
}  # beside these, every recorded variable, as far as it is signed


@dataclass(frozen=True, kw_only=True)
class Assessed:
    """What assessing changed: assessments as scored, a decision and old intensity per patient, and visit changes."""

    assessments: pl.DataFrame
    decisions: pl.DataFrame
    changes: pl.DataFrame


def assess_and_plan(
    transaction: Transaction, signed: pl.DataFrame, rules: Rules, *, stages: tuple[str, ...], today: date
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
    why = Why(raised=raised(decisions), planned=tuple(decisions["episode_id"]))
    followed = follow(transaction, decisions.select("patient_id", today=pl.lit(today)), rules, why=why)
    return Assessed(assessments=assessments, decisions=decisions, changes=followed.changes)


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
