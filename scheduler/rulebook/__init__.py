"""The rulebook: reads `rules/`, checks every file, and picks a rule by its id and version.

Takes folders of YAML; gives a `Rulebook`, or every problem of every file at once as `file:line`. The files say what
hepwatch does; this room only reads, checks and digests them.
"""

from scheduler.rulebook.loading import DEFAULT_PROTOCOL, DEFAULT_REMINDERS, Rulebook, check_rules, load_rulebook
from scheduler.rulebook.places import FileProblem, NoRules, RulesRefused, UnknownRule

__all__ = [
    "DEFAULT_PROTOCOL",
    "DEFAULT_REMINDERS",
    "FileProblem",
    "NoRules",
    "Rulebook",
    "RulesRefused",
    "UnknownRule",
    "check_rules",
    "load_rulebook",
]
