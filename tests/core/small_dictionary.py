"""A small dictionary for tests of the engine, and builders of what is read with it."""

from collections.abc import Mapping, Sequence

import polars as pl

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.models import RiskModel
from scheduler.core.variables import POLARS_TYPES, Derived, Recorded, VariableDictionary

SOURCE = {"made": {"citation": "made for a test", "locator": "nowhere"}}


def a_variable(kind: str, **overrides: object) -> Recorded:
    """A recorded variable; a number runs from 1 to 100 unless told."""
    shape: dict[str, object] = {"label": "-", "type": kind, "unit": "1", "collected_at": "surgery"}
    if kind in ("number", "integer"):
        shape |= {"minimum": 1.0, "maximum": 100.0}
    return Recorded.model_validate(shape | {"definition": "-", "source": "made"} | overrides)


RECORDED = {
    "n": a_variable("integer", minimum=1.0, maximum=5.0),
    "m": a_variable("integer", minimum=0.0, maximum=3.0),
    "x": a_variable("number"),
    "y": a_variable("number", minimum=0.5, maximum=10.0),
    "z": a_variable("number", minimum=-4.0, maximum=4.0),
    "a": a_variable("boolean"),
    "b": a_variable("boolean"),
    "c": a_variable("choice", choices=("red", "green", "blue")),
    "d": a_variable("choice", choices=("red", "green", "blue")),
    "t": a_variable("text"),
    "day": a_variable("date"),
}


def a_dictionary(**derived: tuple[str, str]) -> VariableDictionary:
    """The small dictionary with derived variables, each a type and an expression; a choice is red, green or blue."""
    return VariableDictionary(
        kind="variable_dictionary",
        version=1,
        sources=SOURCE,  # type: ignore[arg-type]  # pydantic makes sources of them
        recorded=RECORDED,
        derived={name: a_derived(kind, expression) for name, (kind, expression) in derived.items()},
    )


def a_derived(kind: str, expression: str) -> Derived:
    """A derived variable."""
    choices = ("red", "green", "blue") if kind == "choice" else ()
    shape = {"label": "-", "type": kind, "unit": "1", "choices": choices, "definition": "-", "source": "made"}
    return Derived.model_validate(shape | {"expression": expression})


def a_model(
    terms: Mapping[str, float], *, cut_offs: Sequence[float] = (0.0,), dictionary: VariableDictionary | None = None
) -> CompiledModel:
    """A model of terms (value → coefficient) with rising cut-offs, ready to score."""
    names = ("low", "intermediate", "high")
    groups = [*names[: len(cut_offs)], "high"]
    document = {
        "kind": "risk_model",
        "id": "made",
        "version": 1,
        "title": "Made",
        "description": "-",
        "endpoint": {"event": "-", "note": "-"},
        "scored_at": "surgery",
        "sources": SOURCE,
        "population": [],
        "linear_predictor": {
            "source": "made",
            "terms": [
                {"name": f"term {position}", "value": value, "coefficient": coefficient}
                for position, (value, coefficient) in enumerate(terms.items())
            ],
        },
        "risk_groups": {
            "basis": "published",
            "source": "made",
            "groups": [
                {"group": group, "below": below} for group, below in zip(groups, [*cut_offs, None], strict=True)
            ],
        },
        "caveats": [],
        "transparency": dict.fromkeys(("intended_use", "out_of_scope", "validation", "known_limits"), "-"),
        "worked_examples": {"patients": [], "cut_offs": []},
    }
    model = RiskModel.model_validate(document, strict=False)
    return CompiledModel(model=model, dictionary=dictionary or a_dictionary(), digest="made")


def findings(*patients: Mapping[str, object]) -> pl.DataFrame:
    """A findings frame of patients 0, 1, …; what a patient does not name is missing."""
    schema = {name: POLARS_TYPES[variable.type] for name, variable in RECORDED.items()}
    rows = [{name: patient.get(name) for name in schema} for patient in patients]
    return pl.DataFrame(rows, schema=schema).with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("patient_id"))
