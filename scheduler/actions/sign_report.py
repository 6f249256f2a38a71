"""Sign one report of one patient: findings in, assessments and plan out, in one transaction."""

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Pairs
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.assessing import Assessed
from scheduler.actions.filing import Outcome, Signature
from scheduler.actions.finding import Patient, find_patient
from scheduler.actions.rules import Rules
from scheduler.actions.signing import Filed, file_and_assess
from scheduler.core.validation import PROBLEM_SCHEMA, validate
from scheduler.core.validation.headings import nearest_heading
from scheduler.core.variables import CollectedAt, VariableDictionary, complete
from scheduler.errors import ClinicalDataError, Conflict
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

IDENTIFYING = ("mrn", "site", "resected_on")


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
) -> SignedReport:
    """Sign a report with what is stored of it and the findings given (heading → cell, as in a table).

    Everything happens in one transaction. `mrn`, `site` and `resected_on` among the findings must be this patient's.
    Raises `PatientNotFound`, `SeveralPatients`, `FindingsRefused`, `NotConfirmed` (an unusual finding, given now or
    stored in a draft, that `confirm` does not confirm), `ReasonMissing`, `SurgeryNotSigned`, `NothingToSign`.
    """
    dictionary = rules.rulebook.dictionary
    with registry.transaction() as transaction:
        patient = find_patient(transaction, mrn, site=site)
        checked = _checked(transaction, patient, stage, findings, dictionary, today)
        given = [dictionary.headings[heading][0] for heading in findings]
        signature = Signature(by=actor, signs=True, reason=reason)
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


def _checked(
    transaction: Transaction,
    patient: Patient,
    stage: CollectedAt,
    findings: Pairs[str, str],
    dictionary: VariableDictionary,
    today: date,
) -> pl.DataFrame:
    """The patient with the given findings, typed. Raises `FindingsRefused` with everything that is wrong with them."""
    identity = transaction.identities([patient.patient_id]).row(0, named=True)
    cells = {"mrn": patient.mrn, "site": patient.site, "resected_on": patient.resected_on.isoformat()}
    if identity["birth_date"] is not None:
        cells["birth_date"] = identity["birth_date"].isoformat()
    known = {heading: cell for heading, cell in findings.items() if heading in dictionary.headings}
    frame = pl.DataFrame([{"row": 1, **cells, **known}])
    validated = validate(frame, dictionary, today=today)
    misplaced = [
        *_unknown(findings, dictionary),
        *_of_another_patient(validated.clean, patient),
        *_of_another_form(known, stage, dictionary),
    ]
    problems = pl.concat([validated.errors, pl.DataFrame(misplaced, schema=dict(PROBLEM_SCHEMA))])
    if problems.height:
        raise FindingsRefused(mrn=patient.mrn, problems=problems)
    return complete(validated.clean, dictionary).with_columns(
        pl.lit(patient.patient_id, dtype=pl.Int64).alias("patient_id"),
        pl.lit(patient.site).alias("site"),
        pl.lit(patient.resection_id, dtype=pl.Int64).alias("resection_id"),
        pl.lit(patient.episode_id, dtype=pl.Int64).alias("episode_id"),
        pl.lit(patient.resected_on).alias("anchor_on"),
        pl.lit(False).alias("is_new"),
    )


def _unknown(findings: Pairs[str, str], dictionary: VariableDictionary) -> Iterator[dict[str, str]]:
    """A problem for each name that the dictionary does not know."""
    for heading in findings:
        if heading not in dictionary.headings:
            near = nearest_heading(heading, dictionary.headings)
            expected = f"one of the names, perhaps {near}" if near else "one of the names"
            yield {"column": heading, "problem": "is not a known finding", "expected": expected}


def _of_another_patient(clean: pl.DataFrame, patient: Patient) -> Iterator[dict[str, str]]:
    """A problem for each cell that says that the findings are of somebody else, or of another resection."""
    for row in clean.iter_rows(named=True):
        for name in IDENTIFYING:
            if row[name] != getattr(patient, name):
                value, expected = str(row[name]), f"{getattr(patient, name)}, the {name} of this patient"
                yield {"variable": name, "value": value, "problem": "is of another patient", "expected": expected}


def _of_another_form(
    headings: Iterable[str], stage: CollectedAt, dictionary: VariableDictionary
) -> Iterator[dict[str, str]]:
    """A problem for each finding that belongs to another form."""
    for heading in headings:
        name = dictionary.headings[heading][0]
        form = dictionary.recorded[name].collected_at
        if form is not stage and name not in IDENTIFYING:
            where = (
                "corrected with hepwatch patient import" if form is CollectedAt.ENROLMENT else f"in the {form} report"
            )
            yield {"variable": heading, "problem": f"does not belong to the {stage} report", "expected": f"it {where}"}


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


def _found(value: str | None) -> str:
    return f" {value}" if value is not None else ""


def _hint(expected: str) -> str:
    """What follows the range that was expected: another unit that would fit."""
    hint = expected.partition("; ")[2]
    return f"; {hint}" if hint else ""


def _said(value: str | None) -> str:
    return "unknown" if value is None else value
