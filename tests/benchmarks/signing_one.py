"""One corrected pathology report, signed with 10,000 patients stored: score, plan, reconcile, audit, commit."""

import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tests.benchmarks.importing import KEY, _postgresql, _sqlite
from tests.benchmarks.measuring import in_own_process

if TYPE_CHECKING:
    from scheduler.actions.plans.rules import Rules
    from scheduler.store.registry import Registry

PATIENTS = 10_000
SIGNED = 50
TODAY = date(2026, 6, 30)
SLOWEST = 25


def main(runs: int) -> None:
    """Print both databases: the median of single sign-offs of different patients."""
    for database in (_sqlite, _postgresql):
        medians = []
        with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as (url, _empty):
            table = Path(folder) / "patients.csv"
            in_own_process(__name__, "store", url, str(table), HEPWATCH_KEY=KEY)
            for number in range(runs):
                arguments = ("sign", url, str(table), str(number * SIGNED))
                medians.append(in_own_process(__name__, *arguments, HEPWATCH_KEY=KEY).seconds)
        name = database.__name__.removeprefix("_")
        print(f"  {name}: one sign-off, median of {SIGNED}  {median(medians) * 1000:.0f} ms")


def _store(url: str, table: str) -> None:
    from scheduler.actions.patients.import_patients import Import, import_patients
    from scheduler.cohort import draw_cohort
    from scheduler.core.variables import CollectedAt

    drawn = draw_cohort(PATIENTS, seed=3, resected_between=(date(2024, 1, 1), date(2026, 6, 1)), missing_share=0.02)
    drawn.write_csv(table)
    sign = frozenset({CollectedAt.SURGERY, CollectedAt.PATHOLOGY})
    with _opened(url) as (registry, rules):
        import_patients(registry, Import(path=Path(table), today=TODAY, actor="bench", sign=sign), rules)
    print(json.dumps({"seconds": 0, "peak_mib": 0}))


def _sign(url: str, table: str, first: str, *profile: str) -> None:
    """Turn the necrosis of some patients' reports round, one by one; with `profile`, print where the time goes."""
    import polars as pl

    from scheduler.actions.reports.sign_report import sign_report
    from scheduler.core.variables import CollectedAt

    rows = pl.read_csv(table, infer_schema=False).filter(pl.col("tumor_necrosis").is_not_null())
    chosen = rows.slice(int(first), SIGNED + 1).select("mrn", "site", "tumor_necrosis").rows()
    profiler = cProfile.Profile()
    seconds = []
    with _opened(url) as (registry, rules):
        for number, (mrn, site, necrosis) in enumerate(chosen):
            turned = {"tumor_necrosis": "no" if necrosis in ("true", "yes") else "yes"}
            if profile and number:
                profiler.enable()
            began = time.perf_counter()
            sign_report(
                registry,
                rules,
                mrn,
                CollectedAt.PATHOLOGY,
                turned,
                today=TODAY,
                actor="bench",
                site=site,
                reason="read again",
                confirm=True,
            )
            seconds.append(time.perf_counter() - began)
            profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats("scheduler|commit|execute", SLOWEST)
    print(json.dumps({"seconds": median(seconds[1:]), "peak_mib": 0}))  # the first one warms up


@contextmanager
def _opened(url: str) -> "Iterator[tuple[Registry, Rules]]":
    from scheduler.actions.plans.rules import Rules
    from scheduler.actions.sites.describe_site import calendars
    from scheduler.rulebook import load_rulebook
    from scheduler.store.registry import Registry

    with Registry.create(url) as registry:
        yield registry, Rules(rulebook=load_rulebook(), protocol_id="risk-adapted", working_days=calendars(registry))


if __name__ == "__main__":
    if sys.argv[1] == "store":
        _store(*sys.argv[2:])
    else:
        _sign(*sys.argv[2:])
