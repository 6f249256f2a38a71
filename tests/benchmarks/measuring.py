"""Running a piece of work in a process of its own, with its wall time and peak memory."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

MIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds of the measured part, and the process's peak memory in MiB."""

    seconds: float
    peak_mib: float


@contextmanager
def measured() -> Iterator[None]:
    """Measure the block, and print the figures for `in_own_process` to read."""
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(json.dumps({"seconds": seconds, "peak_mib": peak}))


def in_own_process(module: str, *arguments: str, **environment: str) -> Measured:
    """Run `python -m module arguments`, whose `measured` block prints the figures."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment})
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Measured(**figures)


def medians(runs: Sequence[Measured]) -> Measured:
    """The median of each figure."""
    return Measured(seconds=median(run.seconds for run in runs), peak_mib=median(run.peak_mib for run in runs))


def line(what: str, run: Measured, *, against: Measured | None = None) -> None:
    """Print one row: seconds, peak memory, and the ratio to the hand-written one."""
    ratio = f"  {run.seconds / against.seconds:5.2f}×" if against else ""
    print(f"  {what:<44} {run.seconds:8.2f} s {run.peak_mib:8.0f} MiB{ratio}")
