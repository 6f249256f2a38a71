"""README against the command line: its help, and every command and option that it or a message names."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click

from tests.documents.commands import END, RENEW, START, every_command, with_help
from tests.documents.readme import ROOT, blocks, quoted, readme
from tests.documents.sessions import steps

COMMANDS = every_command()


def test_the_help_in_the_readme_is_the_help_of_the_commands() -> None:
    text = readme()

    assert START in text
    assert END in text
    assert with_help(text) == text, f"README shows an older help; run: {RENEW}"


def test_every_command_that_the_readme_calls_exists() -> None:
    written, _, _ = readme().partition(START)
    in_sessions = [step.command for block in blocks(written, "console") for step in steps(block)]

    wrong = [call for call in [*in_sessions, *quoted(written)] for call in _wrong_calls(call)]

    assert not wrong


def test_every_command_that_a_message_names_exists() -> None:
    named = [(path.name, call) for path in sorted((ROOT / "scheduler").rglob("*.py")) for call in _quoted_in(path)]

    wrong = [(module, call) for module, named_call in named for call in _wrong_calls(named_call)]

    assert not wrong
    assert len(named) > 10


def _wrong_calls(text: str) -> Iterator[str]:
    """Calls of `hepwatch` whose command or option does not exist."""
    for call in re.findall(r"(?:^|[;|&]\s*)(hepwatch (?!-)[^;|&]*)", text, flags=re.MULTILINE):
        words = call.split()
        size = next(size for size in (3, 2, 1) if " ".join(words[:size]) in COMMANDS)
        command = COMMANDS[" ".join(words[:size])]
        is_cut_short = isinstance(command, click.Group) and len(words) > size and not words[size].startswith("-")
        known = {name for each in command.params for name in [*each.opts, *each.secondary_opts, "--help"]}
        unknown = {word.split("=")[0] for word in words if word.startswith("--")} - known
        if is_cut_short or unknown:
            yield call


def _quoted_in(module: Path) -> Iterator[str]:
    """What stands in backticks in the strings of a module, those of f-strings among them."""
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (call for call in quoted(node.value) if call.startswith("hepwatch "))
