"""A YAML file's values with the line of each, and what no YAML file of ours may hold.

Takes text, and how a scalar is to be read; gives values, lines and slips (keys written twice, aliases, keys that are
no words) for the room that asked to put in its own words. It knows neither rules nor mappings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import yaml

from scheduler.core.problems import Location

FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NotYaml(ValueError):
    """Text that is not YAML: the line, and what the parser says."""

    def __init__(self, *, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line, self.what = line, what


class SlipKind(StrEnum):
    """What is wrong with a file's writing, whatever it says."""

    DUPLICATE_KEY = "duplicate key"
    ALIAS = "alias"
    KEY_NO_WORD = "key that is no word"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """One slip at a line; a duplicate key names itself and the line where it stood first."""

    kind: SlipKind
    line: int
    key: str = ""
    first_line: int = 0


@dataclass(frozen=True, kw_only=True)
class Written:
    """What a file says: its values (None for an empty file and for an alias), the line of each, its slips."""

    value: Any = None
    lines: Mapping[Location, int] = field(default_factory=dict)
    slips: tuple[Slip, ...] = ()


def read_yaml(text: str, scalar: Callable[[yaml.ScalarNode], object], *, loader: Any = FAST) -> Written:
    """The values of a YAML text, each scalar as `scalar` reads its node. Raises `NotYaml`.

    The fast loader tells the line where it noticed that something is wrong; `yaml.SafeLoader`, for short texts, tends
    to tell the one where it began.

    >>> read_yaml("a: 1\\na: 2", lambda node: node.value).slips[0].first_line
    1
    """
    try:
        root = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark, what = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        raise NotYaml(line=mark.line + 1 if mark else 1, what=what or "characters that are not YAML") from error
    if root is None:
        return Written()
    walk = _Walk(scalar)
    return Written(value=walk.value(root, ()), lines=walk.lines, slips=tuple(walk.slips))


def line_of(location: Location, lines: Mapping[Location, int]) -> int:
    """The line of the value at a location, or of the nearest thing around it that has one.

    A part that the file does not have is passed over: what checks a value may name the member of a union on the way.
    """
    known: Location = ()
    for part in location:
        known = (*known, part) if (*known, part) in lines else known
    return lines.get(known, 1)


class _Walk:
    """Walks the nodes of one file once; an alias shows as a node met again, which may even stand inside itself."""

    def __init__(self, scalar: Callable[[yaml.ScalarNode], object]) -> None:
        self.scalar = scalar
        self.lines: dict[Location, int] = {}
        self.slips: list[Slip] = []
        self.met: set[yaml.Node] = set()

    def value(self, node: yaml.Node, location: Location) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        if node in self.met:
            self.slips.append(Slip(kind=SlipKind.ALIAS, line=line))
            return None
        self.met.add(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*location, position)) for position, child in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)
        return self.scalar(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.slips.append(Slip(kind=SlipKind.KEY_NO_WORD, line=line))
            elif key.value in values:
                first = self.lines[(*location, key.value)]
                self.slips.append(Slip(kind=SlipKind.DUPLICATE_KEY, line=line, key=key.value, first_line=first))
            else:
                self.lines[(*location, key.value)] = line
                values[key.value] = self.value(value, (*location, key.value))
        return values
