"""Import a table of examinations, with marker values in columns of their own, each on the day it was performed.

The same file twice changes nothing. Nothing of a bad row is stored, nothing good is lost.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl

from scheduler.actions.history.history_tables import HistoryFile, a_column, read_history, row_problems, with_patients
from scheduler.actions.history.known_history import GIVEN_EVENTS, GIVEN_EXAMINATIONS
from scheduler.actions.history.recording_history import Round, record_history
from scheduler.actions.history.telling_imports import HistoryImported, imported
from scheduler.actions.plans.rules import Rules
from scheduler.core.examination import Examination, Finding, ResultStatus, named_by, problems, unusual
from scheduler.core.markers import VARIABLES, marker_variables
from scheduler.core.validation import PROBLEM_SCHEMA, Severity
from scheduler.core.variables import Recorded, VariableDictionary, VariableType
from scheduler.store.registry import Registry

REQUIRED = ("mrn", "procedure", "performed_on")
CELLS = ("procedure", "result", "finding", "recurrence_sites", "value")
LARGEST_VALUE = 1e9  # of the column `value`, before the marker's own range is looked at
GIVEN = {"row": pl.Int64(), "mrn": pl.String(), **GIVEN_EXAMINATIONS}


def import_examinations(
    registry: Registry,
    file: HistoryFile,
    rules: Rules,
    *,
    after_round: Callable[[Round], None] = lambda _round: None,
) -> HistoryImported:
    """Import the table in one transaction and say what was done; with `dry_run` all is done and nothing is kept.

    Needs the columns `mrn, procedure, performed_on, finding`; may have `site, result` (pending or final; final where
    blank), `recurrence_sites` (joined by `|`), `value` (of a marker), `place, reviewed_by`, and a column for each
    marker's variable, in any of its units, which becomes an examination of its own on that day. Raises what
    `read_history` raises.
    """
    dictionary = rules.rulebook.dictionary
    table = read_history(file, _columns(dictionary), dictionary, cells=REQUIRED, columns_too=("finding",))
    checked = table.without(_problems(table.rows, rules, file))
    with registry.transaction(keep=not file.dry_run) as transaction:
        known = with_patients(transaction, checked)
        history = record_history(
            transaction,
            rules,
            examinations=_examinations(known.rows, rules),
            events=pl.DataFrame(schema=GIVEN_EVENTS),
            today=file.today,
            actor=file.actor,
            after_round=after_round,
        )
        episodes = transaction.episodes_of(known.rows["patient_id"])["episode_id"]
        verdicts = transaction.verdicts_of(episodes).select("examination_id", "verdict")
    named = history.examinations.select("examination_id").drop_nulls().unique()
    return imported(known, history, history.examinations["outcome"], verdicts=named.join(verdicts, on="examination_id"))


def _columns(dictionary: VariableDictionary) -> dict[str, Recorded]:
    """The columns beside MRN and site."""
    return {
        "procedure": a_column(VariableType.TEXT, "What was done"),
        "performed_on": a_column(VariableType.DATE, "The day it was done"),
        "finding": a_column(VariableType.CHOICE, "What was found", choices=list(Finding)),
        "result": a_column(VariableType.CHOICE, "Whether the result is there", choices=list(ResultStatus)),
        "recurrence_sites": a_column(VariableType.TEXT, "Where the recurrence is"),
        "value": a_column(VariableType.NUMBER, "A marker's value", span=(0, LARGEST_VALUE)),
        "place": a_column(VariableType.TEXT, "Where it was done"),
        "reviewed_by": a_column(VariableType.TEXT, "Who has read the result"),
    } | {VARIABLES[procedure]: variable for procedure, variable in marker_variables(dictionary).items()}


def _problems(rows: pl.DataFrame, rules: Rules, file: HistoryFile) -> pl.DataFrame:
    """What is wrong with cells beside each other, and values to be confirmed (`PROBLEM_SCHEMA`)."""
    dictionary = rules.rulebook.dictionary
    found = [pl.DataFrame(schema=PROBLEM_SCHEMA)]
    for row in rows.iter_rows(named=True):
        examination = _told(row, rules)
        said = problems(examination, rules.protocol, dictionary, today=file.today)
        odd = unusual(examination, dictionary)
        found += [_problem(row, sentence, "cells that agree", Severity.ERROR) for sentence in said]
        found += [_problem(row, sentence, "to be confirmed", Severity.WARNING) for sentence in odd if not said]
    return pl.concat(found)


def _problem(row: Mapping[str, Any], sentence: str, expected: str, severity: Severity) -> pl.DataFrame:
    """A problem of several cells of one row."""
    given = {name: row[name] for name in CELLS if row[name] is not None}
    cells = ", ".join(f"{name} {value}" for name, value in given.items())
    place = pl.DataFrame({"row": [row["row"]], "mrn": [row["mrn"]]})
    return row_problems(
        place, ", ".join(given), value=pl.lit(cells), problem=sentence, expected=expected, severity=severity
    )


def _told(row: Mapping[str, Any], rules: Rules) -> Examination:
    """The examination of a row, but for markers in columns of their own."""
    sites = {site.strip() for site in (row["recurrence_sites"] or "").split("|") if site.strip()}
    return Examination(
        procedure=named_by(rules.protocol, row["procedure"]),
        performed_on=row["performed_on"],
        result_status=row["result"] or ResultStatus.FINAL,
        finding=row["finding"],
        recurrence_sites=tuple(sorted(sites)),
        value=row["value"],
        place=row["place"],
        reviewed_by=row["reviewed_by"],
    )


def _examinations(rows: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Each row's examination, and one for each marker's value: `GIVEN_EXAMINATIONS` with `row` and `mrn`."""
    given = [told for row in rows.iter_rows(named=True) for told in _given(row, rules)]
    return pl.DataFrame(given, schema=GIVEN, orient="row")


def _given(row: Mapping[str, Any], rules: Rules) -> Iterator[dict[str, Any]]:
    person = {name: row[name] for name in ("row", "mrn", "patient_id")}
    yield person | _stored(_told(row, rules))
    for procedure, variable in VARIABLES.items():
        if row.get(variable) is not None:
            marker = Examination(
                procedure=procedure, performed_on=row["performed_on"], value=row[variable], place=row["place"]
            )
            yield person | _stored(marker)


def _stored(examination: Examination) -> dict[str, Any]:
    """The examination as it is stored."""
    return {
        "procedure": examination.procedure,
        "performed_on": examination.performed_on,
        "result_status": str(examination.result_status),
        "finding": examination.finding,
        "recurrence_sites": json.dumps(examination.recurrence_sites),
        "value": examination.value,
        "place": examination.place,
        "reviewed_by": examination.reviewed_by,
    }
