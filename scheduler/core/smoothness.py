"""Whether a model's bounds can be computed exactly, and the program that computes them.

Takes a model's terms and the dictionary; gives a `Program`, and the reasons, at their terms, why bounds would not be
exact. They are exact where every continuous formula moves steadily, is compared with constants or enters the sum in
proportion, and shares no input with another formula.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import prod

from sqlglot import exp

from scheduler.core.dependencies import closure, derivation_order, optional
from scheduler.core.expression import parse
from scheduler.core.problems import Problem
from scheduler.core.program import Component, Program, Stretch, Value
from scheduler.core.stretches import Stretches
from scheduler.core.strictness import plain
from scheduler.core.variables import VariableDictionary, VariableType
from scheduler.core.whole_numbers import constant_beside, standing_values

MOST_COMPLETIONS = 200_000
MOST_SUMS = 2_000_000
LINEAR = (exp.Paren, exp.Round, exp.Add, exp.Sub, exp.Neg, exp.If, exp.Case)


def analyse(terms: Iterable[str], dictionary: VariableDictionary) -> tuple[Program, tuple[Problem, ...]]:
    """The program for these terms, and what keeps its bounds from being exact (location: the term's position)."""
    return _Analysis(tuple(terms), dictionary).result()


class _Analysis:
    """One pass over the terms of one model."""

    def __init__(self, texts: tuple[str, ...], dictionary: VariableDictionary) -> None:
        self.dictionary = dictionary
        self.expressions = [parse(text) for text in texts]
        self.columns = [expression.columns for expression in self.expressions]
        self.inputs = closure(frozenset().union(*self.columns), dictionary)
        self.optional = optional(frozenset().union(*self.columns), dictionary).union(
            *(expression.optional_columns for expression in self.expressions)
        )
        self.stretches = Stretches(dictionary, optional=self.optional)
        self.carriers: set[str] = set()
        self.problems: list[Problem] = []

    def result(self) -> tuple[Program, tuple[Problem, ...]]:
        derived = self._derived()
        terms = tuple(
            self._made_ready(plain(expression.written), position=position, carrier=None)
            for position, expression in enumerate(self.expressions)
        )
        self._refuse_shared_inputs()
        self._refuse_misread_optionals()
        components = _components(self.columns, self.dictionary)
        values = self._values([*derived.values(), *terms])
        cuts = self._cuts()
        self._refuse_slow(components, values, cuts)
        program = Program(
            terms=terms,
            derived=derived,
            stretches=tuple(self.stretches.by_name.values()),
            components=components,
            values=values,
            cuts=cuts,
            optional=self.optional,
        )
        return program, tuple(dict.fromkeys(self.problems))

    def _derived(self) -> dict[str, exp.Expr]:
        """The derived variables that are not smooth themselves, in the order of computing."""
        trees: dict[str, exp.Expr] = {}
        for name in derivation_order(frozenset().union(*self.columns), self.dictionary):
            if not self.stretches.is_smooth(exp.column(name)):
                tree = plain(parse(self.dictionary.derived[name].expression).written)
                trees[name] = self._made_ready(tree, position=self._first_reader(name), carrier=name)
        return trees

    def _first_reader(self, derived: str) -> int:
        """The position of the first term that rests on a derived variable."""
        return next(i for i, names in enumerate(self.columns) if derived in derivation_order(names, self.dictionary))

    def _first_with(self, recorded: str) -> int:
        """The position of the first term that rests on a recorded variable."""
        return next(i for i, names in enumerate(self.columns) if recorded in closure(names, self.dictionary))

    def _refuse(self, position: int, what: str, found: str, expected: str) -> None:
        self.problems.append(Problem(location=(position,), what=what, found=found, expected=expected))

    def _made_ready(self, tree: exp.Expr, *, position: int, carrier: str | None) -> exp.Expr:
        """The tree with its stretches named, after looking where the value of each goes."""
        known = len(self.stretches.problems)
        ready = self.stretches.replaced(tree)
        self.problems += [replace(problem, location=(position,)) for problem in self.stretches.problems[known:]]
        for column in ready.find_all(exp.Column):
            if column.name in self.stretches.by_name or column.name in self.carriers:
                self._follow(column, position=position, carrier=carrier)
        return ready

    def _follow(self, column: exp.Expr, *, position: int, carrier: str | None) -> None:
        """Where a continuous value goes: to a comparison with a constant (a cut), or into the sum."""
        stretch = self.stretches.by_name.get(column.name)
        cut = constant_beside(column) if stretch else None
        if stretch and cut is not None:
            stretch.cuts.add(cut)
            return
        if stretch:
            stretch.valued = True
        if carrier:
            self.carriers.add(carrier)
        if (bend := self._bend_above(column)) is not None:
            read = stretch.tree.sql() if stretch else column.name
            found = f"{read} inside {type(bend).__name__.upper()}"
            expected = "a continuous value that is compared with a number, or added up"
            self._refuse(position, "bounds would not be exact", found, expected)

    def _bend_above(self, column: exp.Expr) -> exp.Expr | None:
        """What above a value is neither a sum nor a choice nor a product with what is not continuous."""
        node, parent = column, column.parent
        while parent is not None:
            if not isinstance(parent, LINEAR) and not self._scales(parent, node):
                return parent
            node, parent = parent, parent.parent
        return None

    def _scales(self, parent: exp.Expr, node: exp.Expr) -> bool:
        """Whether a node is multiplied with, or divided by, something that is not continuous."""
        if isinstance(parent, exp.Mul):
            return not self._is_continuous(parent.expression if parent.this is node else parent.this)
        return isinstance(parent, exp.Div) and parent.this is node and not self._is_continuous(parent.expression)

    def _is_continuous(self, node: exp.Expr) -> bool:
        names = {column.name for column in node.find_all(exp.Column)}
        return bool(names & (self.stretches.by_name.keys() | self.carriers))

    def _refuse_shared_inputs(self) -> None:
        """An input in two formulas couples them; only comparisons of the bare input beside one formula are exact."""
        stretches = self.stretches.by_name.values()
        for name in sorted({name for stretch in stretches for name in stretch.inputs}):
            readers = [stretch for stretch in stretches if name in stretch.inputs]
            formulas = [stretch for stretch in readers if not stretch.is_plain]
            if len(formulas) > 1 or (formulas and any(each.is_plain and each.valued for each in readers)):
                found = f"{name} in {' and in '.join(stretch.tree.sql() for stretch in readers)}"
                expected = "a continuous variable in one formula of a model"
                self._refuse(self._first_with(name), "bounds would not be exact", found, expected)

    def _refuse_misread_optionals(self) -> None:
        """An input that one formula can do without and another cannot has two meanings when it is absent."""
        derived = derivation_order(frozenset().union(*self.columns), self.dictionary)
        definitions = [parse(self.dictionary.derived[name].expression) for name in derived]
        direct = frozenset().union(*(each.direct_columns for each in [*self.expressions, *definitions]))
        for name in sorted(self.optional & direct):
            expected = "one of the two in a model"
            self._refuse(self._first_with(name), "read twice", f"{name} both in COALESCE and directly", expected)

    def _values(self, trees: Sequence[exp.Expr]) -> dict[str, tuple[Value, ...]]:
        """For each input that is not continuous, the values that stand for all others."""
        every = [*trees, *(stretch.tree for stretch in self.stretches.by_name.values())]
        values: dict[str, tuple[Value, ...]] = {}
        for name in self.inputs:
            variable = self.dictionary.recorded[name]
            if variable.type in (VariableType.TEXT, VariableType.DATE):
                found, expected = f"{name}, a {variable.type}", "a number, boolean or choice"
                self._refuse(self._first_with(name), "bounds would not be exact", found, expected)
            elif variable.type is not VariableType.NUMBER and name not in self.optional:
                values[name] = standing_values(name, variable, every)
        return values

    def _cuts(self) -> dict[str, tuple[float, ...]]:
        """For each continuous input, the constants that it is itself compared with, rising."""
        plain_cuts = {each.inputs[0]: each.cuts for each in self.stretches.by_name.values() if each.is_plain}
        names = [name for name in self.inputs if self.dictionary.recorded[name].type is VariableType.NUMBER]
        return {name: tuple(sorted(plain_cuts.get(name, ()))) for name in names if name not in self.optional}

    def _refuse_slow(
        self,
        components: Sequence[Component],
        values: Mapping[str, tuple[Value, ...]],
        cuts: Mapping[str, tuple[float, ...]],
    ) -> None:
        """Terms that share so many inputs that a patient without any would have too many completions to try."""
        sizes = [self._completions(component, values, cuts) for component in components]
        for component, size in zip(components, sizes, strict=True):
            if size > MOST_COMPLETIONS:
                found = f"{size:,} completions of {', '.join(component.inputs)}"
                expected = f"at most {MOST_COMPLETIONS:,} for terms that share inputs"
                self._refuse(component.terms[0], "bounds would be too slow", found, expected)
        if prod(sizes) > MOST_SUMS:
            found, expected = f"{prod(sizes):,} completions of all terms", f"at most {MOST_SUMS:,}"
            self._refuse(0, "bounds would be too slow", found, expected)

    def _completions(
        self, component: Component, values: Mapping[str, tuple[Value, ...]], cuts: Mapping[str, tuple[float, ...]]
    ) -> int:
        """How many cells a patient without any of a component's inputs has, at most."""
        sizes = [len(values[name]) for name in component.inputs if name in values]
        sizes += [_parts(cuts[name]) for name in component.inputs if name in cuts]
        return prod([*sizes, *(_parts(each.cuts) for each in self._formulas_of(component))])

    def _formulas_of(self, component: Component) -> list[Stretch]:
        inputs = set(component.inputs)
        return [each for each in self.stretches.by_name.values() if not each.is_plain and inputs & set(each.inputs)]


def _parts(cuts: Iterable[float]) -> int:
    """Into how many parts a line is cut, the cuts themselves counted."""
    return 2 * len(tuple(cuts)) + 1


def _components(columns: Sequence[frozenset[str]], dictionary: VariableDictionary) -> tuple[Component, ...]:
    """The terms grouped by the inputs that they share, directly or through other terms."""
    groups: list[tuple[set[int], set[str]]] = []
    for position, names in enumerate(columns):
        terms, inputs = {position}, set(closure(names, dictionary))
        apart = []
        for other_terms, other_inputs in groups:
            if inputs & other_inputs:
                terms, inputs = terms | other_terms, inputs | other_inputs
            else:
                apart.append((other_terms, other_inputs))
        groups = [*apart, (terms, inputs)]
    return tuple(_component(sorted(terms), inputs, columns, dictionary) for terms, inputs in groups)


def _component(
    terms: Sequence[int], inputs: Iterable[str], columns: Sequence[frozenset[str]], dictionary: VariableDictionary
) -> Component:
    read = frozenset().union(*(columns[term] for term in terms))
    return Component(
        terms=tuple(terms),
        inputs=tuple(name for name in dictionary.recorded if name in inputs),
        derived=frozenset(derivation_order(read, dictionary)),
    )
