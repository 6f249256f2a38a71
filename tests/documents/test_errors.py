"""Every error that a person can meet says what it is and what to do next."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

import pytest

import scheduler
from scheduler.errors import FAMILIES, HepwatchError


def _below(family: type[HepwatchError]) -> Iterator[type[HepwatchError]]:
    for each in family.__subclasses__():
        yield each
        yield from _below(each)


def _every_error() -> list[type[HepwatchError]]:
    """Every class below a family, of all modules."""
    for module in walk_packages(scheduler.__path__, prefix="scheduler."):
        import_module(module.name)
    return sorted({each for each in _below(HepwatchError) if each not in FAMILIES}, key=lambda each: each.__name__)


def _advice(error: type[HepwatchError]) -> list[ast.expr]:
    """What the class gives as advice when it is made."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(error)))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return [keyword.value for call in calls for keyword in call.keywords if keyword.arg == "advice"]


@pytest.mark.parametrize("error", _every_error(), ids=lambda error: error.__name__)
def test_an_error_has_a_family_a_meaning_and_advice(error: type[HepwatchError]) -> None:
    families = [family for family in FAMILIES if issubclass(error, family)]
    advice = _advice(error)

    assert len(families) == 1
    assert error.__dict__["__doc__"], f"{error.__name__} has no docstring"
    assert advice, f"{error.__name__} gives no advice"
    assert not any(isinstance(each, ast.Constant) and not str(each.value).strip() for each in advice)


@pytest.mark.parametrize("error", _every_error(), ids=lambda error: error.__name__)
def test_an_error_writes_its_own_sentence_from_named_facts(error: type[HepwatchError]) -> None:
    parameters = list(inspect.signature(error).parameters.values())

    assert "__init__" in error.__dict__, f"{error.__name__} leaves its sentence to the caller"
    assert len([each for each in parameters if each.kind is not each.KEYWORD_ONLY]) <= 1
    assert "message" not in [each.name for each in parameters]
