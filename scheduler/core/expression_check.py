"""Whether an expression makes sense of a dictionary: known variables, fitting types, choices that exist.

Takes an expression, or all those of a dictionary; gives problems as values.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from graphlib import CycleError

from sqlglot import exp

from scheduler.core.compilation import ARITHMETIC, FUNCTIONS
from scheduler.core.dependencies import derivation_order
from scheduler.core.expression import Expression, ExpressionRefused, parse
from scheduler.core.problems import Problem
from scheduler.core.variables import Derived, VariableDictionary, VariableType


class Kind(StrEnum):
    """What an expression gives."""

    NUMBER = "a number"
    BOOLEAN = "true or false"
    WORD = "a word"
    UNKNOWN = "unknown"


KINDS = {
    VariableType.NUMBER: Kind.NUMBER,
    VariableType.INTEGER: Kind.NUMBER,
    VariableType.BOOLEAN: Kind.BOOLEAN,
    VariableType.CHOICE: Kind.WORD,
    VariableType.TEXT: Kind.WORD,
}


def check(text: str, dictionary: VariableDictionary, *, wants: Iterable[Kind]) -> tuple[Problem, ...]:
    """Every problem of one expression, with an empty location: syntax, variables, types, choices.

    `wants` are the kinds of value that the place accepts (a term takes numbers and booleans, a `must` booleans).
    """
    try:
        expression = parse(text)
    except ExpressionRefused as error:
        return (Problem(location=(), what=error.what, found=error.found, expected=error.expected),)
    checker = _Checker(dictionary)
    kind = checker.kind(expression.written)
    wanted = tuple(wants)
    if kind is not Kind.UNKNOWN and kind not in wanted:
        checker.note("wrong type", f"{text}, which gives {kind}", " or ".join(wanted))
    checker.misread_optionals(expression)
    return tuple(checker.problems)


def check_derived(dictionary: VariableDictionary) -> tuple[Problem, ...]:
    """Every problem of the derived variables and of the consistency checks, at their places in the dictionary."""
    problems: list[Problem] = []
    for name, variable in dictionary.derived.items():
        wants = (KINDS.get(variable.type, Kind.WORD),)
        found = check(variable.expression, dictionary, wants=wants) or _wrong_result(variable, dictionary)
        problems += [problem.below("derived", name, "expression") for problem in found]
    for position, each in enumerate(dictionary.checks):
        found = check(each.when, dictionary, wants=(Kind.BOOLEAN,))
        problems += [problem.below("checks", position, "when") for problem in found]
    if not problems:
        problems += _circles(dictionary)
    return tuple(problems)


def _wrong_result(variable: Derived, dictionary: VariableDictionary) -> tuple[Problem, ...]:
    """A derived variable whose expression gives what its type or its choices do not hold."""
    if variable.type is VariableType.INTEGER and _gives_fractions(variable.expression, dictionary):
        found, expected = "an integer that may be a fraction", "whole numbers, or the type number"
        return (Problem(location=(), what="wrong type", found=found, expected=expected),)
    words = [word.this for word in _words(parse(variable.expression).written) if isinstance(word, exp.Literal)]
    unknown = [word for word in words if variable.choices and word not in variable.choices]
    expected = f"one of {', '.join(variable.choices)}"
    return tuple(Problem(location=(), what="unknown choice", found=f"'{word}'", expected=expected) for word in unknown)


def _gives_fractions(text: str, dictionary: VariableDictionary) -> bool:
    """Whether an expression may give a number that is not whole."""

    def fractional(node: exp.Expr) -> bool:
        match node:
            case exp.Literal():
                return not float(node.this).is_integer()
            case exp.Column():
                variable = dictionary.recorded.get(node.name) or dictionary.derived[node.name]
                return variable.type is VariableType.NUMBER
            case exp.Case():
                return any(
                    map(fractional, (*(branch.args["true"] for branch in node.args["ifs"]), node.args["default"]))
                )
            case exp.Paren() | exp.Neg() | exp.Abs() | exp.Add() | exp.Sub() | exp.Mul() | exp.Coalesce():
                return any(map(fractional, node.iter_expressions()))
        return True

    return fractional(parse(text).written)


def _circles(dictionary: VariableDictionary) -> list[Problem]:
    """A derived variable that rests on itself."""
    try:
        derivation_order(dictionary.derived, dictionary)
    except CycleError as error:
        circle = " → ".join(error.args[1])
        place = ("derived", error.args[1][0], "expression")
        expected = "derived variables that do not rest on themselves"
        return [Problem(location=place, what="circular definition", found=circle, expected=expected)]
    return []


class _Checker:
    """Walks one expression once, noting problems and giving each node's kind."""

    def __init__(self, dictionary: VariableDictionary) -> None:
        self.dictionary = dictionary
        self.problems: list[Problem] = []

    def note(self, what: str, found: str, expected: str) -> None:
        self.problems.append(Problem(location=(), what=what, found=found, expected=expected))

    def kind(self, node: exp.Expr) -> Kind:
        """The node's kind; `UNKNOWN` where a problem has been noted already."""
        if isinstance(node, exp.Paren):
            return self.kind(node.this)
        if isinstance(node, exp.Column):
            return self._column(node.name)
        if isinstance(node, exp.Literal):
            return Kind.WORD if node.is_string else Kind.NUMBER
        if isinstance(node, exp.Boolean):
            return Kind.BOOLEAN
        if isinstance(node, (exp.And, exp.Or, exp.Not)):
            return self._all(node.iter_expressions(), Kind.BOOLEAN, node)
        if isinstance(node, exp.Log):
            return self._all((node.expression,), Kind.NUMBER, node)
        if isinstance(node, (*ARITHMETIC, *FUNCTIONS)):
            return self._all(node.iter_expressions(), Kind.NUMBER, node)
        if isinstance(node, exp.Coalesce):
            self._choices_exist(node.this, node.expressions[0])
            return self._same((node.this, *node.expressions), node)
        if isinstance(node, exp.Case):
            return self._case(node)
        return self._comparison(node)

    def misread_optionals(self, expression: Expression) -> None:
        """A variable read through COALESCE and also directly has two meanings when it is absent."""
        for name in sorted(expression.optional_columns):
            if name in expression.direct_columns:
                self.note("read twice", f"{name} both in COALESCE and directly", "one of the two")
            if name in self.dictionary.derived:
                self.note("COALESCE of a derived variable", name, "COALESCE(recorded variable, fallback)")

    def _column(self, name: str) -> Kind:
        variable = self.dictionary.recorded.get(name) or self.dictionary.derived.get(name)
        if variable is None:
            nearest = _nearest(name, [*self.dictionary.recorded, *self.dictionary.derived])
            self.note("unknown variable", name, f"a name from variables.yaml{nearest}")
            return Kind.UNKNOWN
        if variable.type not in KINDS:
            self.note("wrong type", f"{name}, a {variable.type}", "a number, boolean, choice or text")
            return Kind.UNKNOWN
        return KINDS[variable.type]

    def _all(self, nodes: Iterable[exp.Expr], wanted: Kind, around: exp.Expr) -> Kind:
        for node in nodes:
            kind = self.kind(node)
            if kind not in (wanted, Kind.UNKNOWN):
                self.note("wrong type", f"{node.sql()} in {around.sql()}, which gives {kind}", wanted)
        return wanted

    def _same(self, nodes: Iterable[exp.Expr], around: exp.Expr) -> Kind:
        kinds = {self.kind(node) for node in nodes} - {Kind.UNKNOWN}
        if len(kinds) > 1:
            self.note("wrong type", f"{' and '.join(sorted(kinds))} in {around.sql()}", "values of one type")
        return kinds.pop() if len(kinds) == 1 else Kind.UNKNOWN

    def _case(self, node: exp.Expr) -> Kind:
        branches = node.args["ifs"]
        if node.this is None:
            self._all((branch.this for branch in branches), Kind.BOOLEAN, node)
        else:
            for branch in branches:
                self._comparison(exp.EQ(this=node.this.copy(), expression=branch.this.copy()))
        return self._same([*(branch.args["true"] for branch in branches), node.args["default"]], node)

    def _comparison(self, node: exp.Expr) -> Kind:
        if isinstance(node, exp.Between):
            others = [node.args["low"], node.args["high"]]
        else:
            others = list(node.expressions) if isinstance(node, exp.In) else [node.expression]
        kind = self._same([node.this, *others], node)
        if kind in (Kind.WORD, Kind.BOOLEAN) and not isinstance(node, (exp.EQ, exp.NEQ, exp.In)):
            self.note("words have no order", node.sql(), "= or <> or IN")
        for other in others:
            self._choices_exist(node.this, other)
            self._choices_exist(other, node.this)
        return Kind.BOOLEAN

    def _choices_exist(self, side: exp.Expr, other: exp.Expr) -> None:
        """Words beside a choice that are none of its choices: a comparison with one is never true."""
        names = [name for name in _words(side) if isinstance(name, exp.Column)]
        variables = [
            self.dictionary.recorded.get(each.name) or self.dictionary.derived.get(each.name) for each in names
        ]
        choices = [choice for variable in variables if variable for choice in variable.choices]
        if not choices or not all(variable and variable.choices for variable in variables):
            return
        for word in _words(other):
            if isinstance(word, exp.Literal) and word.is_string and word.this not in choices:
                expected = f"one of {', '.join(dict.fromkeys(choices))}"
                self.note("unknown choice", f"{side.unnest().sql()} = '{word.this}'", expected)


def _words(node: exp.Expr) -> list[exp.Expr]:
    """The columns and literals whose value a node may take."""
    match node:
        case exp.Paren():
            return _words(node.this)
        case exp.Coalesce():
            return [*_words(node.this), *_words(node.expressions[0])]
        case exp.Case():
            values = [*(branch.args["true"] for branch in node.args["ifs"]), node.args["default"]]
            return [word for value in values for word in _words(value)]
    return [node]


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
