"""The help of every command, as README shows it. `python -m tests.documents.commands --write` renews it there."""

import sys
from collections.abc import Iterator

import click

from scheduler.cli.root import hepwatch
from tests.documents.readme import README, readme

START, END = "<!-- commands -->\n", "<!-- /commands -->\n"
WIDTH = 100
RENEW = "python -m tests.documents.commands --write"


def every_command() -> dict[str, click.Command]:
    """Each command and subcommand, by the words that call it."""
    return {context.command_path: context.command for context in _contexts(hepwatch, "hepwatch", None)}


def help_texts() -> str:
    """The help of hepwatch itself, and below it that of each command folded away, with its subcommands.

    `--help` is left out, since every command has it.
    """
    first, *others = _contexts(hepwatch, "hepwatch", None)
    groups: dict[str, list[str]] = {}
    for context in others:
        groups.setdefault(" ".join(context.command_path.split()[:2]), []).append(_help(context))
    folded = (
        f"<details><summary><code>{name}</code></summary>\n\n{_fenced(*texts)}\n</details>\n"
        for name, texts in groups.items()
    )
    return _fenced(_help(first)) + "\n" + "".join(folded)


def _fenced(*texts: str) -> str:
    return "```text\n" + "\n\n".join(texts) + "\n```\n"


def with_help(text: str) -> str:
    """README's text with the help between the two markers."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return before + START + help_texts() + END + after


def _contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    context = command.make_context(name, [], parent=parent, resilient_parsing=True, terminal_width=WIDTH)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            assert found is not None
            yield from _contexts(found, each, context)


def _help(context: click.Context) -> str:
    kept = [line for line in context.get_help().splitlines() if not line.lstrip().startswith("-h, --help ")]
    return "\n".join(kept).replace("\nOptions:\n\n", "\n").removesuffix("\n\nOptions:")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        README.write_text(with_help(readme()), encoding="utf-8")
    else:
        sys.stdout.write(help_texts())
