"""`hepwatch --help` against a bare `import click`, each in a process of its own, by turns."""

import subprocess
import sys
import time
from statistics import median

TIMES = 15


def main(runs: int) -> None:
    """Print the medians and their ratio."""
    commands = {
        "import click": [sys.executable, "-c", "import click"],
        "hepwatch --help": [sys.executable, "-c", "from scheduler.cli import main; main(['--help'])"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(TIMES * runs):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - began)
    middle = {name: median(seconds) for name, seconds in taken.items()}
    for name, seconds in middle.items():
        print(f"  {name:<44} {seconds * 1000:8.0f} ms")
    print(f"  {'ratio':<44} {middle['hepwatch --help'] / middle['import click']:8.2f}×")
