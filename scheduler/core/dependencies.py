"""What an expression rests on, through the derived variables that it reads.

Takes names of variables and the dictionary; gives names. A circle of derived variables raises `CycleError`.
"""

from collections.abc import Iterable
from graphlib import TopologicalSorter

from scheduler.core.expression import parse
from scheduler.core.variables import VariableDictionary


def derivation_order(wanted: Iterable[str], dictionary: VariableDictionary) -> tuple[str, ...]:
    """The derived variables that `wanted` rest on, themselves included, each after those that it reads."""
    graph: dict[str, frozenset[str]] = {}
    waiting = [name for name in wanted if name in dictionary.derived]
    while waiting:
        name = waiting.pop()
        if name not in graph:
            graph[name] = parse(dictionary.derived[name].expression).columns & dictionary.derived.keys()
            waiting.extend(graph[name])
    return tuple(TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)}).static_order())


def closure(wanted: Iterable[str], dictionary: VariableDictionary) -> tuple[str, ...]:
    """The recorded variables that `wanted` rest on, in the dictionary's order.

    A variable that a derived one reads as the first of a COALESCE is among them.
    """
    names = set(wanted)
    for derived in derivation_order(names, dictionary):
        names |= parse(dictionary.derived[derived].expression).columns
    return tuple(name for name in dictionary.recorded if name in names)


def optional(wanted: Iterable[str], dictionary: VariableDictionary) -> frozenset[str]:
    """The recorded variables in the closure whose absence is no missing input, since a fallback stands in."""
    names = derivation_order(wanted, dictionary)
    return frozenset().union(*(parse(dictionary.derived[name].expression).optional_columns for name in names))
