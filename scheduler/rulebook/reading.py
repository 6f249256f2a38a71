"""Reading one YAML file: its values, the line of each, its digest, and what is wrong with its writing.

YAML 1.2's core types only: `true` and `false` are truths, `yes`, `no`, `on` and `off` are refused, and a date stays
text. Every key that is written twice is reported, with both lines.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import rfc8785
import yaml

from scheduler.core.problems import Location, Problem
from scheduler.rulebook.places import FileProblem
from scheduler.yaml_lines import NotYaml, Slip, SlipKind, line_of, read_yaml

INTEGER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS_FOR_TRUTH = {"yes", "no", "on", "off", "y", "n"}
LARGEST = 2**53 - 1
QUOTED = ("'", '"', "|", ">")


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
        return line_of(location, self.lines)

    def problem(self, location: Location, what: str, *, found: str, expected: str) -> FileProblem:
        """A problem at a location of this file."""
        return FileProblem(file=self.name, line=self.line(location), what=what, found=found, expected=expected)

    def placed(self, problems: Iterable[Problem]) -> list[FileProblem]:
        """Problems of this file's rule, at their lines."""
        return [self.problem(each.location, each.what, found=each.found, expected=each.expected) for each in problems]


def read_rule_file(path: Path, *, name: str) -> RuleFile:
    """The file's values and lines; `problems` tell what is wrong with its writing. `name` is how people call it."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return _refused(path, name, _unreadable(name, 1, f"a byte that is not UTF-8 at position {error.start}"))
    scalars = _Scalars(name)
    try:
        written = read_yaml(text, scalars.read)
    except NotYaml as error:
        return _refused(path, name, _unreadable(name, error.line, error.what), text=text)
    if not written.lines:
        problem = FileProblem(file=name, line=1, what="empty file", found="nothing", expected="a rule")
        return _refused(path, name, problem, text=text)
    problems = (*(_slip(name, slip) for slip in written.slips), *scalars.problems)
    return RuleFile(path=path, name=name, text=text, data=written.value, lines=written.lines, problems=problems)


def _refused(path: Path, name: str, problem: FileProblem, *, text: str = "") -> RuleFile:
    """A file that says nothing that could be used."""
    return RuleFile(path=path, name=name, text=text, data=None, lines={}, problems=(problem,))


def _unreadable(name: str, line: int, found: str) -> FileProblem:
    return FileProblem(file=name, line=line, what="not readable", found=found, expected="YAML in UTF-8")


def _slip(name: str, slip: Slip) -> FileProblem:
    """A slip of writing, in this room's words."""
    what, found, expected = {
        SlipKind.DUPLICATE_KEY: ("duplicate key", f"{slip.key}, also on line {slip.first_line}", "each key once"),
        SlipKind.ALIAS: ("anchor", "a value that is used again as *alias", "each value written out"),
        SlipKind.KEY_NO_WORD: ("wrong key", "a key that is no word", "a word"),
    }[slip.kind]
    return FileProblem(file=name, line=slip.line, what=what, found=found, expected=expected)


class _Scalars:
    """Reads the scalars of one file by YAML 1.2's core types, keeping what is wrong with them."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[FileProblem] = []

    def read(self, node: yaml.ScalarNode) -> object:
        text, line = str(node.value), node.start_mark.line + 1
        if node.style in QUOTED:
            return text
        if text.lower() in WORDS_FOR_TRUTH:
            self._note(line, "ambiguous word", text, "true or false, or the word in quotes")
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        if not NUMBER.fullmatch(text):
            return text
        if abs(float(text)) > LARGEST:
            self._note(line, "number too large", text, f"at most {LARGEST}, which every reader of JSON keeps exactly")
            return None
        return int(text) if INTEGER.fullmatch(text) else float(text)

    def _note(self, line: int, what: str, found: str, expected: str) -> None:
        self.problems.append(FileProblem(file=self.name, line=line, what=what, found=found, expected=expected))
