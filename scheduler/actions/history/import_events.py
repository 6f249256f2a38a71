"""Import a table of events: what happened to patients, each on its day.

The same file twice changes nothing. Nothing of a bad row is stored, nothing good is lost.
"""

from collections.abc import Callable
from datetime import date

import polars as pl

from scheduler.actions.history.history_tables import HistoryFile, a_column, read_history, row_problems, with_patients
from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
from scheduler.actions.history.recording_history import Round, record_history
from scheduler.actions.history.telling_imports import HistoryImported, imported
from scheduler.actions.plans.rules import Rules
from scheduler.core.event_details import WORDS, problems
from scheduler.core.events import Event
from scheduler.core.validation import MASK, PROBLEM_SCHEMA
from scheduler.core.variables import VariableType
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

COLUMNS = {
    "event": a_column(VariableType.CHOICE, "What happened", choices=list(Event)),
    "on": a_column(VariableType.DATE, "The day it happened"),
    "detail": a_column(VariableType.TEXT, "Where the recurrence is, or what the treatment was"),
}
REQUIRED = ("mrn", "event", "on")


def import_events(
    registry: Registry,
    file: HistoryFile,
    rules: Rules,
    *,
    after_round: Callable[[Round], None] = lambda _round: None,
) -> HistoryImported:
    """Import the table in one transaction and say what was done; with `dry_run` all is done and nothing is kept.

    Needs the columns `mrn, event, on`; may have `site` and `detail` (`event_details` says what it must hold). Raises
    what `read_history` raises.
    """
    table = read_history(file, COLUMNS, rules.rulebook.dictionary, cells=REQUIRED)
    with registry.transaction(keep=not file.dry_run) as transaction:
        known = with_patients(transaction, table)
        known = known.without(_problems(transaction, known.rows, file.today))
        known = known.without(_second_deaths(transaction, known.rows))
        history = record_history(
            transaction,
            rules,
            examinations=pl.DataFrame(schema=GIVEN_EXAMINATIONS),
            events=known.rows.select("row", "mrn", *GIVEN_EVENTS),
            today=file.today,
            actor=file.actor,
            after_round=after_round,
        )
    return imported(known, history, history.events["outcome"], verdicts=history.verdicts.clear())


def _problems(reading: Reading, rows: pl.DataFrame, today: date) -> pl.DataFrame:
    """Events that cannot be recorded as they are told (`PROBLEM_SCHEMA`); what a person wrote freely is masked."""
    resections = reading.resections_of(rows["patient_id"]).group_by("patient_id").agg(pl.col("resected_on").min())
    found = [pl.DataFrame(schema=PROBLEM_SCHEMA)]
    for row in rows.join(resections, on="patient_id").iter_rows(named=True):
        event, detail = row["event"], row["detail"] or ""
        shown = detail if event in list(WORDS) or not detail else MASK
        said = problems(event, row["on"], detail, resected_on=row["resected_on"], today=today)
        found += [
            row_problems(
                pl.DataFrame({"row": [row["row"]], "mrn": [row["mrn"]]}),
                "event, on, detail",
                value=pl.lit(f"{event}, {row['on']}, {shown}"),
                problem=sentence,
                expected="cells that agree",
            )
            for sentence in said
        ]
    return pl.concat(found)


def _second_deaths(reading: Reading, rows: pl.DataFrame) -> pl.DataFrame:
    """Deaths of patients whose death is recorded on another day, here or in the table (`PROBLEM_SCHEMA`)."""
    is_death = pl.col("event") == Event.DEATH.value
    told = rows.filter(is_death)
    stored = reading.events_of(told["patient_id"].unique()).filter(is_death)
    days = pl.concat([told.select("patient_id", "on"), stored.select("patient_id", on="happened_on")]).unique()
    several = days.group_by("patient_id").agg(pl.col("on").sort().alias("days")).filter(pl.col("days").list.len() > 1)
    return row_problems(
        told.join(several, on="patient_id", maintain_order="left"),
        "on",
        value=pl.col("on").cast(pl.String),
        problem=pl.format(
            "is one of several days of death: {}", pl.col("days").cast(pl.List(pl.String)).list.join(", ")
        ),
        expected="one day; a recorded one that is wrong is taken back first",
    )
