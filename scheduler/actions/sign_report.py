"""Sign one report of one patient: findings in, assessments and plan out, in one transaction."""

from collections.abc import Mapping as Pairs
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.assessing import Assessed, Rules
from scheduler.actions.filing import Outcome, Signature
from scheduler.actions.finding import Patient, find_patient
from scheduler.actions.signing import file_and_assess
from scheduler.core.reports import as_json
from scheduler.core.validation import validate
from scheduler.core.variables import CollectedAt, VariableDictionary, complete
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class FindingsRefused(ClinicalDataError):
    """Findings that cannot be signed; nothing was stored."""

    def __init__(self, *, mrn: str, problems: pl.DataFrame) -> None:
        lines = [
            f"- {row['variable'] or row['column']}{_found(row['value'])} {row['problem']}; expected {row['expected']}"
            for row in problems.iter_rows(named=True)
        ]
        super().__init__(
            "\n".join([f"the report of {mrn} was not signed; nothing was stored", *lines]),
            advice="Correct these findings; `hepwatch rules show variables` lists names, units and ranges.",
        )


class NotConfirmed(ClinicalDataError):
    """Findings outside their plausible range that the signer has not confirmed."""

    def __init__(self, *, mrn: str, warnings: pl.DataFrame) -> None:
        lines = [
            f"- {row['variable']}{_found(row['value'])} {row['problem']}; expected {row['expected']}"
            for row in warnings.iter_rows(named=True)
        ]
        super().__init__(
            "\n".join([f"the report of {mrn} was not signed: these findings are unusual", *lines]),
            advice="Check them against the record; if they are right, sign again with --confirm.",
        )


class ReasonMissing(ClinicalDataError):
    """A change of what is stored, without a reason."""

    def __init__(self, *, mrn: str, stage: str, differences: pl.DataFrame) -> None:
        lines = [
            f"- {row['variable']}: {_said(row['old'])} → {_said(row['new'])}"
            for row in differences.iter_rows(named=True)
        ]
        super().__init__(
            "\n".join([f"this would change the {stage} report of {mrn}; nothing was stored", *lines]),
            advice="Say why with --reason; the change becomes a new version of the report.",
        )


class SurgeryNotSigned(Conflict):
    """A pathology report before the surgery report."""

    def __init__(self, *, mrn: str) -> None:
        super().__init__(
            f"the surgery report of {mrn} is not signed; the pathology models need it",
            advice="Sign it first: hepwatch report sign surgery MRN.",
        )


class NothingToSign(Conflict):
    """A report that says nothing, or that is signed as it stands."""

    def __init__(self, *, mrn: str, stage: str, signed: bool) -> None:
        what = "is signed already, as it stands" if signed else "is empty: nothing is stored or given"
        super().__init__(f"the {stage} report of {mrn} {what}", advice="Give findings with --set or --file.")


@dataclass(frozen=True, kw_only=True)
class SignedReport:
    """What signing did: the patient, old → new findings, the assessments made, and what changed in the plan."""

    patient: Patient
    stage: CollectedAt
    version: int
    differences: pl.DataFrame
    confirmed: pl.DataFrame
    assessed: Assessed


def sign_report(
    registry: Registry,
    rules: Rules,
    mrn: str,
    stage: CollectedAt,
    findings: Pairs[str, str],
    *,
    today: date,
    actor: str,
    site: str | None = None,
    confirm: bool = False,
    reason: str | None = None,
) -> SignedReport:
    """Sign a report with what is stored of it and the findings given (heading → cell, as in a table).

    Everything happens in one transaction. Raises `PatientNotFound`, `SeveralPatients`, `FindingsRefused`,
    `NotConfirmed` (a warning that `confirm` does not confirm), `ReasonMissing`, `SurgeryNotSigned`, `NothingToSign`.
    """
    dictionary = rules.rulebook.dictionary
    with registry.transaction() as transaction:
        patient = find_patient(transaction, mrn, site=site)
        checked, warnings = _checked(transaction, patient, stage, findings, dictionary, today)
        if warnings.height and not confirm:
            raise NotConfirmed(mrn=mrn, warnings=warnings)
        given = [dictionary.headings[heading][0] for heading in findings]
        signature = Signature(by=actor, signs=True, reason=reason)
        filed = file_and_assess(transaction, checked, rules, {stage: signature}, columns=given, today=today)
        outcome = filed.outcomes.filter(pl.col("stage") == str(stage)).row(0, named=True)
        _refuse(outcome["outcome"], mrn, stage, filed.differences)
        return SignedReport(
            patient=patient,
            stage=stage,
            version=outcome["version"],
            differences=filed.differences,
            confirmed=warnings,
            assessed=filed.assessed[0],
        )


def _checked(
    transaction: Transaction,
    patient: Patient,
    stage: CollectedAt,
    findings: Pairs[str, str],
    dictionary: VariableDictionary,
    today: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The patient with the given findings, typed, and the warnings. Raises `FindingsRefused`."""
    identity = transaction.identities([patient.patient_id]).row(0, named=True)
    cells = {"mrn": patient.mrn, "site": patient.site, "resected_on": patient.resected_on.isoformat(), **findings}
    if identity["birth_date"] is not None:
        cells.setdefault("birth_date", identity["birth_date"].isoformat())
    frame = pl.DataFrame([{"row": 1, **cells}])
    validated = validate(frame, dictionary, today=today)
    foreign = [
        heading
        for heading in findings
        if heading in dictionary.headings
        and dictionary.recorded[dictionary.headings[heading][0]].collected_at is not stage
    ]
    problems = pl.concat([validated.errors, _wrong_form(validated.problems.clear(), foreign, stage, dictionary)])
    if problems.height:
        raise FindingsRefused(mrn=patient.mrn, problems=problems)
    said = validated.warnings.select(pl.concat_str("variable", pl.lit(" "), "problem", ignore_nulls=True).alias("said"))
    row = complete(validated.clean, dictionary).with_columns(
        pl.lit(patient.patient_id, dtype=pl.Int64).alias("patient_id"),
        pl.lit(patient.site).alias("site"),
        pl.lit(patient.resection_id, dtype=pl.Int64).alias("resection_id"),
        pl.lit(patient.episode_id, dtype=pl.Int64).alias("episode_id"),
        pl.lit(patient.resected_on).alias("anchor_on"),
        pl.lit(False).alias("is_new"),
        pl.lit(said["said"].implode()).list.drop_nulls().alias("confirmed"),
    )
    return row.with_columns(as_json("confirmed")), validated.warnings


def _wrong_form(
    empty: pl.DataFrame, foreign: Sequence[str], stage: CollectedAt, dictionary: VariableDictionary
) -> pl.DataFrame:
    """A problem for each finding that belongs to another form."""
    rows = [
        {
            "column": heading,
            "variable": heading,
            "problem": f"does not belong to the {stage} report",
            "expected": f"it in the {dictionary.recorded[dictionary.headings[heading][0]].collected_at} report",
            "severity": "error",
        }
        for heading in foreign
    ]
    return (
        pl.concat([empty, pl.DataFrame(rows, schema_overrides=dict(empty.schema))], how="diagonal") if rows else empty
    )


def _refuse(outcome: str, mrn: str, stage: CollectedAt, differences: pl.DataFrame) -> None:
    """Raise for whatever is not a signature."""
    if outcome == Outcome.NEEDS_REASON:
        raise ReasonMissing(mrn=mrn, stage=str(stage), differences=differences)
    if outcome == Outcome.NEEDS_SURGERY:
        raise SurgeryNotSigned(mrn=mrn)
    if outcome in (Outcome.SAME, Outcome.NOTHING):
        raise NothingToSign(mrn=mrn, stage=str(stage), signed=outcome == Outcome.SAME)


def _found(value: str | None) -> str:
    return f" {value}" if value is not None else ""


def _said(value: str | None) -> str:
    return "unknown" if value is None else value
