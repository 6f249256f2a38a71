"""On a terminal there is a progress bar; into a pipe there is none, and one that breaks is left in silence."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.actions.tables import a_patient, a_table

HEPWATCH = (sys.executable, "-m", "scheduler.cli")


@pytest.mark.parametrize("is_terminal", [True, False], ids=["terminal", "pipe"])
def test_a_progress_bar_is_drawn_only_on_a_terminal(clinic: Path, tmp_path: Path, is_terminal: bool) -> None:
    table = a_table(tmp_path, a_patient(mrn="P-7"), name="[bold]new.csv")
    ours, theirs = pty.openpty()

    ended = subprocess.run(
        [*HEPWATCH, "patient", "import", str(table)],
        stdout=subprocess.PIPE,
        stderr=theirs if is_terminal else subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        check=False,
    )

    os.close(theirs)
    drawn = _all_of(ours) if is_terminal else ended.stderr
    assert ended.returncode == 0
    assert ended.stdout.startswith(b"1 row read")
    assert (b"importing [bold]new.csv" in drawn) == is_terminal
    assert b"\x1b" not in ended.stdout


@pytest.mark.parametrize("reader", [["head", "-1"], ["true"]], ids=["reads a line", "reads nothing"])
@pytest.mark.parametrize("command", [["rules", "show", "variables"], ["rules", "list"]], ids=" ".join)
def test_a_pipe_that_breaks_is_left_in_silence(command: list[str], reader: list[str]) -> None:
    writing = subprocess.Popen([*HEPWATCH, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    subprocess.run(reader, stdin=writing.stdout, stdout=subprocess.DEVNULL, check=True)
    assert writing.stdout is not None
    writing.stdout.close()

    _, said = writing.communicate(timeout=60)

    assert (writing.returncode, said) == (0, b"")


def _all_of(descriptor: int) -> bytes:
    """Everything that was written to a terminal whose other end is closed."""
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # Linux tells so that the other end is closed
        pass
    os.close(descriptor)
    return b"".join(parts)
