"""Bounds against brute force: every completion of a patient tried, and compared with what is claimed."""

from collections.abc import Mapping
from math import log10

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.scoring import score
from scheduler.core.variables import complete
from scheduler.rulebook import load_rulebook
from tests.core.every_completion import Curve, Possible, possible
from tests.core.small_dictionary import a_dictionary, a_model, a_variable, findings

DICTIONARY = a_dictionary(
    score=("number", "0.66 * log10(x) - 0.5 * y"),
    grade=("integer", "CASE WHEN score <= -1.39 THEN 1 WHEN score <= -0.6 THEN 2 ELSE 3 END"),
    stage=("choice", "CASE WHEN a THEN 'blue' WHEN n <= 2 THEN 'red' ELSE 'green' END"),
    stage_used=("choice", "COALESCE(c, stage)"),
    met=("integer", "(CASE WHEN n = 1 THEN 1 ELSE 0 END) + (CASE WHEN x <= 2 THEN 1 ELSE 0 END)"),
    beyond=("boolean", "NOT ((n = 1 AND x <= 5) OR (n <= 3 AND x <= 3)) OR b"),
).model_copy(
    update={
        "recorded": a_dictionary().recorded
        | {
            "x": a_variable("number", minimum=1.0, maximum=10.0),
            "y": a_variable("number", minimum=0.5, maximum=4.0),
        }
    }
)

DISCRETE = [
    "a",
    "b",
    "a AND b",
    "a OR n = 1",
    "NOT b AND c = 'red'",
    "n",
    "n >= 3",
    "m * n",
    "n > m",
    "ln(n)",
    "CASE WHEN n = 1 THEN 0 WHEN n <= 3 THEN 1 ELSE 2 END",
    "CASE d WHEN 'red' THEN 0 WHEN 'green' THEN 1 ELSE 3 END",
    "stage_used = 'blue'",
    "CASE WHEN stage_used = 'red' THEN 1 WHEN stage_used = 'green' THEN 2 ELSE 3 END",
    "d IN ('red', 'blue') AND m BETWEEN 1 AND 2",
]
COMPARED = ["x > 5", "x <= 2 AND a", "grade >= 2", "grade", "grade = 2 OR a", "beyond", "met", "z > 0 OR b", "y < 2"]
VALUED = [
    "ln(x)",
    "x",
    "z",
    "CASE WHEN a THEN ln(x) ELSE 0 END",
    "CASE WHEN z > 1 THEN 1 ELSE z END",
    "z - 0.5 * y",
    "score",
    "n + 0.5 * z",
    "CASE WHEN b THEN 1 ELSE y END",
]


def models(pool: list[str], cut_offs: st.SearchStrategy[float]) -> st.SearchStrategy[CompiledModel]:
    """Models of two to four terms, with one cut-off or two."""
    weights = st.sampled_from([-1.0, -0.5, 0.5, 1.0])
    terms = st.dictionaries(st.sampled_from(pool), weights, min_size=2, max_size=4)
    edges = st.lists(cut_offs, min_size=1, max_size=2, unique=True).map(sorted)
    return st.builds(lambda t, e: a_model(t, cut_offs=e, dictionary=DICTIONARY), terms, edges)


def patients(*, most_missing: int, smooth_missing: int = 2) -> st.SearchStrategy[dict[str, object]]:
    """Patients who lack a few findings, at most two of them continuous."""
    complete: dict[str, st.SearchStrategy[object]] = {
        "n": st.integers(1, 5),
        "m": st.integers(0, 3),
        "x": st.sampled_from([1.0, 2.0, 3.3, 5.0, 7.5, 10.0]),
        "y": st.sampled_from([0.5, 1.0, 2.5, 4.0]),
        "z": st.sampled_from([-4.0, -0.5, 0.0, 1.0, 3.0]),
        "a": st.booleans(),
        "b": st.booleans(),
        "c": st.one_of(st.none(), st.sampled_from(["red", "green", "blue"])),
        "d": st.sampled_from(["red", "green", "blue"]),
    }
    gaps = st.lists(st.sampled_from(sorted(set(complete) - {"c"})), max_size=most_missing, unique=True).filter(
        lambda names: len({"x", "y", "z"} & set(names)) <= smooth_missing
    )
    return st.builds(lambda known, names: known | dict.fromkeys(names), st.fixed_dictionaries(complete), gaps)


def claimed(patient: Mapping[str, object], compiled: CompiledModel) -> Possible:
    """What scoring says of a patient."""
    found = score(findings(patient), [compiled]).row(0, named=True)
    return Possible(
        lowest=found["lowest"],
        highest=found["highest"],
        groups=tuple(found["possible_groups"]),
        settled_by=tuple(found["settled_by"]),
    )


@settings(max_examples=80, deadline=None)
@given(
    compiled=models(DISCRETE, st.integers(-6, 12).map(lambda half: half / 2)),
    patient=patients(most_missing=6, smooth_missing=0),
)
def test_bounds_of_choices_and_whole_numbers_are_what_all_completions_give(
    compiled: CompiledModel, patient: dict[str, object]
) -> None:
    assume(not compiled.analysis[1])

    expected = possible(patient, compiled)

    assert claimed(patient, compiled) == expected


@settings(max_examples=80, deadline=None)
@given(
    compiled=models(DISCRETE + COMPARED, st.integers(-6, 12).map(lambda half: half / 2)),
    patient=patients(most_missing=4),
)
def test_bounds_of_compared_measurements_are_what_all_completions_give(
    compiled: CompiledModel, patient: dict[str, object]
) -> None:
    assume(not compiled.analysis[1])

    expected = possible(patient, compiled)

    assert claimed(patient, compiled) == expected


@settings(max_examples=80, deadline=None)
@given(
    compiled=models(DISCRETE[:8] + COMPARED + VALUED + VALUED, st.integers(-6, 12).map(lambda i: i / 2 + 0.1237)),
    patient=patients(most_missing=4),
)
def test_bounds_of_measurements_that_add_up_are_what_all_completions_give(
    compiled: CompiledModel, patient: dict[str, object]
) -> None:
    assume(not compiled.analysis[1])

    expected = possible(patient, compiled)

    found = claimed(patient, compiled)
    assert (found.groups, found.settled_by) == (expected.groups, expected.settled_by)
    assert (found.lowest, found.highest) == pytest.approx((expected.lowest, expected.highest), abs=1e-6)


SETTLING = [
    pytest.param({"x": 1.0}, [5.1], {}, ("x",), id="a measurement that adds up settles at each of its values"),
    pytest.param({"x": 1.0, "a": 1.0}, [5.1], {}, (), id="not where something else moves the sum as well"),
    pytest.param({"x": 1.0, "a": 1.0}, [5.1], {"a": True}, ("x",), id="but where that is known"),
    pytest.param({"score": 1.0}, [0.0], {}, (), id="not one of two inputs of a formula"),
    pytest.param({"score": 1.0}, [0.0], {"y": 1.0}, ("x",), id="but the only missing one"),
    pytest.param({"grade >= 2": 1.0}, [0.5], {}, (), id="nor where the formula is only compared"),
    pytest.param({"grade >= 2": 1.0}, [0.5], {"x": 5.0}, ("y",), id="but where the other is known"),
    pytest.param({"n + 0.5 * z > 3": 1.0}, [0.5], {}, (), id="not beside a whole number in the formula"),
    pytest.param({"n + 0.5 * z > 3": 1.0}, [0.5], {"n": 2}, ("z",), id="but where the number is known"),
    pytest.param({"CASE WHEN a OR b THEN x ELSE 0 END": 1.0}, [5.1], {"a": True}, ("x",), id="b cannot matter here"),
    pytest.param({"a": 1.0, "b": 0.1}, [0.5], {}, ("a",), id="a choice that decides, and one that does not"),
    pytest.param({"a": 1.0, "b": 1.0}, [0.5, 1.5], {}, (), id="two that decide together"),
    pytest.param({"a OR b": 1.0}, [0.5], {}, (), id="two of which one may decide"),
]


@pytest.mark.parametrize(("terms", "cut_offs", "known", "settled_by"), SETTLING)
def test_an_input_settles_a_patient_if_each_of_its_values_leaves_one_group(
    terms: dict[str, float], cut_offs: list[float], known: dict[str, object], settled_by: tuple[str, ...]
) -> None:
    compiled = a_model(terms, cut_offs=cut_offs, dictionary=DICTIONARY)

    assert claimed(known, compiled).settled_by == settled_by


def test_a_group_between_two_possible_ones_is_not_possible_if_no_sum_lands_there() -> None:
    compiled = a_model({"a": 5.0, "b": 0.25}, cut_offs=[1.0, 4.0])

    assert claimed({}, compiled) == Possible(lowest=0.0, highest=5.25, groups=("low", "high"), settled_by=("a",))


def test_a_sum_that_moves_steadily_passes_through_every_group_between() -> None:
    compiled = a_model({"x": 1.0}, cut_offs=[20.0, 20.5])

    assert claimed({}, compiled).groups == ("low", "intermediate", "high")


@pytest.mark.parametrize(
    ("cut_off", "groups"),
    [(0.9, ("low", "high")), (1.0, ("low", "high")), (1.1, ("low",))],
    ids=["above the cut-off", "on the cut-off", "below the cut-off"],
)
def test_a_highest_sum_on_a_cut_off_reaches_the_higher_group(cut_off: float, groups: tuple[str, ...]) -> None:
    compiled = a_model({"a": 0.7, "b": 0.3}, cut_offs=[cut_off])

    assert claimed({}, compiled).groups == groups


def test_patients_who_know_the_same_and_others_are_bounded_as_each_alone() -> None:
    compiled = a_model(
        {"grade": 1.0, "stage_used = 'blue'": 0.5, "ln(n)": -1.0}, cut_offs=[1.0, 2.0], dictionary=DICTIONARY
    )
    patients_of_one_day: list[dict[str, object]] = [
        {},
        {"x": 5.0},
        {"x": 5.0},
        {"x": 9.0, "n": 2},
        {"y": 1.0, "a": True},
    ]

    together = score(findings(*patients_of_one_day), [compiled]).drop("patient_id")

    alone = [score(findings(patient), [compiled]).drop("patient_id") for patient in patients_of_one_day]
    assert together.equals(pl.concat(alone))


RULEBOOK = load_rulebook()
BLOOD = Curve(
    first="bilirubin_umol_l",
    second="albumin_g_l",
    cuts=(-2.6, -1.39),
    first_at=lambda cut, albumin: 10 ** ((cut + 0.085 * albumin) / 0.66),
    second_at=lambda cut, bilirubin: (0.66 * log10(bilirubin) - cut) / 0.085,
)
TYPICAL: dict[str, st.SearchStrategy[object]] = {
    "age_years": st.integers(30, 80),
    "albumin_g_l": st.sampled_from([28.0, 36.0, 39.5, 44.0]),
    "bilirubin_umol_l": st.sampled_from([6.0, 14.0, 40.0]),
    "afp_ng_ml": st.sampled_from([5.0, 400.0, 401.0]),
    "imaging_tumor_count": st.integers(1, 5),
    "imaging_largest_tumor_cm": st.sampled_from([1.5, 2.0, 3.0, 4.2, 5.0, 8.0]),
    "modified_uicc_stage": st.one_of(st.none(), st.sampled_from(["I", "II", "III", "IVA", "IVB"])),
    "pathology_tumor_count": st.integers(1, 5),
    "pathology_largest_tumor_cm": st.sampled_from([1.5, 3.0, 4.2, 5.0, 8.0]),
    "resection_margin_mm": st.sampled_from([0.0, 9.5, 10.0, 20.0]),
}


@pytest.mark.parametrize("reference", sorted(RULEBOOK.models))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_bounds_of_the_shipped_models_are_what_all_completions_give(reference: str, data: st.DataObject) -> None:
    compiled = RULEBOOK.models[reference]
    known = {name: data.draw(TYPICAL.get(name, st.booleans()), label=name) for name in compiled.inputs}
    gaps = data.draw(st.lists(st.sampled_from(compiled.required), max_size=3, unique=True), label="missing")
    patient = known | dict.fromkeys(gaps)

    expected = possible(patient, compiled, grid=6, curve=BLOOD)

    scored = score(
        complete(pl.DataFrame([{"patient_id": 0}]), RULEBOOK.dictionary).with_columns(
            pl.lit(value, dtype=RULEBOOK.dictionary.column_types[name]).alias(name) for name, value in patient.items()
        ),
        [compiled],
    ).row(0, named=True)
    assert expected == Possible(
        lowest=scored["lowest"],
        highest=scored["highest"],
        groups=tuple(scored["possible_groups"]),
        settled_by=tuple(scored["settled_by"]),
    )
