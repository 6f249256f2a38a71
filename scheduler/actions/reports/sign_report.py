"""Sign one report of one patient: findings in, assessments and plan out, in one transaction."""

from collections.abc import Mapping as Pairs
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient, acting_on, version_of
from scheduler.actions.plans.assessing import Assessed
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reports.filing import Outcome, Signature
from scheduler.actions.reports.report_findings import Given, checked_findings
from scheduler.actions.reports.signing import Filed, file_and_assess
from scheduler.core.reports import differences, read_documents
from scheduler.core.variables import CollectedAt, VariableDictionary
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction


class NotConfirmed(ClinicalDataError):
    """Findings outside their plausible range, or that contradict each other, which the signer has not confirmed."""

    def __init__(self, *, mrn: str, unusual: pl.DataFrame) -> None:
        lines = [f"- {row['said']}{_hint(row['expected'])}" for row in unusual.iter_rows(named=True)]
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


class ChangedSince(Conflict):
    """Somebody changed the record after the signer had looked at it."""

    def __init__(self, *, mrn: str, stage: str, since: pl.DataFrame, differences: pl.DataFrame) -> None:
        done = [
            f"- {row['actor']}: {row['action'].replace('_', ' ')} on {row['recorded_at']:%Y-%m-%d at %H:%M} UTC"
            for row in since.iter_rows(named=True)
        ]
        lines = [
            f"- {row['variable']}: now {_said(row['old'])}, yours {_said(row['new'])}"
            for row in differences.iter_rows(named=True)
        ]
        said = [f"the {stage} report now says otherwise:", *lines] if lines else []
        super().__init__(
            "\n".join([f"the record of {mrn} was changed after you had read it; nothing was stored", *done, *said]),
            advice=f"Look at it again (hepwatch patient show {mrn}), then sign what still holds.",
        )


class SurgeryNotSigned(Conflict):
    """A pathology report before the surgery report."""

    def __init__(self, *, mrn: str) -> None:
        super().__init__(
            f"the surgery report of {mrn} is not signed; the pathology models need it",
            advice=f"Sign it first: hepwatch report sign surgery {mrn}",
        )


class NothingToSign(Conflict):
    """A report that says nothing, or that is signed as it stands."""

    def __init__(self, *, mrn: str, stage: str, signed: bool) -> None:
        what = "is signed already, as it stands" if signed else "is empty: nothing is stored or given"
        super().__init__(f"the {stage} report of {mrn} {what}", advice="Give findings with --set or --file.")


@dataclass(frozen=True, kw_only=True)
class SignedReport:
    """What signing did: the patient, old → new findings, the assessments made, and what changed in the plan.

    `confirmed` is what is unusual in the report, and was confirmed with it (`signing.UNUSUAL`).
    """

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
    seen: int | None = None,
    preview: bool = False,
    not_obtainable: Pairs[str, str] | None = None,
) -> SignedReport:
    """Sign a report with what is stored of it and the findings given (heading → cell, as in a table).

    Everything happens in one transaction. `mrn`, `site` and `resected_on` among the findings must be this patient's.
    `not_obtainable` (variable → why) are inputs that cannot be had, which the plan is to wait for no longer. `seen` is
    the version of the record that the signer has read; without it, the one at the beginning of the call. With
    `preview` nothing is kept. Raises `PatientNotFound`, `SeveralPatients`, `FindingsRefused`, `ChangedSince` (somebody
    changed the record after that version), `NotConfirmed` (an unusual finding, given now or stored in a draft, that
    `confirm` does not confirm), `ReasonMissing`, `SurgeryNotSigned`, `NothingToSign`.
    """
    dictionary = rules.rulebook.dictionary
    said = Given(findings=findings, today=today, not_obtainable=not_obtainable or {})
    if seen is None:
        seen = version_of(registry, mrn, site=site)
    with acting_on(registry, mrn, site=site, preview=preview) as (transaction, patient):
        checked = checked_findings(transaction, patient, stage, said, dictionary)
        given = said.variables(dictionary)
        if patient.version != seen:
            raise _changed_since(transaction, patient, stage, checked.select(*given), seen, dictionary)
        signature = Signature(by=actor, signs=True, reason=reason, not_obtainable=said.not_obtainable)
        filed = file_and_assess(transaction, checked, rules, {stage: signature}, columns=given, today=today)
        outcome = filed.outcomes.filter(pl.col("stage") == str(stage)).row(0, named=True)
        _refuse(outcome["outcome"], mrn, stage, filed, confirm=confirm)
        return SignedReport(
            patient=patient,
            stage=stage,
            version=outcome["version"],
            differences=filed.differences.drop("stage"),
            confirmed=filed.unusual,
            assessed=filed.assessed[0],
        )


def _changed_since(
    transaction: Transaction,
    patient: Patient,
    stage: CollectedAt,
    given: pl.DataFrame,
    seen: int,
    dictionary: VariableDictionary,
) -> ChangedSince:
    """What was done to the record since a version, and where it now says something else than the signer."""
    since = transaction.audit_of(patient.patient_id)[seen:]
    reports = transaction.reports_of([patient.resection_id]).filter(pl.col("stage") == str(stage))
    now = read_documents(reports["document"].tail(1), dictionary, stage)
    names = [name for name in given.columns if name in now.columns]
    ids = pl.Series([patient.patient_id] * now.height, dtype=pl.Int64)
    return ChangedSince(
        mrn=patient.mrn,
        stage=str(stage),
        since=since,
        differences=differences(ids, now.select(names), given.select(names).head(now.height), columns=names),
    )


def _refuse(outcome: str, mrn: str, stage: CollectedAt, filed: Filed, *, confirm: bool) -> None:
    """Raise for whatever is not a signature that may stand."""
    if outcome == Outcome.NEEDS_SURGERY:
        raise SurgeryNotSigned(mrn=mrn)
    if outcome in (Outcome.SAME, Outcome.NOTHING):
        raise NothingToSign(mrn=mrn, stage=str(stage), signed=outcome == Outcome.SAME)
    unconfirmed = filed.unusual.filter(~pl.col("is_known"))
    if unconfirmed.height and not confirm:
        raise NotConfirmed(mrn=mrn, unusual=unconfirmed)
    if outcome == Outcome.NEEDS_REASON:
        raise ReasonMissing(mrn=mrn, stage=str(stage), differences=filed.differences)


def _hint(expected: str) -> str:
    """What follows the range that was expected: another unit that would fit."""
    hint = expected.partition("; ")[2]
    return f"; {hint}" if hint else ""


def _said(value: str | None) -> str:
    return "unknown" if value is None else value
