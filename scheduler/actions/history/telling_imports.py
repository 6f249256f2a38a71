"""What is said of an import of examinations or events: how much was stored, and what became of the patients."""

from dataclasses import dataclass

import polars as pl

from scheduler.actions.history.history_tables import HistoryTable
from scheduler.actions.history.known_history import Outcome
from scheduler.actions.history.recording_history import History

DIFFERENCES_BY_ROW: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "mrn": pl.String(),
    "procedure": pl.String(),
    "performed_on": pl.Date(),
    "variable": pl.String(),
    "old": pl.String(),
    "new": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class HistoryImported:
    """What an import did; `stored` and `there_already` count facts: a row may hold several, one for each marker."""

    rows: int
    refused_rows: int
    stored: int
    there_already: int
    differences: pl.DataFrame  # DIFFERENCES_BY_ROW: stored otherwise, and left as it is
    verdicts: pl.DataFrame  # verdict, examinations: of those that the table names
    states: pl.DataFrame  # state, episodes: that came to it
    visits: pl.DataFrame  # change, visits
    problems: pl.DataFrame  # PROBLEM_SCHEMA, errors and warnings
    notes: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything was stored or there already."""
        return not (self.refused_rows or self.differences.height)


def imported(table: HistoryTable, history: History, outcomes: pl.Series, *, verdicts: pl.DataFrame) -> HistoryImported:
    """What is said of an import, from the outcome of each fact and the verdict of each examination (`verdict`)."""
    return HistoryImported(
        rows=table.count,
        refused_rows=table.refused_rows,
        stored=int((outcomes == Outcome.STORED.value).sum()),
        there_already=int((outcomes == Outcome.THERE.value).sum()),
        differences=_by_row(history),
        verdicts=_counted(verdicts, "verdict", "examinations"),
        states=_counted(history.states, "state", "episodes"),
        visits=_counted(history.changes, "change", "visits"),
        problems=table.problems,
        notes=table.notes,
    )


def _by_row(history: History) -> pl.DataFrame:
    if history.differences.is_empty():
        return pl.DataFrame(schema=DIFFERENCES_BY_ROW)
    placed = history.examinations.with_row_index("position").with_columns(pl.col("position").cast(pl.Int64))
    named = placed.join(history.differences, on="position")
    return named.select(pl.col(name).cast(kind) for name, kind in DIFFERENCES_BY_ROW.items()).sort(
        "row", maintain_order=True
    )


def _counted(frame: pl.DataFrame, by: str, what: str) -> pl.DataFrame:
    return frame.group_by(by).agg(pl.len().cast(pl.Int64).alias(what)).sort(by)
