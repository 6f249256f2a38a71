"""A problem in a rule file, as a value: gathered, never raised one at a time."""

from dataclasses import dataclass

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake at one place of a document; `location` is the path of keys and positions that leads there."""

    location: Location
    what: str
    found: str
    expected: str

    def below(self, *prefix: str | int) -> "Problem":
        """The same problem, seen from a document in which this part stands under `prefix`."""
        return Problem(location=(*prefix, *self.location), what=self.what, found=self.found, expected=self.expected)
