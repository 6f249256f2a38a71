"""A model against its own words: worked examples, derived cut-offs, and cut-offs that cannot be.

Takes a compiled model; gives problems (the file is refused) or a misfit (a warning, with its arithmetic).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.models import Basis, PatientExample, RiskGroup, RiskModel
from scheduler.core.problems import Problem
from scheduler.core.reference import Distribution, distribution, group_shares, percentile
from scheduler.core.scoring import score
from scheduler.core.variables import VariableDictionary, VariableType, complete

MOST_POINTS_APART = 15.0
Finding = float | int | bool | str
FINDING_TYPES: dict[VariableType, tuple[type[Finding], ...]] = {
    VariableType.NUMBER: (int, float),
    VariableType.INTEGER: (int,),
    VariableType.BOOLEAN: (bool,),
    VariableType.CHOICE: (str,),
    VariableType.TEXT: (str,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """Published cut-offs that do not give the published shares: each group's published and computed share."""

    model: str
    published: dict[RiskGroup, float]
    computed: dict[RiskGroup, float]
    reached: dict[RiskGroup, float]

    def __str__(self) -> str:
        shares = ", ".join(
            f"{group} {self.computed[group]:.0%} instead of {self.published[group]:.0%}" for group in self.published
        )
        would = " and ".join(f"{value:.2f}" for value in self.reached.values())
        return (
            f"{self.model}: the printed cut-offs cannot come from the published shares: in the declared reference "
            f"population they give {shares}; cut-offs that give the published shares would be {would}"
        )


def run_examples(compiled: CompiledModel) -> tuple[Problem, ...]:
    """Every worked example that does not come out as written: linear predictor to 9 decimals, and group."""
    model = compiled.model
    problems = []
    for position, example in enumerate(model.worked_examples.cut_offs):
        group = model.risk_groups.group_of(example.linear_predictor)
        if group != example.group:
            place = ("worked_examples", "cut_offs", position, "group")
            expected = f"{group} for a linear predictor of {example.linear_predictor}"
            problems.append(Problem(location=place, what="example fails", found=example.group, expected=expected))
    return (*problems, *_run_patients(compiled))


def wrong_cut_offs(model: RiskModel) -> tuple[Problem, ...]:
    """Derived cut-offs that are not the percentiles of the reference population; a population that lacks a term."""
    groups = model.risk_groups
    place = ("risk_groups", "groups")
    if groups.basis is Basis.DERIVED and groups.reference_population is None:
        expected = "a reference_population, from which the cut-offs are computed"
        return (Problem(location=("risk_groups",), what="reference missing", found="none", expected=expected),)
    lacking = _lacking_terms(model)
    if lacking or groups.basis is Basis.PUBLISHED:
        return lacking
    shares = linear_predictors(model)
    problems = []
    for position, band in enumerate(groups.groups[:-1]):
        if band.percentile is None:
            found, expected = "none", "the percentile that the cut-off stands on (basis: derived)"
            problems.append(
                Problem(location=(*place, position), what="percentile missing", found=found, expected=expected)
            )
        elif band.below != (computed := percentile(shares, band.percentile)):
            expected = f"{computed}, the {band.percentile:.0%} percentile of the reference population"
            where = (*place, position, "below")
            problems.append(Problem(location=where, what="cut-off", found=str(band.below), expected=expected))
    return tuple(problems)


def misfit(model: RiskModel) -> Misfit | None:
    """How far the published shares are from those that formula and cut-offs give, if any group is > 15 points off."""
    groups = model.risk_groups
    if not groups.published_shares or groups.reference_population is None or groups.basis is Basis.DERIVED:
        return None
    shares = linear_predictors(model)
    computed = dict(zip(groups.names, group_shares(shares, groups.cut_offs), strict=True))
    published = {group: groups.published_shares[group] for group in groups.names}
    if max(abs(computed[group] - published[group]) for group in groups.names) * 100 <= MOST_POINTS_APART:
        return None
    parts = [sum(list(published.values())[: i + 1]) for i in range(len(published) - 1)]
    reached = {group: percentile(shares, part) for group, part in zip(groups.names, parts, strict=False)}
    return Misfit(model=model.title, published=published, computed=computed, reached=reached)


def linear_predictors(model: RiskModel) -> Distribution:
    """The distribution of the model's linear predictor in its reference population, exactly."""
    population = model.risk_groups.reference_population
    assert population is not None
    return distribution(population, {term.name: term.weight for term in model.linear_predictor.terms})


def _lacking_terms(model: RiskModel) -> tuple[Problem, ...]:
    """Strata that do not name each term, or name one that is none."""
    population = model.risk_groups.reference_population
    if population is None:
        return ()
    terms = {term.name for term in model.linear_predictor.terms}
    place = ("risk_groups", "reference_population", "strata")
    return tuple(
        Problem(
            location=(*place, position, "terms"),
            what="reference population",
            found=f"{', '.join(sorted(terms ^ set(stratum.terms)))} in the terms or the stratum, not in both",
            expected="each term of the linear predictor, by its name",
        )
        for position, stratum in enumerate(population.strata)
        if terms != set(stratum.terms)
    )


def _run_patients(compiled: CompiledModel) -> list[Problem]:
    """Every worked patient, scored together and compared; population criteria count as for any other patient."""
    problems: list[Problem] = []
    frames = []
    for position, example in enumerate(compiled.model.worked_examples.patients):
        wrong = _wrong_findings(example.patient, compiled.dictionary)
        problems += [problem.below("worked_examples", "patients", position, "patient") for problem in wrong]
        if not wrong:
            frames.append(patient_frame(dict(example.patient), compiled.dictionary).with_columns(patient_id=position))
    if not frames:
        return problems
    findings = pl.concat(frames, how="diagonal").cast({"patient_id": pl.Int64})
    for scored in score(findings, [compiled], explain=False).iter_rows(named=True):
        example = compiled.model.worked_examples.patients[scored["patient_id"]]
        problems += [
            problem.below("worked_examples", "patients", scored["patient_id"]) for problem in _compare(example, scored)
        ]
    return problems


def _wrong_findings(patient: Mapping[str, Finding], dictionary: VariableDictionary) -> list[Problem]:
    """Findings that no recorded variable has, or that are not of their variable's type."""
    problems = []
    for name, value in patient.items():
        variable = dictionary.recorded.get(name)
        if variable is None:
            expected = "the name of a recorded variable"
            problems.append(Problem(location=(name,), what="unknown variable", found=name, expected=expected))
        elif not _fits(value, variable.type):
            found = f"{name}: {value}"
            problems.append(
                Problem(location=(name,), what="wrong type", found=found, expected=f"a value of type {variable.type}")
            )
    return problems


def _fits(value: Finding, kind: VariableType) -> bool:
    """Whether a finding in a rule file is of a variable's type; a date is text, as `2026-01-31`."""
    if kind is VariableType.DATE:
        try:
            return bool(date.fromisoformat(str(value)))
        except ValueError:
            return False
    return type(value) in FINDING_TYPES[kind]


def _compare(example: PatientExample, scored: Mapping[str, Any]) -> list[Problem]:
    """One worked patient against its assessment."""
    if scored["status"] not in ("scored", "bounded"):
        found = f"{scored['status']}: {'; '.join(scored['reasons'])}"
        return [_failure("patient", "example fails", found, "a patient whom the model can score")]
    if scored["linear_predictor"] is None:
        found = f"no value for {', '.join(scored['missing'])}"
        return [_failure("patient", "example incomplete", found, "every input that the model needs")]
    problems = []
    if scored["linear_predictor"] != example.linear_predictor:
        computed = f"{scored['linear_predictor']:.9f}"
        problems.append(_failure("linear_predictor", "example fails", str(example.linear_predictor), computed))
    if scored["risk_group"] != example.group:
        problems.append(_failure("group", "example fails", example.group, scored["risk_group"]))
    return problems


def _failure(key: str, what: str, found: str, expected: str) -> Problem:
    return Problem(location=(key,), what=what, found=found, expected=expected)


def patient_frame(patient: Mapping[str, Finding], dictionary: VariableDictionary) -> pl.DataFrame:
    """One patient's findings as a frame with every recorded variable, `patient_id` 0. Raises on a wrong type."""
    columns = {name: _column(value, dictionary.column_types[name]) for name, value in patient.items()}
    return complete(pl.DataFrame({"patient_id": pl.Series([0], dtype=pl.Int64), **columns}), dictionary)


def _column(value: Finding, kind: pl.DataType) -> pl.Series:
    return pl.Series([date.fromisoformat(str(value))]) if kind == pl.Date() else pl.Series([value]).cast(kind)
