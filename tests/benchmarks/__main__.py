"""`make bench`, or `python -m tests.benchmarks [NAME …] [--runs N]`: every benchmark, a table each."""

import sys
from collections.abc import Callable

import click

from tests.benchmarks import follow_up, importing, reminding, replaying, scoring, signing_one, startup

BENCHMARKS: dict[str, Callable[[int], None]] = {
    "startup": startup.main,
    "scoring": scoring.main,
    "importing": importing.main,
    "follow_up": follow_up.main,
    "replaying": replaying.main,
    "reminding": reminding.main,
    "signing_one": signing_one.main,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
@click.option("--runs", default=3, show_default=True, help="How often each is run; medians are shown.")
def bench(names: tuple[str, ...], runs: int) -> None:
    """Run the benchmarks; nothing passes or fails here."""
    for name in names or BENCHMARKS:
        click.echo(f"\n{name}: {sys.modules[BENCHMARKS[name].__module__].__doc__}")
        BENCHMARKS[name](runs)


bench()
