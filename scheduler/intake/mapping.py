"""`MAP.yaml`: how a person's table says what ours says. Their headings, their words, their way to write dates."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import yaml
from pydantic import Field, ValidationError

from scheduler.core.problems import Problem
from scheduler.core.validation.cells import BOOLEAN_WORDS, as_text
from scheduler.core.validation.headings import nearest_heading
from scheduler.core.variables import RuleModel, VariableDictionary, VariableType
from scheduler.errors import ClinicalDataError, NotFound, listed
from scheduler.yaml_lines import NotYaml, Slip, SlipKind, line_of, read_yaml

SEPARATOR = r"\s*[/. -]\s*"
MIDNIGHT = r"(?:[T ]00:00(?::00(?:\.0+)?)?)?"


class Dates(StrEnum):
    """In which order a table writes the parts of its dates."""

    ISO = "iso"
    DAY_MONTH_YEAR = "day_month_year"
    MONTH_DAY_YEAR = "month_day_year"
    YEAR_MONTH_DAY = "year_month_day"


class Mapping(RuleModel):
    """What `MAP.yaml` says; every part may be left out.

    `columns`: their heading → ours. `ignore`: headings that are not read. `values`: by our variable, their cell →
    ours. `missing`: cells that mean that nobody knows. `dates`: in which order dates are written.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    dates: Annotated[Dates, Field(strict=False)] = Dates.ISO

    @property
    def their_headings(self) -> dict[str, str]:
        """Our heading → theirs, of the columns that are renamed."""
        return {ours: theirs for theirs, ours in self.columns.items()}


class MappingAbsent(NotFound):
    """There is no such mapping file, or it may not be read."""

    def __init__(self, *, file: str) -> None:
        super().__init__(f"{file}: there is no such file that may be read", advice="check the path given with --map")


class MappingWrong(ClinicalDataError):
    """A mapping file cannot be used; `problems` has every reason, each as `file:line: what`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        advice = "correct these lines; the keys are columns, ignore, values, missing and dates"
        super().__init__("\n".join(problems), advice=advice)
        self.problems = problems


class HeadingsCollide(ClinicalDataError):
    """A mapping gives one heading to two columns of the table."""

    def __init__(self, *, headings: tuple[str, ...]) -> None:
        message = f"found two columns for {listed(headings)} once the mapping is applied; expected one of each"
        super().__init__(message, advice="name the column that is not wanted under `ignore:`")


def load_mapping(path: Path, dictionary: VariableDictionary) -> Mapping:
    """The mapping in a YAML file. Raises `MappingWrong` with every problem at once, and `MappingAbsent`."""
    try:
        written = read_yaml(path.read_text(encoding="utf-8-sig"), lambda node: node.value, loader=yaml.SafeLoader)
    except OSError as error:
        raise MappingAbsent(file=path.name) from error
    except UnicodeDecodeError as error:
        raise MappingWrong((f"{path.name}:1: not UTF-8; expected a text file in UTF-8",)) from error
    except NotYaml as error:
        raise MappingWrong((f"{path.name}:{error.line}: not YAML: {error.what}",)) from error
    found = [(slip.line, _slip(slip)) for slip in written.slips]
    if not found:
        mapping, problems = _fitted(written.value or {}, dictionary)
        if mapping is not None and not problems:
            return mapping
        found = [
            (line_of(p.location, written.lines), f"{p.what}: found {p.found}; expected {p.expected}") for p in problems
        ]
    raise MappingWrong(tuple(f"{path.name}:{line}: {what}" for line, what in sorted(found)))


def _slip(slip: Slip) -> str:
    """A slip of writing, in this room's words; every scalar is the text that stands there, so `no` stays `no`."""
    return {
        SlipKind.DUPLICATE_KEY: f"the key {slip.key!r} is also in line {slip.first_line}; expected each key once",
        SlipKind.ALIAS: "an alias (*); expected the words themselves",
        SlipKind.KEY_NO_WORD: "a key that is no word; expected a word",
    }[slip.kind]


def apply_mapping(frame: pl.DataFrame, mapping: Mapping, dictionary: VariableDictionary) -> pl.DataFrame:
    """The table under our headings, in our words and with ISO dates, as far as the mapping says how.

    Columns that the mapping does not name stay as they are, and so do cells that it does not fit: validation
    judges them. Raises `HeadingsCollide` where two columns would have one heading.
    """
    kept = frame.drop(mapping.ignore, strict=False)
    headings = [mapping.columns.get(heading, heading) for heading in kept.columns]
    twice = tuple(heading for heading, times in Counter(headings).items() if times > 1)
    if twice:
        raise HeadingsCollide(headings=twice)
    ours = kept.rename(dict(zip(kept.columns, headings, strict=True)))
    return ours.with_columns(_translated(ours, mapping, dictionary))


def _translated(frame: pl.DataFrame, mapping: Mapping, dictionary: VariableDictionary) -> Iterator[pl.Expr]:
    """The columns whose cells the mapping can change."""
    missing = [word.strip().lower() for word in mapping.missing]
    for heading, kind in frame.schema.items():
        name = dictionary.headings[heading][0] if heading in dictionary.headings else None
        words = {theirs.strip(): ours for theirs, ours in mapping.values.get(name or "", {}).items()}
        if kind != pl.String and not words:
            continue
        cells = as_text(pl.col(heading), kind)
        if words:
            cells = cells.str.strip_chars().replace(words)
        if missing:
            cells = pl.when(~cells.str.strip_chars().str.to_lowercase().is_in(missing)).then(cells)
        if name and dictionary.recorded[name].type is VariableType.DATE:
            cells = _iso(cells, mapping.dates)
        yield cells.alias(heading)


def _iso(cells: pl.Expr, order: Dates) -> pl.Expr:
    """Dates in the given order as YYYY-MM-DD, be they in the calendar or not; everything else as it is."""
    if order is Dates.ISO:
        return cells
    parts = order.value.split("_")
    pattern = SEPARATOR.join(r"(\d{4})" if part == "year" else r"(\d{1,2})" for part in parts)
    taken = {part: cells.str.extract(rf"^\s*{pattern}{MIDNIGHT}\s*$", group) for group, part in enumerate(parts, 1)}
    iso = pl.format("{}-{}-{}", taken["year"], taken["month"].str.zfill(2), taken["day"].str.zfill(2))
    return pl.coalesce(iso, cells)


def _fitted(words: object, dictionary: VariableDictionary) -> tuple[Mapping | None, list[Problem]]:
    """The mapping that the words make, and what is wrong with it."""
    try:
        mapping = Mapping.model_validate(words, strict=False)
    except ValidationError as error:
        return None, [
            Problem(
                location=found["loc"],
                what="unknown key" if found["type"] == "extra_forbidden" else "wrong kind of value",
                found=repr(found["loc"][-1]) if found["type"] == "extra_forbidden" else repr(found["input"]),
                expected=listed(list(Mapping.model_fields)) if found["type"] == "extra_forbidden" else found["msg"],
            )
            for found in error.errors()
        ]
    return mapping, [*_wrong_columns(mapping, dictionary), *_wrong_values(mapping, dictionary)]


def _wrong_columns(mapping: Mapping, dictionary: VariableDictionary) -> Iterator[Problem]:
    """Targets that are no heading of ours, or that two columns claim; headings both renamed and ignored."""
    times = Counter(mapping.columns.values())
    for theirs, ours in mapping.columns.items():
        location = ("columns", theirs)
        if ours not in dictionary.headings:
            near = nearest_heading(ours, dictionary.headings)
            expected = f"a heading of the dictionary{f', perhaps {near}' if near else ''}"
            yield Problem(location=location, what="unknown heading", found=repr(ours), expected=expected)
        if times[ours] > 1:
            expected = "one column for each heading"
            yield Problem(location=location, what="heading given twice", found=repr(ours), expected=expected)
        if theirs in mapping.ignore:
            found, expected = f"{theirs!r} under columns and ignore", "it under one of them"
            yield Problem(location=location, what="heading both renamed and ignored", found=found, expected=expected)


def _wrong_values(mapping: Mapping, dictionary: VariableDictionary) -> Iterator[Problem]:
    """Variables that are not recorded, and words that the variable does not have."""
    for name, words in mapping.values.items():
        variable = dictionary.recorded.get(name)
        if variable is None:
            near = nearest_heading(name, dictionary.recorded)
            expected = f"a recorded variable{f', perhaps {near}' if near else ''}"
            yield Problem(location=("values", name), what="unknown variable", found=repr(name), expected=expected)
            continue
        allowed = list(BOOLEAN_WORDS) if variable.type is VariableType.BOOLEAN else list(variable.choices)
        for theirs, ours in words.items():
            if allowed and ours not in allowed:
                location = ("values", name, theirs)
                yield Problem(location=location, what="unknown value", found=repr(ours), expected=listed(allowed))
