"""The sessions in README, run: each command as it stands there, and what is shown of its answer."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROMPT, LEFT_OUT = "$ ", "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command, and the lines that the document shows below it."""

    command: str
    shown: tuple[str, ...]


def steps(session: str) -> list[Step]:
    """The steps of a session; a command goes on after a backslash, and to the end of its here-document.

    >>> steps("$ cat <<END\\nhello\\nEND\\nhello\\n")
    [Step(command='cat <<END\\nhello\\nEND', shown=('hello',))]
    """
    found: list[Step] = []
    lines = iter(session.splitlines())
    for line in lines:
        if line.startswith(PROMPT):
            found.append(Step(command=_command(line.removeprefix(PROMPT), lines), shown=()))
        else:
            found[-1] = Step(command=found[-1].command, shown=(*found[-1].shown, line))
    return found


def answer(command: str, folder: Path) -> tuple[int, list[str]]:
    """Exit status and lines, stdout and stderr as a terminal mixes them; folder is home and where it runs."""
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(folder),
        "HEPWATCH_DATABASE_URL": f"sqlite:///{folder}/registry/hepwatch.db",
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout.splitlines()


def agree(shown: Sequence[str], lines: Sequence[str]) -> bool:
    """Whether the lines are what is shown; `…` stands for any lines, or within a line for any words.

    How far columns stand apart does not matter, and neither do empty lines.

    >>> agree(["a  b", "…", "last … line"], ["a b", "", "c", "d", "last long line"])
    True
    >>> agree(["a"], ["a", "b"])
    False
    """
    pattern = "".join("(?:.*\n)*?" if line == LEFT_OUT else f"{_pattern(line)}\n" for line in _plain(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _plain(lines))) is not None


def _command(first: str, lines: Iterator[str]) -> str:
    command = first
    while command.endswith("\\"):
        command += "\n" + next(lines)
    if document := re.search(r"<<(\w+)", command):
        for line in lines:
            command += "\n" + line
            if line == document[1]:
                break
    return command


def _plain(lines: Sequence[str]) -> list[str]:
    """The lines with single blanks and short rules; empty lines are left out."""
    words = (re.sub("─+", "─", " ".join(line.split())) for line in lines)
    return [line for line in words if line]


def _pattern(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split(LEFT_OUT))
