"""Whether the names of a dictionary's variables can be used: in expressions, and as columns beside scoring's own.

Takes the dictionary; gives problems at their places.
"""

from scheduler.core.bounds import BOUNDS_SCHEMA
from scheduler.core.problems import Problem
from scheduler.core.scoring import ASSESSMENT_SCHEMA
from scheduler.core.variables import VariableDictionary

WORKING_COLUMNS = {"applies", "sum", "gap", "component", "part", "base", "low", "high", "known", "first", "last"}
RESERVED_NAMES = {*ASSESSMENT_SCHEMA, *BOUNDS_SCHEMA, *WORKING_COLUMNS}


def check_names(dictionary: VariableDictionary) -> tuple[Problem, ...]:
    """Names that an expression could not read, that scoring needs for itself, or that stand for two variables."""
    problems = []
    for part, names in (("recorded", dictionary.recorded), ("derived", dictionary.derived)):
        for name in names:
            if not name.isidentifier():
                problems.append(_name_problem(part, name, "not a variable's name", "letters, digits and _"))
            if name in RESERVED_NAMES:
                problems.append(_name_problem(part, name, "reserved name", "a name that scoring does not need itself"))
            if part == "derived" and name in dictionary.recorded:
                problems.append(_name_problem(part, name, "name twice", "a name that no recorded variable has"))
    return tuple(problems)


def _name_problem(part: str, name: str, what: str, expected: str) -> Problem:
    return Problem(location=(part, name), what=what, found=name, expected=expected)
