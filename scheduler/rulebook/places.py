"""Where in a rule file something is wrong: file and line, as values; and the error that stops with them all."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduler.errors import NotFound, RuleError


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class FileProblem:
    """One mistake in a rule file, at a line (counted from 1)."""

    file: str
    line: int
    what: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}: found {self.found}; expected {self.expected}"


class RulesRefused(RuleError):
    """Rule files that cannot be used; every problem of every file."""

    def __init__(self, problems: Sequence[FileProblem]) -> None:
        self.problems = tuple(problems)
        many = f"{len(problems)} problem{'s' if len(problems) != 1 else ''} in the rule files"
        super().__init__(
            "\n".join([many, *map(str, problems)]),
            advice="Correct the lines named above; `hepwatch rules check` shows what is left.",
        )


class UnknownRule(NotFound):
    """A rule that the rulebook does not hold."""

    def __init__(self, *, kind: str, wanted: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no {kind} {wanted}; there are: {', '.join(known) or 'none'}",
            advice="`hepwatch rules list` shows every rule and version.",
        )


class NoRules(NotFound):
    """A folder without rule files."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"no rule files in {folder}: found no variables.yaml and no .yaml in models, protocols or reminders",
            advice="Name the folder that holds models/, protocols/ or reminders/, as the shipped rules folder does.",
        )
