"""A YAML file as words alone: every scalar is the text that stands there (`no` stays `no`), each with its line."""

from dataclasses import dataclass, field

import yaml

from scheduler.core.problems import Location

Words = str | list["Words"] | dict[str, "Words"]


@dataclass(kw_only=True)
class Document:
    """What a file says; the line of each key and item by its place; and what no YAML file of ours may hold."""

    words: Words = ""
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)

    def line_of(self, location: Location) -> int:
        """The line of the place, or of the nearest place above it that has one."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_words(text: str) -> Document:
    """The text of a YAML file, read. Duplicate keys, aliases and what is not YAML are `problems`, by line.

    >>> read_words("values: {cirrhosis: {no: 'false'}}").words
    {'values': {'cirrhosis': {'no': 'false'}}}
    >>> read_words("a: 1\\na: 2").problems
    [(2, "the key 'a' is also in line 1; expected each key once")]
    """
    document = Document()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "a character that YAML does not allow"
        document.problems.append((mark.line + 1 if mark else 1, f"not YAML: {what}"))
        return document
    if root is not None:
        _Reader(document).read(root, ())
        document.words = _words(root) if not document.problems else {}
    return document


class _Reader:
    """Walks the nodes once, noting lines and problems; an alias shows as a node met again."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.met: set[int] = set()

    def read(self, node: yaml.Node, location: Location) -> None:
        line = node.start_mark.line + 1
        self.document.lines.setdefault(location, line)
        if id(node) in self.met:
            self.document.problems.append((line, "an alias (*); expected the words themselves"))
            return
        self.met.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._read_keys(node, location)
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                self.read(item, (*location, position))

    def _read_keys(self, node: yaml.MappingNode, location: Location) -> None:
        first: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self.document.problems.append((line, "a key that is no word; expected a word"))
                continue
            if key.value in first:
                also = f"is also in line {first[key.value]}; expected each key once"
                self.document.problems.append((line, f"the key {key.value!r} {also}"))
                continue
            first[key.value] = line
            self.document.lines[(*location, key.value)] = line
            self.read(value, (*location, key.value))


def _words(node: yaml.Node) -> Words:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _words(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_words(item) for item in node.value]
    return str(node.value)
