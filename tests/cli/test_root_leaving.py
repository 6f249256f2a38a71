"""How a command leaves: with its own exit status, though nobody reads any more what it wrote."""

import os
import pty
import sys
from subprocess import PIPE, Popen

import pytest

WRITES = """
import sys
from scheduler.cli import root

def run(arguments):
    sys.stdin.readline()
    sys.{stream}.buffer.write(b"written, and not yet out")
    return 129

root.run = run
root.main()
"""


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_terminal_that_is_gone_changes_no_exit_status(stream: str) -> None:
    seen, terminal = pty.openpty()
    command = [sys.executable, "-c", WRITES.format(stream=stream)]

    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}

    with Popen(command, stdin=PIPE, stdout=terminal, stderr=terminal, env=buffered) as process:
        os.close(terminal)
        os.close(seen)
        assert process.stdin
        process.stdin.write(b"go\n")
        process.stdin.close()
        status = process.wait()

    assert status == 129
