"""Column headings → variables. Exact names only: a heading that is nearly right is named, never guessed at."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce

from scheduler.core.variables import AcceptedUnit, Recorded, VariableDictionary

WHOLE_UNITS = {"none": "", "1": "", "a": "years"}
PRINTED = {"umol": "µmol", "ug/": "µg/", "10*3": "10³", "10*9": "10⁹", "{": "", "}": "", "_": " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table that holds one variable; `accepted` is the unit to convert from (None: ours)."""

    heading: str
    name: str
    variable: Recorded
    accepted: AcceptedUnit | None = None

    @property
    def factor(self) -> float:
        """What a number in this column is multiplied by to stand in the variable's own unit."""
        return self.accepted.factor if self.accepted else 1.0

    @property
    def unit(self) -> str:
        """The unit of the numbers in this column, for a sentence; empty where there is none."""
        return unit_in_words(self.accepted.unit if self.accepted else self.variable.unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headings:
    """The columns that are understood, the headings that are not, and the variables that several columns claim."""

    columns: tuple[Column, ...]
    unknown: tuple[str, ...]
    contested: dict[str, tuple[str, ...]]


def unit_in_words(unit: str) -> str:
    """A UCUM unit as it is printed after a number; empty for a number without one.

    >>> [unit_in_words(unit) for unit in ("g/L", "none", "a", "10*9/L", "mL/min/{1.73_m2}")]
    ['g/L', '', 'years', '10⁹/L', 'mL/min/1.73 m2']
    """
    if unit in WHOLE_UNITS:
        return WHOLE_UNITS[unit]
    return reduce(lambda printed, part: printed.replace(*part), PRINTED.items(), unit)


def match_headings(headings: Iterable[str], dictionary: VariableDictionary) -> Headings:
    """Which variable each heading holds; a variable with several columns is contested and has none of them.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> found = match_headings(["mrn", "albumin_g_dl", "albumin_g_l", "AFP"], DICTIONARY)
    >>> [column.name for column in found.columns], found.unknown, found.contested
    (['mrn'], ('AFP',), {'albumin_g_l': ('albumin_g_dl', 'albumin_g_l')})
    """
    claims: dict[str, list[Column]] = {}
    unknown: list[str] = []
    for heading in headings:
        if heading not in dictionary.headings:
            unknown.append(heading)
            continue
        name, accepted = dictionary.headings[heading]
        column = Column(heading=heading, name=name, variable=dictionary.recorded[name], accepted=accepted)
        claims.setdefault(name, []).append(column)
    return Headings(
        columns=tuple(claim[0] for claim in claims.values() if len(claim) == 1),
        unknown=tuple(unknown),
        contested={name: tuple(column.heading for column in claim) for name, claim in claims.items() if len(claim) > 1},
    )


def nearest_heading(heading: str, known: Iterable[str]) -> str | None:
    """The known heading that is spelt most like this one, or None where none is near.

    >>> nearest_heading("Albumin (g/L)", ["mrn", "albumin_g_l"]), nearest_heading("weight", ["mrn"])
    ('albumin_g_l', None)
    """
    plain = {_plain(name): name for name in known}
    near = get_close_matches(_plain(heading), plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else None


def _plain(heading: str) -> str:
    """The heading in small letters and digits, one underscore for everything else."""
    words = "".join(sign if sign.isalnum() else " " for sign in heading.casefold()).split()
    return "_".join(words)
