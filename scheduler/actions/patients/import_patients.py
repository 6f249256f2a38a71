"""Import a table of patients: enrol them, file what it says of them, and sign where asked.

The same file twice changes nothing. Nothing of a bad row is stored, nothing good is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from scheduler.actions.patients.enrolling import Enrolment, enrol
from scheduler.actions.plans.rules import Rules
from scheduler.actions.reports.caveats import CAVEATS, caveats_of
from scheduler.actions.reports.filing import Outcome, Signature
from scheduler.actions.reports.refusing import check_headings, told
from scheduler.actions.reports.signing import STAGES, Filed, file_and_assess
from scheduler.core.validation import PROBLEM_SCHEMA, Validated, validate
from scheduler.core.variables import CollectedAt, VariableDictionary
from scheduler.errors import ClinicalDataError
from scheduler.intake import Mapping, apply_mapping, read_table
from scheduler.store.registry import Registry
from scheduler.store.transaction import Transaction

Progress = Callable[[int, int], None]

DIFFERENCES_BY_MRN: dict[str, pl.DataType] = {
    "mrn": pl.String(),
    "variable": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
    "stored": pl.Boolean(),
}
PATIENTS_AT_A_TIME = 10_000
REQUIRED = ("mrn", "site", "resected_on")


class TableRefused(ClinicalDataError):
    """A table that is wrong as a whole (headings, missing columns); nothing of it was stored."""

    def __init__(self, *, file: str, problems: pl.DataFrame) -> None:
        self.problems = problems
        super().__init__(
            "\n".join([f"{file} cannot be imported; nothing was stored", *told(problems)]),
            advice="Rename the headings, or say with --map which of yours is which of ours.",
        )


class SiteGivenTwice(ClinicalDataError):
    """A site for every row, and a column that names each row's."""

    def __init__(self, *, file: str, site: str) -> None:
        super().__init__(
            f"{file} has a column site, and --site {site} is given too; nothing was stored",
            advice="Leave --site out, or name the column under `ignore:` in the mapping file.",
        )


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did. Frames name patients by their MRN; `problems` are the table's, errors and warnings."""

    rows: int
    enrolled: int
    outcomes: pl.DataFrame  # stage, outcome, patients
    differences: pl.DataFrame  # mrn, variable, old, new, stored
    problems: pl.DataFrame
    assessments: pl.DataFrame  # model, status, risk_group, patients
    intensities: pl.DataFrame  # intensity, provisional, no_surveillance, patients
    visits: pl.DataFrame  # change, visits
    caveats: pl.DataFrame  # model, caveat: of every model that gave a group
    new_sites: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def refused_rows(self) -> int:
        """How many rows were refused."""
        return self.problems.filter(pl.col("severity") == "error")["row"].n_unique()

    @property
    def waiting_changes(self) -> int:
        """How many changes were not stored because nobody said why."""
        return self.differences.filter(~pl.col("stored")).height

    @property
    def waiting_for_surgery(self) -> int:
        """How many pathology reports were not signed because the surgery report is not."""
        return int(self.outcomes.filter(pl.col("outcome") == Outcome.NEEDS_SURGERY.value)["patients"].sum())

    @property
    def is_whole(self) -> bool:
        """Whether all that was asked for was done."""
        return not (self.refused_rows or self.waiting_changes or self.waiting_for_surgery)


@dataclass(frozen=True, kw_only=True)
class Import:
    """How a table is to be imported."""

    path: Path
    today: date
    actor: str
    sign: frozenset[CollectedAt] = frozenset()
    reason: str | None = None
    mapping: Mapping | None = None
    site: str | None = None
    dry_run: bool = False


def import_patients(
    registry: Registry, wanted: Import, rules: Rules, *, progress: Progress = lambda _done, _all: None
) -> Imported:
    """Import a table and say what was done; with `dry_run` everything is done and nothing is kept.

    Rows are stored a bounded number at a time, each number in one transaction: an import that is interrupted goes on
    where it was when it is run again. Raises what `check_table` and `read_table` raise.
    """
    table = read_table(wanted.path)
    given, validated = check_table(table.frame, wanted, rules.rulebook.dictionary)
    tally = _Tally(validated.problems)
    clean = validated.clean
    for start in range(0, clean.height, PATIENTS_AT_A_TIME):
        chunk = clean.slice(start, PATIENTS_AT_A_TIME)
        with registry.transaction(keep=not wanted.dry_run) as transaction:
            tally.add(chunk, *_import_chunk(transaction, chunk, given, wanted, rules))
        progress(min(start + PATIENTS_AT_A_TIME, clean.height), clean.height)
    return tally.result(rows=table.frame.height, notes=table.notes)


def check_table(
    frame: pl.DataFrame, wanted: Import, dictionary: VariableDictionary
) -> tuple[tuple[str, ...], Validated]:
    """The variables that a table speaks of, and the table checked.

    Raises `HeadingsUnknown`, `SiteGivenTwice` and `TableRefused`.

    `frame` is as read: the person's headings and `row`.
    """
    ours = apply_mapping(frame, wanted.mapping, dictionary) if wanted.mapping else frame
    check_headings(ours, dictionary, file=wanted.path.name)
    if wanted.site is not None:
        if "site" in ours.columns:
            raise SiteGivenTwice(file=wanted.path.name, site=wanted.site)
        ours = ours.with_columns(pl.lit(wanted.site).alias("site"))
    theirs = wanted.mapping.their_headings if wanted.mapping else {}
    validated = validate(ours, dictionary, today=wanted.today, required=REQUIRED, their_headings=theirs)
    if validated.is_file_refused:
        whole = validated.errors.filter(pl.col("row").is_null())
        raise TableRefused(file=wanted.path.name, problems=whole)
    given = {dictionary.headings[heading][0] for heading in ours.columns if heading in dictionary.headings}
    computed = {"age_years"} if "birth_date" in given else set()
    return tuple(name for name in dictionary.recorded if name in given | computed), validated


def _import_chunk(
    transaction: Transaction, chunk: pl.DataFrame, given: Sequence[str], wanted: Import, rules: Rules
) -> tuple[Enrolment, Filed]:
    """Enrol and file one number of clean rows."""
    people = chunk.select("row", "mrn", "site", "name", "birth_date", "resected_on")
    enrolment = enrol(transaction, people, columns=given, actor=wanted.actor, reason=wanted.reason)
    known = enrolment.patients.filter(~pl.col("is_new"))["patient_id"]
    transaction.lock_patients(known)
    findings = chunk.drop("mrn", "site", "name", "birth_date", "resected_on")
    patients = enrolment.patients.join(findings, on="row", maintain_order="left")
    signatures = {
        stage: Signature(by=wanted.actor, signs=stage in wanted.sign, reason=wanted.reason) for stage in STAGES
    }
    filed = file_and_assess(transaction, patients, rules, signatures, columns=given, today=wanted.today)
    transaction.raise_versions(_touched(known, filed))
    return enrolment, filed


def _touched(known: pl.Series, filed: Filed) -> pl.Series:
    """The patients who were known before and of whom something was filed."""
    written = [Outcome.SIGNED.value, Outcome.DRAFTED.value, Outcome.NEEDS_SURGERY.value]
    touched = filed.outcomes.filter(pl.col("outcome").is_in(written))["patient_id"].unique()
    return touched.filter(touched.is_in(known.implode()))


class _Tally:
    """What the chunks did, added up; nothing in it grows with the number of patients, save what people must read."""

    def __init__(self, problems: pl.DataFrame) -> None:
        self.problems = [problems]
        self.enrolled = 0
        self.new_sites: dict[str, None] = {}
        self.outcomes: list[pl.DataFrame] = []
        self.differences: list[pl.DataFrame] = []
        self.assessments: list[pl.DataFrame] = []
        self.intensities: list[pl.DataFrame] = []
        self.visits: list[pl.DataFrame] = []
        self.caveats: list[pl.DataFrame] = [pl.DataFrame(schema=CAVEATS)]

    def add(self, chunk: pl.DataFrame, enrolment: Enrolment, filed: Filed) -> None:
        """Add one chunk."""
        self.enrolled += int(enrolment.patients["is_new"].sum())
        self.problems.append(_other_resections(chunk, enrolment))
        self.outcomes.append(filed.outcomes.group_by("stage", "outcome").agg(pl.len().alias("patients")))
        self.new_sites |= dict.fromkeys(enrolment.new_sites)
        self.differences += [_identities_by_mrn(chunk, enrolment), _findings_by_mrn(chunk, enrolment, filed)]
        for assessed in filed.assessed:
            groups = assessed.assessments.group_by("model", "status", "applicability", "risk_group")
            self.assessments.append(groups.agg(pl.len().alias("patients")))
            self.caveats.append(caveats_of(assessed.assessments))
            kinds = assessed.decisions.group_by("intensity", "provisional", "no_surveillance")
            self.intensities.append(kinds.agg(pl.len().alias("patients")))
            self.visits.append(assessed.changes.group_by("change").agg(pl.len().alias("visits")))

    def result(self, *, rows: int, notes: tuple[str, ...]) -> Imported:
        """Everything added up."""
        return Imported(
            rows=rows,
            enrolled=self.enrolled,
            outcomes=_summed(self.outcomes, ["stage", "outcome"], "patients"),
            differences=pl.concat([pl.DataFrame(schema=DIFFERENCES_BY_MRN), *self.differences]),
            problems=pl.concat(self.problems).sort("row", maintain_order=True),
            assessments=_summed(self.assessments, ["model", "status", "applicability", "risk_group"], "patients"),
            intensities=_summed(self.intensities, ["intensity", "provisional", "no_surveillance"], "patients"),
            visits=_summed(self.visits, ["change"], "visits"),
            caveats=pl.concat(self.caveats).unique(maintain_order=True),
            new_sites=tuple(self.new_sites),
            notes=notes,
        )


def _identities_by_mrn(chunk: pl.DataFrame, enrolment: Enrolment) -> pl.DataFrame:
    """The identities that differ, by MRN; what they are stays masked."""
    named = enrolment.differences.join(chunk.select("row", "mrn"), on="row", maintain_order="left")
    return named.select(*DIFFERENCES_BY_MRN)


def _findings_by_mrn(chunk: pl.DataFrame, enrolment: Enrolment, filed: Filed) -> pl.DataFrame:
    """The findings that differ, by MRN; `stored` unless their report waits for a reason."""
    mrns = enrolment.patients.join(chunk.select("row", "mrn"), on="row").select("patient_id", "mrn")
    waits = filed.outcomes.filter(pl.col("outcome") == Outcome.NEEDS_REASON.value).select("patient_id", "stage")
    stages = filed.differences.join(
        waits.with_columns(waits=pl.lit(True)), on=["patient_id", "stage"], how="left", maintain_order="left"
    )
    named = stages.join(mrns, on="patient_id", maintain_order="left")
    return named.with_columns(stored=pl.col("waits").is_null()).select(*DIFFERENCES_BY_MRN)


def _summed(parts: Sequence[pl.DataFrame], by: Sequence[str], count: str) -> pl.DataFrame:
    """The counts of all parts, by their words."""
    schema = dict.fromkeys(by, pl.String()) | {count: pl.Int64()}
    everything = pl.concat([pl.DataFrame(schema=schema), *(part.cast(schema) for part in parts)])  # type: ignore[arg-type]
    return everything.group_by(by).agg(pl.col(count).sum()).sort(by, nulls_last=True)


def _other_resections(chunk: pl.DataFrame, enrolment: Enrolment) -> pl.DataFrame:
    """A problem for each row whose patient is stored with a resection on another day."""
    differing = enrolment.other_resection.join(chunk.select("row", "mrn", "resected_on"), on="row")
    return differing.select(
        "row",
        "mrn",
        pl.lit("resected_on").alias("column"),
        pl.lit("resected_on").alias("variable"),
        pl.col("resected_on").cast(pl.String).alias("value"),
        pl.format("is not the stored resection of {}", pl.col("stored_on")).alias("problem"),
        pl.lit("the stored day; a repeat resection is recorded as an event, not imported").alias("expected"),
        pl.lit("error").alias("severity"),
    ).cast(dict(PROBLEM_SCHEMA))  # type: ignore[arg-type]
