"""Reading one YAML file: its values, the line of each, its digest, and what is wrong with its writing.

YAML 1.2's core types only: `true` and `false` are truths, `yes`, `no`, `on` and `off` are refused, and a date stays
text. Every key that is written twice is reported, with both lines.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import rfc8785
import yaml

from scheduler.core.problems import Location
from scheduler.rulebook.places import FileProblem

INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS_FOR_TRUTH = {"yes", "no", "on", "off", "y", "n"}
LARGEST = 2**53 - 1
QUOTED = ("'", '"', "|", ">")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """One file as it was read: its text, its values (JSON types), the line of each value, and its problems."""

    path: Path
    name: str
    text: str
    data: Any
    lines: Mapping[Location, int]
    problems: tuple[FileProblem, ...]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hexadecimal) of the RFC 8785 canonical JSON of the values: comments and layout do not count."""
        return hashlib.sha256(rfc8785.dumps(self.data)).hexdigest()

    @cached_property
    def json(self) -> str:
        """The values as JSON."""
        return json.dumps(self.data, ensure_ascii=False)

    def line(self, location: Location) -> int:
        """The line of the value at a location, or of the nearest thing around it that has one."""
        known: Location = ()
        for part in location:
            known = (*known, part) if (*known, part) in self.lines else known
        return self.lines.get(known, 1)

    def problem(self, location: Location, what: str, *, found: str, expected: str) -> FileProblem:
        """A problem at a location of this file."""
        return FileProblem(file=self.name, line=self.line(location), what=what, found=found, expected=expected)


def read_rule_file(path: Path, *, name: str) -> RuleFile:
    """The file's values and lines; `problems` tell what is wrong with its writing. `name` is how people call it."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=LOADER)
    except UnicodeDecodeError as error:
        problem = _unreadable(name, 1, f"a byte that is not UTF-8 at position {error.start}")
        return RuleFile(path=path, name=name, text="", data=None, lines={}, problems=(problem,))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        found = getattr(error, "problem", None) or "characters that are not YAML"
        problem = _unreadable(name, mark.line + 1 if mark else 1, found)
        return RuleFile(path=path, name=name, text=text, data=None, lines={}, problems=(problem,))
    if node is None:
        problem = FileProblem(file=name, line=1, what="empty file", found="nothing", expected="a rule")
        return RuleFile(path=path, name=name, text=text, data=None, lines={}, problems=(problem,))
    reader = _Reader(name)
    data = reader.value(node, ())
    return RuleFile(path=path, name=name, text=text, data=data, lines=reader.lines, problems=tuple(reader.problems))


def _unreadable(name: str, line: int, found: str) -> FileProblem:
    return FileProblem(file=name, line=line, what="not readable", found=found, expected="YAML in UTF-8")


class _Reader:
    """Walks the nodes of one file, keeping lines and problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Location, int] = {}
        self.problems: list[FileProblem] = []
        self.seen: set[yaml.Node] = set()

    def note(self, line: int, what: str, found: str, expected: str) -> None:
        self.problems.append(FileProblem(file=self.name, line=line, what=what, found=found, expected=expected))

    def value(self, node: yaml.Node, location: Location) -> Any:
        self.lines.setdefault(location, node.start_mark.line + 1)
        if node in self.seen:  # an alias gives the node itself, which may even stand inside itself
            self.note(
                node.start_mark.line + 1, "anchor", "a value that is used again as *alias", "each value written out"
            )
            return None
        self.seen.add(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*location, position)) for position, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, value_node in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            if key in first:
                self.note(line, "duplicate key", f"{key}, also on line {first[key]}", "each key once")
                continue
            first[key] = line
            self.lines[(*location, key)] = line
            data[key] = self.value(value_node, (*location, key))
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        text, line = str(node.value), node.start_mark.line + 1
        if getattr(node, "style", None) in QUOTED:
            return text
        if text.lower() in WORDS_FOR_TRUTH:
            self.note(line, "ambiguous word", text, "true or false, or the word in quotes")
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if not NUMBER.fullmatch(text):
            return text
        if abs(float(text)) > LARGEST:
            self.note(line, "number too large", text, f"at most {LARGEST}, which every reader of JSON keeps exactly")
            return None
        return int(text) if INTEGER.fullmatch(text) else float(text)
