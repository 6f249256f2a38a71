"""A model made ready to score: everything about it that is worked out once, however many patients there are.

Takes a checked `RiskModel` and the dictionary that it is read with; gives the Polars expressions of its population
and its terms, the inputs that they rest on, and the `Question` that bounds answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from scheduler.core.compilation import DECIMALS
from scheduler.core.dependencies import closure
from scheduler.core.expression import compile_expression, parse
from scheduler.core.models import RiskModel
from scheduler.core.problems import Problem
from scheduler.core.program import Program
from scheduler.core.question import Question
from scheduler.core.smoothness import analyse
from scheduler.core.variables import VariableDictionary, VariableType


@dataclass(frozen=True, kw_only=True)
class CompiledModel:
    """A model made ready to score: its digest, the dictionary that it is read with, and its bounding program."""

    model: RiskModel
    dictionary: VariableDictionary
    digest: str

    @cached_property
    def analysis(self) -> tuple[Program, tuple[Problem, ...]]:
        """The terms made ready for bounding, and what keeps bounds from being exact (at the term's position)."""
        return analyse((term.value for term in self.model.linear_predictor.terms), self.dictionary)

    @cached_property
    def columns(self) -> frozenset[str]:
        """The variables that terms and population read, recorded or derived."""
        musts = (parse(criterion.must).columns for criterion in self.model.population)
        return self._term_columns.union(*musts)

    @cached_property
    def _term_columns(self) -> frozenset[str]:
        return frozenset().union(*(parse(term.value).columns for term in self.model.linear_predictor.terms))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The recorded variables that the terms rest on, in the dictionary's order."""
        return closure(self._term_columns, self.dictionary)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The recorded variables that terms or population rest on, in the dictionary's order."""
        return closure(self.columns, self.dictionary)

    @cached_property
    def question(self) -> Question:
        """What is asked when inputs are missing."""
        groups = self.model.risk_groups
        return Question(
            program=self.analysis[0],
            weights=[term.weight for term in self.model.linear_predictor.terms],
            cut_offs=groups.cut_offs,
            groups=[str(group) for group in groups.names],
            dictionary=self.dictionary,
        )

    @cached_property
    def applies(self) -> pl.Expr:
        """Whether the patient is inside the population: true, false, or unknown."""
        return pl.all_horizontal(
            pl.lit(True), *(compile_expression(parse(each.must)) for each in self.model.population)
        )

    @cached_property
    def outside(self) -> Sequence[pl.Expr]:
        """Per criterion of the population its reason where it is certainly not met, else null."""
        return [
            pl.when(compile_expression(parse(each.must)).not_()).then(pl.lit(each.because))
            for each in self.model.population
        ]

    @cached_property
    def terms(self) -> Sequence[pl.Expr]:
        """The value of each term, as columns `term 0`, `term 1`, …; null where it is unknown."""
        return [
            compile_expression(parse(term.value)).cast(pl.Float64).alias(f"term {position}")
            for position, term in enumerate(self.model.linear_predictor.terms)
        ]

    @cached_property
    def sum_of_terms(self) -> pl.Expr:
        """The linear predictor over the columns of `terms`, rounded to 9 decimals; null where a term is unknown."""
        weighted = [
            pl.col(f"term {position}") * term.weight for position, term in enumerate(self.model.linear_predictor.terms)
        ]
        return pl.sum_horizontal(weighted, ignore_nulls=False).round(DECIMALS)

    @cached_property
    def unusable(self) -> Sequence[tuple[pl.Expr, str]]:
        """Per input that has a hard range or choices: whether its value lies outside, and how to say so."""
        found = []
        for name in self.reads:
            variable = self.dictionary.recorded[name]
            if variable.type in (VariableType.NUMBER, VariableType.INTEGER):
                says = f"{name} is outside {variable.minimum:g} to {variable.maximum:g} {variable.unit}"
                found.append((~pl.col(name).is_between(variable.minimum, variable.maximum), says))
            elif variable.type is VariableType.CHOICE:
                says = f"{name} is none of {', '.join(variable.choices)}"
                found.append((~pl.col(name).is_in(variable.choices), says))
        return found

    @cached_property
    def contributions(self) -> pl.Expr:
        """Each term's contribution by its name, as a JSON object; null where an input is missing."""
        weighted = [
            (pl.col(f"term {position}") * term.weight).round(DECIMALS).alias(term.name)
            for position, term in enumerate(self.model.linear_predictor.terms)
        ]
        return pl.struct(weighted).struct.json_encode()

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The inputs of the terms whose absence is a missing input; an optional one has a fallback."""
        return tuple(name for name in self.inputs if name not in self.analysis[0].optional)


def group_of(linear_predictor: pl.Expr, model: RiskModel) -> pl.Expr:
    """The risk group of a linear predictor that was rounded to 9 decimals; a value on a cut-off goes up."""
    groups = model.risk_groups
    chosen = pl.lit(str(groups.names[-1]))
    for group, cut_off in reversed(list(zip(groups.names, groups.cut_offs, strict=False))):
        chosen = pl.when(linear_predictor < cut_off).then(pl.lit(str(group))).otherwise(chosen)
    return pl.when(linear_predictor.is_not_null()).then(chosen)
