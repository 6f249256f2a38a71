"""Findings of one report as a person gives them, name by name, checked like a table of one row.

Signing and drafting both begin here. Nothing is stored of a report of which anything is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from scheduler.actions.finding import Patient
from scheduler.core.validation import PROBLEM_SCHEMA, validate
from scheduler.core.validation.headings import nearest_heading
from scheduler.core.variables import CollectedAt, VariableDictionary, complete
from scheduler.errors import ClinicalDataError
from scheduler.store.transaction import Transaction

IDENTIFYING = ("mrn", "site", "resected_on")


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a person says of one report: findings (heading → cell, as in a table), what cannot be had (name → why)."""

    findings: Mapping[str, str]
    today: date
    not_obtainable: Mapping[str, str] = field(default_factory=dict)

    def variables(self, dictionary: VariableDictionary) -> list[str]:
        """The variables that the findings speak of."""
        return [dictionary.headings[heading][0] for heading in self.findings]


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


def checked_findings(
    transaction: Transaction, patient: Patient, stage: CollectedAt, given: Given, dictionary: VariableDictionary
) -> pl.DataFrame:
    """The patient with the given findings, typed: one row with every recorded variable, as `file_and_assess` takes it.

    Raises `FindingsRefused` with everything that is wrong with them.
    """
    findings = given.findings
    identity = transaction.identities([patient.patient_id]).row(0, named=True)
    cells = {"mrn": patient.mrn, "site": patient.site, "resected_on": patient.resected_on.isoformat()}
    if identity["birth_date"] is not None:
        cells["birth_date"] = identity["birth_date"].isoformat()
    known = {heading: cell for heading, cell in findings.items() if heading in dictionary.headings}
    frame = pl.DataFrame([{"row": 1, **cells, **known}])
    validated = validate(frame, dictionary, today=given.today)
    misplaced = [
        *_unknown(findings, dictionary),
        *_of_another_patient(validated.clean, patient),
        *_of_another_form(known, stage, dictionary),
        *_not_to_be_lost(given, stage, dictionary),
    ]
    problems = pl.concat([validated.errors, pl.DataFrame(misplaced, schema=dict(PROBLEM_SCHEMA))])
    if problems.height:
        raise FindingsRefused(mrn=patient.mrn, problems=problems)
    return complete(validated.clean, dictionary).with_columns(
        pl.lit(patient.patient_id, dtype=pl.Int64).alias("patient_id"),
        pl.lit(patient.site).alias("site"),
        pl.lit(patient.resection_id, dtype=pl.Int64).alias("resection_id"),
        pl.lit(patient.resection_episode_id, dtype=pl.Int64).alias("episode_id"),
        pl.lit(patient.resected_on).alias("anchor_on"),
        pl.lit(False).alias("is_new"),
    )


def _unknown(findings: Mapping[str, str], dictionary: VariableDictionary) -> Iterator[dict[str, str]]:
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


def _not_to_be_lost(given: Given, stage: CollectedAt, dictionary: VariableDictionary) -> Iterator[dict[str, str]]:
    """A problem for each finding that cannot be said to be unobtainable."""
    valued = set(given.findings)
    for name, why in given.not_obtainable.items():
        variable = dictionary.recorded.get(name)
        problem, expected = "cannot be marked not obtainable", ""
        if variable is None or variable.collected_at is not stage:
            expected = f"a finding of the {stage} report"
        elif name in valued:
            expected = "a value or the mark, not both"
        elif not why:
            expected = "the reason after the equals sign"
        if expected:
            yield {"variable": name, "problem": problem, "expected": expected}


def _found(value: str | None) -> str:
    return f" {value}" if value is not None else ""
