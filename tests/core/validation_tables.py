"""A small dictionary, tables for it, and what validation says of them, for the tests of validation and intake."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from scheduler.core.validation import Validated, validate
from scheduler.core.variables import (
    AcceptedUnit,
    CollectedAt,
    Recorded,
    Source,
    VariableDictionary,
    VariableType,
)

TODAY = date(2026, 7, 1)
CLEAN = {"mrn": "A-1", "site": "north", "resected_on": "2026-03-02"}
G_DL = AcceptedUnit(unit="g/dL", heading="albumin_g_dl", factor=10)
MG_DL = AcceptedUnit(unit="mg/dL", heading="bilirubin_mg_dl", factor=17.1)


def a_variable(
    kind: VariableType,
    *,
    unit: str = "none",
    accepts: tuple[AcceptedUnit, ...] = (),
    limits: tuple[float, float] | None = None,
    plausible: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
    identity: bool = False,
) -> Recorded:
    return Recorded(
        label="a variable",
        type=kind,
        unit=unit,
        accepts=accepts,
        minimum=limits[0] if limits else None,
        maximum=limits[1] if limits else None,
        plausible=plausible,
        choices=tuple(choices),
        identity=identity,
        collected_at=CollectedAt.SURGERY,
        definition="for tests",
        source="tests",
    )


def a_dictionary(**recorded: Recorded) -> VariableDictionary:
    text, number = VariableType.TEXT, VariableType.NUMBER
    usual = {
        "mrn": a_variable(text, identity=True),
        "site": a_variable(text),
        "name": a_variable(text, identity=True),
        "birth_date": a_variable(VariableType.DATE, identity=True),
        "age_years": a_variable(VariableType.INTEGER, unit="a", limits=(1, 120), plausible=(18, 95)),
        "resected_on": a_variable(VariableType.DATE),
        "albumin_g_l": a_variable(number, unit="g/L", accepts=(G_DL,), limits=(10, 70), plausible=(20, 55)),
        "bilirubin_umol_l": a_variable(number, unit="umol/L", accepts=(MG_DL,), limits=(1, 1000), plausible=(3, 350)),
        "afp_ng_ml": a_variable(number, unit="ng/mL", limits=(0, 5_000_000), plausible=(0, 100_000)),
        "pathology_tumor_count": a_variable(VariableType.INTEGER, limits=(1, 50), plausible=(1, 10)),
        "residual_tumor": a_variable(VariableType.CHOICE, choices=("R0", "R1", "R2")),
        "cirrhosis": a_variable(VariableType.BOOLEAN),
    }
    return VariableDictionary(
        kind="variable_dictionary",
        version=1,
        sources={"tests": Source(citation="made for tests", locator="this file")},
        recorded=usual | recorded,
        derived={},
    )


DICTIONARY = a_dictionary()


def a_table(*rows: Mapping[str, object]) -> pl.DataFrame:
    """A table of text cells as a reader gives it: each row is a clean one with overrides, the first is row 2."""
    headings = list(dict.fromkeys(heading for row in rows for heading in {**CLEAN, **row}))
    texts = [
        {heading: {**CLEAN, "mrn": f"A-{n}", **row}.get(heading) for heading in headings} for n, row in enumerate(rows)
    ]
    frame = pl.DataFrame(texts, schema=dict.fromkeys(headings, pl.String))
    return frame.with_row_index("row", offset=2).with_columns(pl.col("row").cast(pl.Int64))


def validated(*rows: Mapping[str, object]) -> Validated:
    return validate(a_table(*rows), DICTIONARY, today=TODAY)


def value_of(heading: str, cell: str) -> object:
    """What a cell that raises no problem comes to."""
    result = validated({heading: cell})
    assert result.problems.rows() == []
    value: object = result.clean[DICTIONARY.headings[heading][0]].item()
    return value


def problem_of(heading: str, cell: str) -> tuple[str, str, str]:
    """The problem, the expectation and the severity of the only fault of one cell."""
    told = validated({heading: cell}).problems
    assert told.select("row", "mrn", "column").rows() == [(2, "A-0", heading)]
    problem, expected, severity = told.select("problem", "expected", "severity").row(0)
    return problem, expected, severity
