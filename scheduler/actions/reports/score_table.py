"""Score a table of patients by published models, without a registry."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Pairs
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from scheduler.actions.reports.refusing import check_headings, told
from scheduler.core.scoring import REFUSAL_SCHEMA, CompiledModel, score
from scheduler.core.validation import Validated, screen
from scheduler.core.variables import VariableDictionary
from scheduler.errors import ClinicalDataError
from scheduler.intake import Mapping, apply_mapping, read_table

ROWS_AT_A_TIME = 100_000

SCORE_COLUMNS = (
    "mrn",
    "model",
    "model_version",
    "status",
    "applicability",
    "linear_predictor",
    "lowest",
    "highest",
    "risk_group",
    "possible_groups",
    "settled_by",
    "missing",
    "reasons",
    "caveats",
)


class TableNotScored(ClinicalDataError):
    """A table that cannot be scored as a whole."""

    def __init__(self, *, file: str, problems: pl.DataFrame) -> None:
        super().__init__(
            "\n".join([f"{file} cannot be scored", *told(problems)]),
            advice="Rename the headings, or say with --map which of yours is which of ours.",
        )


@dataclass(frozen=True, kw_only=True)
class Scores:
    """A table's assessments (`SCORE_COLUMNS`, and what explains them where asked), and the problems of its cells."""

    assessments: pl.DataFrame
    problems: pl.DataFrame
    notes: tuple[str, ...]


def score_table(
    path: Path,
    models: Sequence[CompiledModel],
    dictionary: VariableDictionary,
    *,
    today: date,
    mapping: Mapping | None = None,
    explain: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Scores:
    """A row per patient and model, in the table's order. A cell that cannot be used refuses what reads it.

    Raises `TableNotScored` for a table without `mrn` or with two columns for one variable, `HeadingsUnknown`, and
    what `read_table` raises. Columns that hepwatch does not know are not read; `problems` names them.
    """
    table = read_table(path)
    frame = apply_mapping(table.frame, mapping, dictionary) if mapping else table.frame
    check_headings(frame, dictionary, file=path.name)
    parts, problems = [], []
    theirs = mapping.their_headings if mapping else {}
    for done, screened in _screened(frame, dictionary, today, file=path.name, theirs=theirs):
        parts.append(_score(screened, models, explain=explain))
        problems.append(screened.problems)
        progress(done, frame.height)
    return Scores(assessments=pl.concat(parts), problems=_once(pl.concat(problems)), notes=table.notes)


def _screened(
    frame: pl.DataFrame, dictionary: VariableDictionary, today: date, *, file: str, theirs: Pairs[str, str]
) -> Iterator[tuple[int, Validated]]:
    """The table screened, a bounded number of rows at a time, with how many are done then."""
    for start in range(0, frame.height, ROWS_AT_A_TIME):
        rows = frame.slice(start, ROWS_AT_A_TIME)
        screened = screen(rows, dictionary, today=today, their_headings=theirs)
        if screened.is_file_refused:
            raise TableNotScored(file=file, problems=screened.errors.filter(pl.col("row").is_null()))
        yield start + rows.height, screened


def _score(screened: Validated, models: Sequence[CompiledModel], *, explain: bool) -> pl.DataFrame:
    refusals = screened.errors.filter(pl.col("row").is_not_null()).select(
        pl.col("row").alias("patient_id"),
        "variable",
        pl.concat_str("variable", pl.lit(" "), "problem", ignore_nulls=True).alias("because"),
    )
    findings = screened.clean.rename({"row": "patient_id"})
    assessments = score(findings, models, refusals=refusals.cast(REFUSAL_SCHEMA), explain=explain)  # type: ignore[arg-type]
    named = assessments.join(findings.select("patient_id", "mrn"), on="patient_id", maintain_order="left")
    return named.select(*SCORE_COLUMNS, *(("contributions", "inputs") if explain else ()))


def _once(problems: pl.DataFrame) -> pl.DataFrame:
    """The problems, those of the whole file once."""
    whole = problems.filter(pl.col("row").is_null()).unique(maintain_order=True)
    return pl.concat([whole, problems.filter(pl.col("row").is_not_null())])
