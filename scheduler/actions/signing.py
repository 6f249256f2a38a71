"""Filing both forms of patients, scoring and planning those that were signed, and saying so in the audit.

Inside somebody's transaction. Importing a table and signing one report are the same path, with one patient or many.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.assessing import Assessed, Rules, assess_and_plan
from scheduler.actions.filing import Outcome, Signature, file_report
from scheduler.core.reports import DIFFERENCES, read_documents
from scheduler.core.variables import CollectedAt
from scheduler.store.transaction import Transaction

STAGES = (CollectedAt.SURGERY, CollectedAt.PATHOLOGY)


@dataclass(frozen=True, kw_only=True)
class Filed:
    """What filing did: an outcome per patient and stage, old → new, and what was assessed and planned."""

    outcomes: pl.DataFrame  # patient_id, stage, outcome, version, before_digest, after_digest
    differences: pl.DataFrame  # DIFFERENCES
    assessed: tuple[Assessed, ...]


def file_and_assess(
    transaction: Transaction,
    patients: pl.DataFrame,
    rules: Rules,
    signatures: Mapping[CollectedAt, Signature],
    *,
    columns: Sequence[str],
    today: date,
) -> Filed:
    """File the forms named in `signatures`; score and plan every patient of whom something was signed.

    `patients` has `patient_id, site, resection_id, episode_id, anchor_on, is_new`, the warnings that were confirmed
    (`confirmed`, a JSON list) and every recorded variable, of which `columns` are spoken of. Writes the audit rows.
    """
    outcomes, changed = {}, [pl.DataFrame(schema=DIFFERENCES)]
    signed = patients.select("patient_id", "site", "resection_id", "episode_id", "anchor_on")
    dictionary = rules.rulebook.dictionary
    for stage in STAGES:
        ready = pl.lit(True) if stage is CollectedAt.SURGERY else signed["surgery_version"] > 0
        asked = patients.with_columns(ready.alias("may_sign"))
        signature = signatures.get(stage, Signature(by="", signs=False, reason=None))
        spoken = columns if stage in signatures else ()
        outcome, differing = file_report(transaction, asked, stage, signature, dictionary, columns=spoken)
        outcomes[stage] = outcome.with_columns(pl.lit(str(stage)).alias("stage"))
        changed.append(differing)
        findings = read_documents(outcome["document"], dictionary, stage)
        signed = pl.concat([signed, findings], how="horizontal").with_columns(
            outcome["version"].alias(f"{stage}_version"),
            (outcome["outcome"] == Outcome.SIGNED.value).alias(f"{stage} now"),
        )
    assessed = tuple(
        assess_and_plan(transaction, group, rules, stages=stages, today=today) for stages, group in _by_stages(signed)
    )
    filed = Filed(
        outcomes=pl.concat(frame.drop("document") for frame in outcomes.values()),
        differences=pl.concat(changed),
        assessed=assessed,
    )
    _audit(transaction, patients, filed, rules, signatures)
    return filed


def _by_stages(signed: pl.DataFrame) -> list[tuple[tuple[str, ...], pl.DataFrame]]:
    """The patients of whom something was signed now, by the stages whose models must be scored (again).

    What was recorded at surgery also enters the models of the pathology stage.
    """
    surgery, pathology = pl.col("surgery now"), pl.col("pathology now")
    both = (surgery & (pl.col("pathology_version") > 0)) | (surgery & pathology)
    findings = signed.drop("surgery now", "pathology now")
    masks = {
        ("surgery", "pathology"): both,
        ("surgery",): surgery & ~both,
        ("pathology",): pathology & ~surgery,
    }
    groups = [(stages, findings.filter(signed.select(mask).to_series())) for stages, mask in masks.items()]
    return [(stages, group) for stages, group in groups if group.height]


def _audit(
    transaction: Transaction,
    patients: pl.DataFrame,
    filed: Filed,
    rules: Rules,
    signatures: Mapping[CollectedAt, Signature],
) -> None:
    """One audit row per enrolment, draft, signature and plan."""
    by = next(iter(signatures.values()))
    enrolled = patients.filter("is_new").select(
        "patient_id",
        pl.lit("enrol_patient").alias("action"),
        pl.lit(None, dtype=pl.String).alias("before_digest"),
        pl.lit(None, dtype=pl.String).alias("after_digest"),
        pl.lit("{}").alias("details"),
    )
    kept = pl.col("outcome").is_in([Outcome.SIGNED.value, Outcome.DRAFTED.value, Outcome.NEEDS_SURGERY.value])
    verb = pl.when(pl.col("outcome") == Outcome.SIGNED.value).then(pl.lit("sign")).otherwise(pl.lit("draft"))
    reports = filed.outcomes.filter(kept).select(
        "patient_id",
        pl.concat_str(verb, pl.lit("_"), "stage", pl.lit("_report")).alias("action"),
        "before_digest",
        "after_digest",
        pl.struct("version").struct.json_encode().alias("details"),
    )
    _append_audit(transaction, pl.concat([enrolled, reports]), by, "{}")
    digests = json.dumps(rules.digests, sort_keys=True, separators=(",", ":"))
    for assessed in filed.assessed:
        planned = assessed.decisions.select(
            "patient_id",
            pl.when(pl.col("no_surveillance").is_null())
            .then(pl.lit("plan_surveillance"))
            .otherwise(pl.lit("plan_no_surveillance"))
            .alias("action"),
            pl.lit(None, dtype=pl.String).alias("before_digest"),
            pl.lit(None, dtype=pl.String).alias("after_digest"),
            pl.struct(
                (pl.col("old_version") + 1).alias("plan_version"), "stage", "old_intensity", "intensity", "provisional"
            )
            .struct.json_encode()
            .alias("details"),
        )
        _append_audit(transaction, planned, by, digests)


def _append_audit(transaction: Transaction, rows: pl.DataFrame, by: Signature, rule_digests: str) -> None:
    transaction.append_audit(
        rows.with_columns(
            pl.lit(by.by).alias("actor"),
            pl.lit(rule_digests).alias("rule_digests"),
            pl.lit(by.reason, dtype=pl.String).alias("reason"),
        )
    )
