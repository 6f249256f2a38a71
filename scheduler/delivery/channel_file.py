"""The channels file: which channels there are, by which URL each goes, how fast and how patiently.

Takes a path; gives checked entries, or stops with every problem at its line. Nothing of a URL is ever repeated.
"""

import re
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scheduler.core.problems import Location
from scheduler.delivery.errors import ChannelProblem, ChannelsFileExposed, ChannelsFileUnreadable, ChannelsRefused
from scheduler.errors import listed
from scheduler.private_files import private_text
from scheduler.yaml_lines import NotYaml, SlipKind, Written, line_of, read_yaml

WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")
NUMBER = re.compile(r"[-+]?[0-9]+\.[0-9]+")
WORD = re.compile(r"[a-z]+(_[a-z]+)*")
SLIPS = {
    SlipKind.DUPLICATE_KEY: ("the same key twice", "each key once"),
    SlipKind.ALIAS: ("a value that is used again as *alias", "each value written out"),
    SlipKind.KEY_NO_WORD: ("a key that is no word", "a word"),
}
CONSOLE, FILE = "console:", "file:"


class ChannelEntry(BaseModel):
    """One channel as the file says it; without `per_minute` it is 60 by network, and unlimited on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    url: Annotated[str, Field(min_length=1, repr=False)]
    per_minute: Annotated[float, Field(gt=0, le=60_000)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 20.0
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    cool_down_seconds: Annotated[float, Field(ge=1)] = 300.0

    @property
    def is_local(self) -> bool:
        """Whether it leaves the machine by no network."""
        return self.url == CONSOLE or self.url.startswith(FILE)


class _ChannelFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    channels: Annotated[dict[str, ChannelEntry], Field(min_length=1)]


def read_channel_file(path: Path) -> dict[str, ChannelEntry]:
    """Every channel of the file, by name. Raises a `DeliveryError` for a file that is exposed, unreadable or wrong."""
    text = _private_text(path)
    try:
        written = read_yaml(text, _scalar, loader=yaml.SafeLoader)
    except NotYaml as error:
        raise ChannelsRefused(
            [ChannelProblem(file=path.name, line=error.line, what="no YAML", expected="channels: with a name each")]
        ) from None  # what the parser says may repeat a password
    checked = _Checked(path.name, written)
    if checked.problems or checked.entries is None:
        raise ChannelsRefused(sorted(set(checked.problems)))
    return checked.entries


def _private_text(path: Path) -> str:
    """The text of a file that only its owner may read."""
    try:
        text = private_text(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChannelsFileUnreadable(path=path) from error
    if text is None:
        raise ChannelsFileExposed(path=path)
    return text


def _scalar(node: yaml.ScalarNode) -> object:
    text = str(node.value)
    if node.style in ("'", '"', "|", ">"):
        return text
    if text in ("", "~", "null"):
        return None
    if WHOLE_NUMBER.fullmatch(text):
        return int(text)
    return float(text) if NUMBER.fullmatch(text) else text


class _Checked:
    """What a file says, and what is wrong with it."""

    def __init__(self, name: str, written: Written) -> None:
        self._name, self._lines = name, written.lines
        self.problems = [self._at(slip.line, *SLIPS[slip.kind]) for slip in written.slips]
        self.entries = self._fit(written.value)
        for channel in self._names(written.value):
            self._check(channel, written.value["channels"][channel])

    def _fit(self, value: Any) -> dict[str, ChannelEntry] | None:
        try:
            return _ChannelFile.model_validate(value).channels
        except ValidationError as error:
            self.problems += [self._shape(each) for each in error.errors(include_url=False, include_input=False)]
            return None

    def _names(self, value: Any) -> list[str]:
        channels = value.get("channels") if isinstance(value, dict) else None
        return list(channels) if isinstance(channels, dict) else []

    def _check(self, channel: str, entry: Any) -> None:
        """What pydantic cannot see: the name, and whether anything knows the URL's scheme."""
        if not WORD.fullmatch(channel):
            self._note(("channels", channel), "a channel's name with other signs", "small letters joined by _")
        url = entry.get("url") if isinstance(entry, dict) else None
        if isinstance(url, str) and url and not _is_usable(url):
            self._note(("channels", channel, "url"), "a URL that no service knows", "console:, file:PATH or apprise's")

    def _shape(self, error: Any) -> ChannelProblem:
        location, keys = tuple(error["loc"]), sorted(ChannelEntry.model_fields)
        named = str(location[-1]) if location else ""
        key = f" {named}" if WORD.fullmatch(named) and len(named) <= 30 else ""
        if error["type"] == "extra_forbidden":
            known = listed(keys if len(location) > 1 else ["channels"])
            return self._at(line_of(location, self._lines), f"unknown key{key}", known)
        if error["type"] == "missing":
            return self._at(line_of(location, self._lines), f"no key{key}", f"the key{key}")
        return self._at(line_of(location, self._lines), f"wrong value of{key or ' a key'}", _expected(error))

    def _note(self, location: Location, what: str, expected: str) -> None:
        self.problems.append(self._at(line_of(location, self._lines), what, expected))

    def _at(self, line: int, what: str, expected: str) -> ChannelProblem:
        return ChannelProblem(file=self._name, line=line, what=what, expected=expected)


def _expected(error: Any) -> str:
    """What pydantic expected, without its names of our classes."""
    if error["type"] in ("model_type", "model_attributes_type"):
        return "keys with values below it"
    return "at least one" if error["type"].endswith("too_short") else str(error["msg"]).removeprefix("Input should be ")


def _is_usable(url: str) -> bool:
    """Whether something here can send to it; apprise is only loaded where a URL is for it."""
    if url == CONSOLE or (url.startswith(FILE) and len(url) > len(FILE)):
        return True
    from scheduler.delivery.by_apprise import is_known

    return is_known(url)
