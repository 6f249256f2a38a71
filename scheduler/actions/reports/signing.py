"""Filing both forms of patients, scoring and planning those that were signed, and saying so in the audit.

Inside somebody's transaction. Importing a table and signing one report are the same path, with one patient or many.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.plans.assessing import Assessed, Signing, assess_and_plan, with_all_not_obtainable
from scheduler.actions.plans.deciding import by_own_protocol
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reports.filing import Compared, Outcome, Signature, compare, file_report
from scheduler.core.not_obtainable import names_in
from scheduler.core.reports import as_json, read_documents
from scheduler.core.validation import screen
from scheduler.core.variables import CollectedAt, VariableDictionary
from scheduler.store.transaction import Transaction

STAGES = (CollectedAt.SURGERY, CollectedAt.PATHOLOGY)
NOT_ASKED = Signature(by="", signs=False, reason=None)


UNUSUAL: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "stage": pl.String(),
    "variable": pl.String(),  # several, joined by a comma, where findings contradict each other
    "value": pl.String(),
    "problem": pl.String(),
    "expected": pl.String(),
    "said": pl.String(),  # the warning as it is kept with the report
    "is_known": pl.Boolean(),  # whether the version that is signed now was signed with the same warning
}


@dataclass(frozen=True, kw_only=True)
class Filed:
    """What filing did: an outcome per patient and stage, old → new, what is unusual, what was assessed and planned."""

    outcomes: pl.DataFrame  # patient_id, stage, outcome, version, before_digest, after_digest
    differences: pl.DataFrame  # DIFFERENCES and stage
    unusual: pl.DataFrame  # UNUSUAL, of the forms that were to be signed
    assessed: tuple[Assessed, ...]


def file_and_assess(
    transaction: Transaction,
    patients: pl.DataFrame,
    rules: Rules,
    signatures: Mapping[CollectedAt, Signature],
    *,
    columns: Collection[str],
    today: date,
) -> Filed:
    """File the forms named in `signatures`; score and plan every patient of whom something was signed.

    Whoever has a plan already stays with its protocol.

    `patients` has `patient_id, site, resection_id, episode_id, anchor_on, is_new` and every recorded variable, of which
    `columns` are spoken of. Signing confirms what is unusual in the whole form, also what was stored before. Writes the
    audit rows.
    """
    dictionary = rules.rulebook.dictionary
    reports = transaction.reports_of(patients["resection_id"])
    compared = [
        compare(
            reports,
            patients,
            stage,
            dictionary,
            columns=columns if stage in signatures else None,
            not_obtainable=signatures.get(stage, NOT_ASKED).not_obtainable,
        )
        for stage in STAGES
    ]
    unusual = _unusual(patients, compared, signatures, dictionary, today)
    outcomes, changed = {}, []
    signed = patients.select("patient_id", "site", "resection_id", "episode_id", "anchor_on")
    for form in compared:
        stage, everybody = form.stage, pl.repeat(True, patients.height, eager=True)
        outcome, differing = file_report(
            transaction,
            form,
            signatures.get(stage, NOT_ASKED),
            may_sign=everybody if stage is CollectedAt.SURGERY else signed["surgery_version"] > 0,
            confirmed=_confirmed(patients["patient_id"], unusual, stage),
        )
        outcomes[stage] = outcome.with_columns(pl.lit(str(stage)).alias("stage"))
        changed.append(differing.with_columns(pl.lit(str(stage)).alias("stage")))
        findings = read_documents(outcome["document"], dictionary, stage)
        signed = pl.concat([signed, findings], how="horizontal").with_columns(
            outcome["version"].alias(f"{stage}_version"),
            (outcome["outcome"] == Outcome.SIGNED.value).alias(f"{stage} now"),
            names_in(outcome["not_obtainable"]).alias(f"{stage}_not_obtainable"),
        )
    signed = signed.with_columns(with_all_not_obtainable())
    by = next(iter(signatures.values())).by
    now = pl.concat(outcomes.values()).filter(pl.col("outcome") == Outcome.SIGNED.value)
    signing = Signing(
        reports=now.select("patient_id", "stage", "version", by=pl.lit(by)), differences=pl.concat(changed)
    )
    assessed = tuple(
        assess_and_plan(transaction, some, own, stages=stages, today=today, signing=signing)
        for stages, group in _by_stages(signed)
        for own, some in by_own_protocol(transaction, group, rules)
    )
    filed = Filed(
        outcomes=pl.concat(frame.drop("document", "not_obtainable") for frame in outcomes.values()),
        differences=signing.differences,
        unusual=unusual,
        assessed=assessed,
    )
    _audit(transaction, patients, filed, rules, signatures)
    return filed


def _unusual(
    patients: pl.DataFrame,
    compared: Sequence[Compared],
    signatures: Mapping[CollectedAt, Signature],
    dictionary: VariableDictionary,
    today: date,
) -> pl.DataFrame:
    """What a signer has to confirm (`UNUSUAL`): in the whole form, and where the two forms contradict each other."""
    signing = [form for form in compared if form.stage in signatures and signatures[form.stage].signs]
    if not signing or patients.is_empty():
        return pl.DataFrame(schema=UNUSUAL)
    row = pl.int_range(patients.height, dtype=pl.Int64, eager=True).alias("row")
    findings = [finding for form in compared for finding in form.after if finding.null_count() < patients.height]
    forms = pl.DataFrame([row, row.cast(pl.String).alias("mrn"), *findings])
    warnings = screen(forms, dictionary, today=today).warnings.with_columns(_said().alias("said"))
    if warnings.is_empty():
        return pl.DataFrame(schema=UNUSUAL)
    ids = pl.DataFrame([row, patients["patient_id"]])
    return pl.concat(_of_form(warnings, ids, form, dictionary) for form in signing)


def _said() -> pl.Expr:
    """A warning as it is kept: a finding, its value and what is unusual; of several findings what contradicts what."""
    of_one = pl.format("{} {} {}", "variable", pl.col("value").fill_null(""), "problem")
    return (
        pl.when(pl.col("variable").str.contains(", ")).then(pl.format("{} ({})", "problem", "value")).otherwise(of_one)
    )


def _of_form(warnings: pl.DataFrame, ids: pl.DataFrame, form: Compared, dictionary: VariableDictionary) -> pl.DataFrame:
    """The warnings that speak of one form, as `UNUSUAL`."""
    names = list(dictionary.collected_at(form.stage))
    known = form.reports["signed_confirmed"].fill_null("[]").str.json_decode(pl.List(pl.String)).alias("known")
    return (
        warnings.filter(pl.col("variable").str.split(", ").list.set_intersection(names).list.len() > 0)
        .join(ids.with_columns(known), on="row", maintain_order="left")
        .with_columns(
            pl.lit(str(form.stage)).alias("stage"), pl.col("known").list.contains(pl.col("said")).alias("is_known")
        )
        .select(pl.col(name).cast(kind) for name, kind in UNUSUAL.items())
    )


def _confirmed(patients: pl.Series, unusual: pl.DataFrame, stage: CollectedAt) -> pl.Series:
    """Each patient's warnings of one form, as a JSON list."""
    if unusual.is_empty():
        return pl.repeat("[]", patients.len(), eager=True)
    said = unusual.filter(pl.col("stage") == str(stage)).group_by("patient_id", maintain_order=True)
    lists = patients.to_frame("patient_id").join(
        said.agg(pl.col("said").alias("confirmed")), on="patient_id", how="left", maintain_order="left"
    )
    return lists.select(pl.col("confirmed").fill_null([])).select(as_json("confirmed")).to_series()


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
        pl.lit("{}").alias("details"),
    )
    waits = pl.col("outcome") == Outcome.NEEDS_SURGERY.value
    is_new = pl.col("before_digest").ne_missing(pl.col("after_digest"))
    kept = pl.col("outcome").is_in([Outcome.SIGNED.value, Outcome.DRAFTED.value]) | (waits & is_new)
    verb = pl.when(pl.col("outcome") == Outcome.SIGNED.value).then(pl.lit("sign")).otherwise(pl.lit("draft"))
    reports = filed.outcomes.filter(kept).select(
        "patient_id",
        pl.concat_str(verb, pl.lit("_"), "stage", pl.lit("_report")).alias("action"),
        "before_digest",
        "after_digest",
        pl.struct("version").struct.json_encode().alias("details"),
    )
    audit(transaction, pl.concat([enrolled, reports], how="diagonal"), actor=by.by, reason=by.reason)
    for assessed in filed.assessed:
        planned = assessed.decisions.select(
            "patient_id",
            pl.when(pl.col("no_surveillance").is_null())
            .then(pl.lit("plan_surveillance"))
            .otherwise(pl.lit("plan_no_surveillance"))
            .alias("action"),
            pl.when(pl.col("no_surveillance").is_null())
            .then(_said_of_plan())
            .otherwise(pl.struct("stage", pl.col("no_surveillance").alias("because")).struct.json_encode())
            .alias("details"),
        )
        audit(transaction, planned, actor=by.by, reason=by.reason, rule_digests=rules.digests_text)


def _said_of_plan() -> pl.Expr:
    version = (pl.col("old_version") + 1).alias("plan_version")
    return pl.struct(version, "stage", "old_intensity", "intensity", "provisional").struct.json_encode()
