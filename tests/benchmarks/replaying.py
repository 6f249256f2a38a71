"""The examinations and events of 508 real patients, recorded day by day in one go; the patients are stored before."""

import sys
import tempfile
from datetime import date
from pathlib import Path

import polars as pl

from tests.benchmarks.importing import KEY, _postgresql, _sqlite
from tests.benchmarks.measuring import in_own_process, line, measured, medians

FOLDER = Path(__file__).parents[2] / ".." / "shared" / "data" / "sysucc-visits"
TODAY = date(2023, 1, 1)
PROTOCOLS = ("lee-2025", "risk-adapted")


def main(runs: int) -> None:
    """Print both databases and both protocols; where the real patients are not here, say so."""
    if not FOLDER.is_dir():
        print("  skipped: the folder shared/data with the SYSUCC patients is not here")
        return
    for database in (_sqlite, _postgresql):
        for protocol in PROTOCOLS:
            replays = []
            for _ in range(runs):
                with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as (url, _empty):
                    replays.append(in_own_process(__name__, url, protocol, HEPWATCH_KEY=KEY))
            line(f"{database.__name__.removeprefix('_')}: replay by {protocol}", medians(replays))


def _replay(url: str, protocol: str) -> None:
    from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
    from scheduler.actions.history.recording_history import record_history
    from scheduler.actions.patients.import_patients import Import, import_patients
    from scheduler.actions.plans.rules import Rules
    from scheduler.actions.sites.describe_site import calendars
    from scheduler.core.variables import CollectedAt
    from scheduler.rulebook import load_rulebook
    from scheduler.store.registry import Registry

    sign = frozenset({CollectedAt.SURGERY, CollectedAt.PATHOLOGY})
    with Registry.create(url) as registry:
        rules = Rules(rulebook=load_rulebook(), protocol_id=protocol, working_days=calendars(registry))
        wanted = Import(path=FOLDER / "registry.csv", today=TODAY, actor="bench", sign=sign)
        import_patients(registry, wanted, rules)
        with registry.reading() as reading:
            known = reading.patients_by_mrn(_read("registry")["mrn"]).select("mrn", "patient_id")
        scans = _read("examinations").with_columns(result_status=pl.lit("final"), recurrence_sites=pl.lit("[]"))
        with measured(), registry.transaction() as transaction:
            record_history(
                transaction,
                rules,
                examinations=_given(scans.join(known, on="mrn"), GIVEN_EXAMINATIONS),
                events=_given(_read("events").join(known, on="mrn"), GIVEN_EVENTS),
                today=TODAY,
                actor="bench",
            )


def _read(name: str) -> pl.DataFrame:
    return pl.read_csv(FOLDER / f"{name}.csv", try_parse_dates=True)


def _given(rows: pl.DataFrame, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    absent = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())


if __name__ == "__main__":
    _replay(*sys.argv[1:])
