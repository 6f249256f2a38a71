"""Finding the stretches of a model's terms: the maximal arithmetic expressions of continuous inputs.

Takes plain trees; gives them back with each stretch as one column, and keeps the stretches, one for each formula
however often it is read. A formula that is not defined on its whole range, or not steady, is noted as a problem.
"""

from collections.abc import Mapping

from sqlglot import exp

from scheduler.core.compilation import ARITHMETIC, COMPARISONS, FUNCTIONS
from scheduler.core.dependencies import closure
from scheduler.core.expression import parse
from scheduler.core.intervals import Interval, Undefined, interval
from scheduler.core.problems import Problem
from scheduler.core.program import Stretch
from scheduler.core.strictness import plain, rewritten
from scheduler.core.variables import VariableDictionary, VariableType

NUMERIC = (VariableType.NUMBER, VariableType.INTEGER)
COMPARED = tuple(COMPARISONS)
COMPUTED = (*ARITHMETIC, *FUNCTIONS)


class Stretches:
    """The stretches found so far, by their column's name (`stretch 0`, …), and the problems met on the way."""

    def __init__(self, dictionary: VariableDictionary, *, optional: frozenset[str]) -> None:
        self.dictionary = dictionary
        self.optional = optional
        self.ranges = ranges(dictionary)
        self.by_name: dict[str, Stretch] = {}
        self.problems: list[Problem] = []

    def replaced(self, node: exp.Expr) -> exp.Expr:
        """The tree with each maximal smooth node replaced by the column of its stretch."""
        if isinstance(node, COMPARED) and self._compares_two_formulas(node):
            left, right = exp.Paren(this=node.this.copy()), exp.Paren(this=node.expression.copy())
            difference = exp.Round(this=exp.Sub(this=left, expression=right))
            node = type(node)(this=difference, expression=exp.Literal.number(0))
        if self.is_smooth(node) and not isinstance(node, exp.Round):
            return self._named(node)
        if isinstance(node, COMPUTED):
            self._check_defined(self._expanded(node))
        copied = node.copy()
        for child in list(copied.iter_expressions()):
            child.replace(self.replaced(child.copy()))
        return copied

    def is_smooth(self, node: exp.Expr) -> bool:
        """Whether a node is arithmetic of numbers only, at least one of them continuous."""
        return self._is_arithmetic(node) and bool(self._inputs(node, VariableType.NUMBER))

    def _is_arithmetic(self, node: exp.Expr) -> bool:
        if isinstance(node, exp.Column):
            if (derived := self.dictionary.derived.get(node.name)) is not None:
                return self._is_arithmetic(parse(derived.expression).written)
            recorded = self.dictionary.recorded.get(node.name)
            return recorded is not None and recorded.type in NUMERIC and node.name not in self.optional
        if isinstance(node, exp.Literal):
            return not node.is_string
        if isinstance(node, (exp.Paren, exp.Round, *COMPUTED)):
            children = [node.this] if isinstance(node, exp.Round) else list(node.iter_expressions())
            return all(self._is_arithmetic(child) for child in children)
        return False

    def _inputs(self, node: exp.Expr, kind: VariableType) -> tuple[str, ...]:
        """The recorded inputs of one type that a node rests on."""
        names = closure({column.name for column in node.find_all(exp.Column)}, self.dictionary)
        return tuple(name for name in names if self.dictionary.recorded[name].type is kind)

    def _compares_two_formulas(self, node: exp.Expr) -> bool:
        """Whether a comparison has a formula on each side, at least one of them continuous."""
        sides = (node.this, node.expression)
        both = all(self._is_arithmetic(side) and side.find(exp.Column) for side in sides)
        return both and any(self.is_smooth(side) for side in sides)

    def _named(self, node: exp.Expr) -> exp.Expr:
        """The column of the stretch; rounded where the derived variable that it stands for is."""
        stretch = self._stretch(node)
        column = exp.column(stretch.name)
        is_derived = isinstance(node, exp.Column) and node.name in self.dictionary.derived
        return exp.Round(this=column) if is_derived and not stretch.is_plain else column

    def _stretch(self, node: exp.Expr) -> Stretch:
        tree = rewritten(self._expanded(node), lambda each: each.this if isinstance(each, exp.Round) else each).unnest()
        for known in self.by_name.values():
            if known.tree.sql() == tree.sql():
                return known
        self._check_steady(tree)
        stretch = Stretch(
            name=f"stretch {len(self.by_name)}",
            tree=tree,
            inputs=self._inputs(tree, VariableType.NUMBER),
            whole_inputs=self._inputs(tree, VariableType.INTEGER),
        )
        self.by_name[stretch.name] = stretch
        return stretch

    def _expanded(self, node: exp.Expr) -> exp.Expr:
        """The node with derived variables written out."""

        def write_out(each: exp.Expr) -> exp.Expr:
            if isinstance(each, exp.Column) and each.name in self.dictionary.derived:
                definition = parse(self.dictionary.derived[each.name].expression).written
                return exp.Paren(this=self._expanded(plain(definition)))
            return each

        return rewritten(node, write_out)

    def _check_steady(self, tree: exp.Expr) -> None:
        """An input that stands twice in a formula may pull it both ways."""
        names = [column.name for column in tree.find_all(exp.Column)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            found = f"{name} more than once in {tree.sql()}"
            self._note("bounds would not be exact", found, "each input once in a formula")
        self._check_defined(tree)

    def _check_defined(self, tree: exp.Expr) -> None:
        try:
            interval(tree, self.ranges)
        except Undefined as error:
            self._note("undefined", str(error), "a formula that is defined on the whole range of its variables")

    def _note(self, what: str, found: str, expected: str) -> None:
        self.problems.append(Problem(location=(), what=what, found=found, expected=expected))


def ranges(dictionary: VariableDictionary) -> Mapping[str, Interval]:
    """The hard range of every recorded number."""
    return {
        name: Interval(variable.minimum or 0.0, variable.maximum or 0.0)
        for name, variable in dictionary.recorded.items()
        if variable.type in NUMERIC
    }
