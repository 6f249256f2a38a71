"""How a model's terms depend on continuous inputs: what must be known to bound them exactly.

Takes a model's terms and the dictionary; gives a `Program`: the terms and derived variables with every maximal
arithmetic expression of continuous inputs replaced by one *stretch* (such as the ALBI score), the constants that
each is compared with, and the components of terms that share inputs. A model for which exact bounds cannot be
computed is refused with the reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from sqlglot import exp

from scheduler.core.expression import ARITHMETIC, COMPARISONS, FUNCTIONS, parse, plain
from scheduler.core.expression_check import closure, derivation_order, optional
from scheduler.core.intervals import Interval, Undefined, interval
from scheduler.core.problems import Problem
from scheduler.core.variables import VariableDictionary, VariableType

MOST_WHOLE_NUMBERS = 1000
NUMERIC = (VariableType.NUMBER, VariableType.INTEGER)


@dataclass(kw_only=True)
class Stretch:
    """A maximal arithmetic expression of continuous inputs, which moves steadily over its range.

    `cuts` are the constants it is compared with; `valued` says that its value itself enters the sum, not only on
    which side of its cuts it lies. A stretch that is one bare input is `plain`.
    """

    name: str
    tree: exp.Expr
    inputs: tuple[str, ...]
    cuts: set[float] = field(default_factory=set)
    valued: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is one recorded variable as it stands."""
        return isinstance(self.tree, exp.Column)


@dataclass(frozen=True, kw_only=True)
class Component:
    """Terms (by position) that share inputs, the recorded inputs they read, and the stretches among these."""

    terms: tuple[int, ...]
    inputs: tuple[str, ...]
    stretches: tuple[Stretch, ...]
    derived: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A model's terms made ready for bounding; `terms` and `derived` are plain trees that read stretches."""

    terms: tuple[exp.Expr, ...]
    derived: Mapping[str, exp.Expr]
    components: tuple[Component, ...]
    optional: frozenset[str]
    whole: Mapping[str, tuple[int, ...] | None]


def analyse(terms: Iterable[str], dictionary: VariableDictionary) -> tuple[Program, tuple[Problem, ...]]:
    """The program for these terms, and what keeps its bounds from being exact (location: the term's position)."""
    return _Analysis(tuple(terms), dictionary).result()


class _Analysis:
    """One pass over the terms of one model."""

    def __init__(self, terms: tuple[str, ...], dictionary: VariableDictionary) -> None:
        self.texts = terms
        self.dictionary = dictionary
        self.columns = [parse(term).columns for term in terms]
        self.optional = optional(frozenset().union(*self.columns), dictionary) | frozenset().union(
            *(parse(term).optional_columns for term in terms)
        )
        self.ranges = {
            name: Interval(variable.minimum or 0.0, variable.maximum or 0.0)
            for name, variable in dictionary.recorded.items()
            if variable.type in NUMERIC
        }
        self.stretches: dict[str, Stretch] = {}
        self.carriers: set[str] = set()
        self.whole_in_arithmetic: set[str] = set()
        self.whole_cuts: dict[str, set[float]] = {}
        self.problems: list[Problem] = []
        self.position = 0

    def result(self) -> tuple[Program, tuple[Problem, ...]]:
        derived: dict[str, exp.Expr] = {}
        for name in derivation_order(frozenset().union(*self.columns), self.dictionary):
            self.position = next(i for i, each in enumerate(self.columns) if name in self._derived_below(each))
            if not self._is_smooth(exp.column(name)):
                tree = self._replace(plain(parse(self.dictionary.derived[name].expression).written))
                self._follow_values(tree, carrier=name)
                derived[name] = tree
        trees = []
        for position, text in enumerate(self.texts):
            self.position = position
            tree = self._replace(plain(parse(text).written))
            self._follow_values(tree, carrier=None)
            trees.append(tree)
        self._check_shared_inputs()
        program = Program(
            terms=tuple(trees),
            derived=derived,
            components=self._components(),
            optional=self.optional,
            whole=self._whole_numbers(),
        )
        return program, tuple(self.problems)

    def _refuse(self, what: str, found: str, expected: str) -> None:
        problem = Problem(location=(self.position,), what=what, found=found, expected=expected)
        if problem not in self.problems:
            self.problems.append(problem)

    def _derived_below(self, names: Iterable[str]) -> tuple[str, ...]:
        return derivation_order(names, self.dictionary)

    def _expanded(self, node: exp.Expr) -> exp.Expr:
        """The node with derived variables written out, as far as they are arithmetic themselves."""

        def write_out(each: exp.Expr) -> exp.Expr:
            if isinstance(each, exp.Column) and each.name in self.dictionary.derived:
                definition = parse(self.dictionary.derived[each.name].expression).written
                return exp.Paren(this=self._expanded(plain(definition)))
            return each

        return node.copy().transform(write_out)

    def _is_smooth(self, node: exp.Expr) -> bool:
        """Whether a node is arithmetic of numbers only, at least one of them continuous."""
        return self._is_arithmetic(node) and bool(self._continuous(node))

    def _is_arithmetic(self, node: exp.Expr) -> bool:
        if isinstance(node, exp.Column):
            if node.name in self.dictionary.derived:
                return self._is_arithmetic(parse(self.dictionary.derived[node.name].expression).written)
            recorded = self.dictionary.recorded.get(node.name)
            return recorded is not None and recorded.type in NUMERIC and node.name not in self.optional
        if isinstance(node, exp.Literal):
            return not node.is_string
        if isinstance(node, exp.Log):
            return self._is_arithmetic(node.expression)
        if isinstance(node, (exp.Paren, exp.Round, *FUNCTIONS)):
            return self._is_arithmetic(node.this)
        if isinstance(node, tuple(ARITHMETIC)):
            return self._is_arithmetic(node.this) and self._is_arithmetic(node.expression)
        return False

    def _continuous(self, node: exp.Expr) -> tuple[str, ...]:
        """The continuous recorded inputs of an arithmetic node."""
        names = closure({column.name for column in node.find_all(exp.Column)}, self.dictionary)
        return tuple(name for name in names if self.dictionary.recorded[name].type is VariableType.NUMBER)

    def _replace(self, node: exp.Expr, *, compared: bool = False) -> exp.Expr:
        """The tree with each maximal smooth node replaced by the column of its stretch."""
        if isinstance(node, tuple(COMPARISONS)) and self._compares_two_stretches(node):
            difference = exp.Sub(this=exp.Paren(this=node.this), expression=exp.Paren(this=node.expression))
            node = type(node)(this=difference, expression=exp.Literal.number(0))
        if self._is_smooth(node):
            return exp.column(self._stretch(node).name)
        self._note_whole_numbers(node, compared=compared)
        copied = node.copy()
        compares = isinstance(node, tuple(COMPARISONS)) or (compared and isinstance(node, exp.Paren))
        for child in list(copied.iter_expressions()):
            child.replace(self._replace(child.copy(), compared=compares))
        return copied

    def _compares_two_stretches(self, node: exp.Expr) -> bool:
        sides = (node.this, node.expression)
        return all(self._is_arithmetic(side) and side.find(exp.Column) for side in sides) and any(
            self._continuous(side) for side in sides
        )

    def _stretch(self, node: exp.Expr) -> Stretch:
        tree = self._expanded(node).transform(lambda each: each.this if isinstance(each, exp.Round) else each).unnest()
        text = tree.sql()
        if text not in self.stretches:
            self._check_steady(tree)
            name = f"stretch {len(self.stretches)}"
            self.stretches[text] = Stretch(name=name, tree=tree, inputs=self._continuous(tree))
        return self.stretches[text]

    def _check_steady(self, tree: exp.Expr) -> None:
        names = [column.name for column in tree.find_all(exp.Column)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._refuse(
                "bounds would not be exact", f"{name} more than once in {tree.sql()}", "each input once in a formula"
            )
        try:
            interval(tree, self.ranges)
        except Undefined as error:
            self._refuse("undefined", str(error), "a formula that is defined on the whole range of its variables")

    def _note_whole_numbers(self, node: exp.Expr, *, compared: bool) -> None:
        """Which whole numbers are only compared with constants, and with which; all others are tried one by one."""
        if isinstance(node, exp.Column) and not compared:
            self.whole_in_arithmetic.add(node.name)
        if isinstance(node, tuple(ARITHMETIC) + tuple(FUNCTIONS)):
            self._check_defined(node)
            for column in node.find_all(exp.Column):
                self.whole_in_arithmetic.add(column.name)
        if isinstance(node, tuple(COMPARISONS)):
            for side, other in ((node.this, node.expression), (node.expression, node.this)):
                bare = side.unnest()
                if isinstance(bare, exp.Column):
                    constant = _constant(other)
                    if constant is None:
                        self.whole_in_arithmetic.add(bare.name)
                    else:
                        self.whole_cuts.setdefault(bare.name, set()).add(constant)

    def _check_defined(self, node: exp.Expr) -> None:
        try:
            interval(self._expanded(node), self.ranges)
        except Undefined as error:
            self._refuse("undefined", str(error), "a formula that is defined on the whole range of its variables")

    def _follow_values(self, tree: exp.Expr, *, carrier: str | None) -> None:
        """Where each stretch goes: to a comparison with a constant (a cut), or into the sum (valued)."""
        by_name = {stretch.name: stretch for stretch in self.stretches.values()}
        for column in tree.find_all(exp.Column):
            stretch = by_name.get(column.name)
            if stretch is None and column.name not in self.carriers:
                continue
            cut = self._cut_beside(column) if stretch else None
            if stretch and cut is not None:
                stretch.cuts.add(cut)
            else:
                if stretch:
                    stretch.valued = True
                if carrier:
                    self.carriers.add(carrier)
                self._check_straight(column)

    def _cut_beside(self, column: exp.Expr) -> float | None:
        """The constant that a stretch is compared with, where it is a side of a comparison."""
        side = column
        while isinstance(side.parent, (exp.Paren, exp.Round)):
            side = side.parent
        comparison = side.parent
        if comparison is None or not isinstance(comparison, tuple(COMPARISONS)):
            return None
        other = comparison.expression if comparison.this is side else comparison.this
        return _constant(other)

    def _check_straight(self, column: exp.Expr) -> None:
        """Above a stretch whose value counts, only sums, choices and products with what holds no stretch."""
        node, parent = column, column.parent
        while parent is not None:
            allowed = isinstance(parent, (exp.Paren, exp.Add, exp.Sub, exp.Neg, exp.If, exp.Case))
            scaled = isinstance(parent, (exp.Mul, exp.Div)) and not self._holds_stretch(
                parent.expression if parent.this is node else parent.this
            )
            if not allowed and not (scaled and not (isinstance(parent, exp.Div) and parent.expression is node)):
                self._refuse(
                    "bounds would not be exact",
                    f"{self._readable(column)} inside {type(parent).__name__.upper()}",
                    "a continuous value that is compared with a number, or added up",
                )
                return
            node, parent = parent, parent.parent

    def _holds_stretch(self, node: exp.Expr) -> bool:
        names = {column.name for column in node.find_all(exp.Column)}
        return bool(names & ({stretch.name for stretch in self.stretches.values()} | self.carriers))

    def _readable(self, column: exp.Expr) -> str:
        by_name = {stretch.name: stretch.tree.sql() for stretch in self.stretches.values()}
        return by_name.get(column.name, column.name)

    def _check_shared_inputs(self) -> None:
        """An input in two formulas couples them; only comparisons of the bare input beside one formula are exact."""
        for name in sorted({name for stretch in self.stretches.values() for name in stretch.inputs}):
            readers = [stretch for stretch in self.stretches.values() if name in stretch.inputs]
            formulas = [stretch for stretch in readers if not stretch.is_plain]
            plain_valued = any(stretch.is_plain and stretch.valued for stretch in readers)
            if len(formulas) > 1 or (formulas and plain_valued):
                found = f"{name} in {' and in '.join(stretch.tree.sql() for stretch in readers)}"
                self._refuse("bounds would not be exact", found, "a continuous variable in one formula of a model")

    def _components(self) -> tuple[Component, ...]:
        """The terms grouped by the inputs that they share, directly or through other terms."""
        groups: list[tuple[set[int], set[str]]] = []
        for position, columns in enumerate(self.columns):
            terms, inputs = {position}, set(closure(columns, self.dictionary))
            apart = []
            for other_terms, other_inputs in groups:
                if inputs & other_inputs:
                    terms, inputs = terms | other_terms, inputs | other_inputs
                else:
                    apart.append((other_terms, other_inputs))
            groups = [*apart, (terms, inputs)]
        return tuple(self._component(terms, inputs) for terms, inputs in groups)

    def _component(self, terms: set[int], inputs: set[str]) -> Component:
        columns = reduce(frozenset.union, (self.columns[term] for term in terms))
        ordered = tuple(name for name in self.dictionary.recorded if name in inputs)
        stretches = tuple(stretch for stretch in self.stretches.values() if set(stretch.inputs) & inputs)
        derived = self._derived_below(columns)
        return Component(terms=tuple(sorted(terms)), inputs=ordered, stretches=stretches, derived=derived)

    def _whole_numbers(self) -> dict[str, tuple[int, ...] | None]:
        """The values of each whole number that stand for all others; None where an input is not a whole number."""
        values: dict[str, tuple[int, ...] | None] = {}
        for name in closure(frozenset().union(*self.columns), self.dictionary):
            variable = self.dictionary.recorded[name]
            if variable.type is VariableType.INTEGER and name not in self.optional:
                low, high = int(self.ranges[name].low), int(self.ranges[name].high)
                if name in self.whole_in_arithmetic and high - low < MOST_WHOLE_NUMBERS:
                    values[name] = tuple(range(low, high + 1))
                elif name in self.whole_in_arithmetic:
                    self._refuse("bounds would be too slow", f"{name} from {low} to {high} in a formula", "a number")
                else:
                    near = {int(cut // 1) + step for cut in self.whole_cuts.get(name, ()) for step in (-1, 0, 1)}
                    values[name] = tuple(sorted({low, high} | {value for value in near if low <= value <= high}))
            elif variable.type in (VariableType.TEXT, VariableType.DATE):
                self._refuse("bounds would not be exact", f"{name}, a {variable.type}", "a number, boolean or choice")
        return values


def _constant(node: exp.Expr) -> float | None:
    """The value of a constant, or None for anything else."""
    bare = node.unnest()
    if isinstance(bare, exp.Round):
        return _constant(bare.this)
    if bare.find(exp.Column) or not isinstance(bare, (exp.Literal, exp.Neg, *ARITHMETIC)):
        return None
    try:
        value = interval(bare, {})
    except Undefined:
        return None
    return value.low if not (isinstance(bare, exp.Literal) and bare.is_string) else None
