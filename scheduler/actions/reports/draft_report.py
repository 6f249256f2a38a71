"""Keep findings of one report that nobody signs yet; nobody is scored or planned by them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient, acting_on
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reports.filing import Outcome, Signature
from scheduler.actions.reports.report_findings import Given, checked_findings
from scheduler.actions.reports.sign_report import NothingToSign, ReasonMissing
from scheduler.actions.reports.signing import file_and_assess
from scheduler.core.variables import CollectedAt
from scheduler.errors import Conflict
from scheduler.store.registry import Registry


class AlreadySigned(Conflict):
    """A draft of what is signed as it stands, or that would stand beside a signed report."""

    def __init__(self, *, mrn: str, stage: str) -> None:
        super().__init__(
            f"the {stage} report of {mrn} is signed; a correction is a new signed version",
            advice=f"Sign it with what is to be corrected: hepwatch report sign {stage} {mrn} --set … --reason …",
        )


@dataclass(frozen=True, kw_only=True)
class DraftedReport:
    """What drafting did: the patient and old → new findings (`reports.DIFFERENCES`)."""

    patient: Patient
    stage: CollectedAt
    differences: pl.DataFrame


def draft_report(
    registry: Registry,
    rules: Rules,
    mrn: str,
    stage: CollectedAt,
    findings: Mapping[str, str],
    *,
    today: date,
    actor: str,
    site: str | None = None,
    reason: str | None = None,
) -> DraftedReport:
    """Add findings (heading → cell) to the draft of a report, or begin one.

    Filling in what is open needs no reason, changing what a draft says does. Raises `PatientNotFound`,
    `SeveralPatients`, `FindingsRefused`, `ReasonMissing`, `NothingToSign` and `AlreadySigned`.
    """
    dictionary = rules.rulebook.dictionary
    said = Given(findings=findings, today=today)
    with acting_on(registry, mrn, site=site) as (transaction, patient):
        reports = transaction.reports_of([patient.resection_id])
        if reports.filter(pl.col("stage") == str(stage), pl.col("state") == "signed").height:
            raise AlreadySigned(mrn=patient.mrn, stage=str(stage))
        checked = checked_findings(transaction, patient, stage, said, dictionary)
        signature = Signature(by=actor, signs=False, reason=reason)
        filed = file_and_assess(
            transaction, checked, rules, {stage: signature}, columns=said.variables(dictionary), today=today
        )
        outcome = filed.outcomes.filter(pl.col("stage") == str(stage))["outcome"][0]
        if outcome in (Outcome.SAME, Outcome.NOTHING):
            raise NothingToSign(mrn=patient.mrn, stage=str(stage), signed=False)
        if outcome == Outcome.NEEDS_REASON:
            raise ReasonMissing(mrn=patient.mrn, stage=str(stage), differences=filed.differences)
        return DraftedReport(patient=patient, stage=stage, differences=filed.differences.drop("stage"))
