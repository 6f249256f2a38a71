"""Scoring the shipped models: hand-worked patients, every status, every boundary, one patient and many alike."""

import json
from math import log, log10

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.compiled_model import CompiledModel
from scheduler.core.derivation import truth
from scheduler.core.scoring import ASSESSMENT_SCHEMA, REFUSAL_SCHEMA, score
from scheduler.core.variables import complete
from scheduler.rulebook import load_rulebook
from tests.core.small_dictionary import a_dictionary, a_model, findings

RULEBOOK = load_rulebook()
PREOP, POSTOP, WANG = (RULEBOOK.model(each) for each in ("ehr-preop", "ehr-postop", "wang-distant-metastasis"))
MODELS = (PREOP, POSTOP, WANG)

OTHER_HISTOLOGY = next(
    each for each in RULEBOOK.dictionary.recorded["histology"].choices if each != "hepatocellular_carcinoma"
)

MAN_OF_58 = {
    "age_years": 58,
    "albumin_g_l": 41.0,
    "bilirubin_umol_l": 12.0,
    "afp_ng_ml": 850.0,
    "imaging_tumor_count": 1,
    "imaging_largest_tumor_cm": 6.2,
    "imaging_macrovascular_invasion": False,
    "imaging_bile_duct_invasion": False,
    "clinical_node_metastasis": False,
    "clinical_distant_metastasis": False,
    "preoperative_rupture": False,
    "intraoperative_transfusion": True,
    "pathology_tumor_count": 2,
    "pathology_largest_tumor_cm": 6.0,
    "microvascular_invasion": True,
    "macrovascular_invasion": False,
    "satellite_nodules": False,
    "resection_margin_mm": 4.0,
    "residual_tumor": "R0",
    "tumor_necrosis": True,
    "prior_hcc_treatment": False,
    "concurrent_malignancy": False,
    "histology": "hepatocellular_carcinoma",
}


def a_patient(**changes: object) -> dict[str, object]:
    """A man of 58 with one tumour of 6.2 cm on imaging and two in the specimen; everything known."""
    return MAN_OF_58 | changes


def a_frame(*patients: dict[str, object]) -> pl.DataFrame:
    """Patients 0, 1, … as a findings frame."""
    schema = {name: RULEBOOK.dictionary.column_types[name] for patient in patients for name in patient}
    frame = pl.DataFrame([{name: patient.get(name) for name in schema} for patient in patients], schema=schema)
    numbered = frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("patient_id"))
    return complete(numbered, RULEBOOK.dictionary)


def assessed(compiled: CompiledModel, **changes: object) -> dict[str, object]:
    """The one assessment of a patient."""
    return score(a_frame(a_patient(**changes)), [compiled]).row(0, named=True)


def test_ehr_preop_by_hand() -> None:
    """Stage II (one tumour, not ≤ 2 cm, no invasion: two criteria met); 6.2 cm is beyond Milan; ALBI grade 1."""
    assert 0.66 * log10(12) - 0.085 * 41 < -2.60

    found = assessed(PREOP)

    assert found["linear_predictor"] == round(-1.470 * log(58) + 0.806 * 2 + 0.699, 9) == -3.657851226
    assert (found["status"], found["risk_group"], found["stage"]) == ("scored", "low", "surgery")


def test_ehr_postop_by_hand() -> None:
    """Two tumours (1), invasion, necrosis, 6.0 cm beyond Milan, ALBI grade 1."""
    found = assessed(POSTOP)

    assert found["linear_predictor"] == round(-1.139 * log(58) + 0.637 + 0.979 + 0.439 + 0.696, 9)
    assert (found["status"], found["risk_group"], found["stage"]) == ("scored", "high", "pathology")


def test_wang_by_hand() -> None:
    """AFP 850, 6.0 cm, two tumours, microvascular invasion, margin 4 mm, transfusion."""
    found = assessed(WANG)

    ratios = (1.687, 2.430, 1.388, 2.079, 1.653, 1.486)
    assert found["linear_predictor"] == pytest.approx(sum(map(log, ratios)), abs=1e-9)
    assert (found["status"], found["risk_group"]) == ("scored", "high")


def test_the_contributions_add_up_to_the_linear_predictor_and_the_inputs_are_told() -> None:
    for compiled in MODELS:
        found = assessed(compiled)

        contributions = json.loads(str(found["contributions"]))
        assert list(contributions) == [term.name for term in compiled.model.linear_predictor.terms]
        assert sum(contributions.values()) == pytest.approx(found["linear_predictor"], abs=1e-8)
        assert json.loads(str(found["inputs"])) == {name: MAN_OF_58.get(name) for name in compiled.reads}


def test_without_explanation_contributions_and_inputs_stay_empty() -> None:
    found = score(a_frame(a_patient()), [PREOP], explain=False)

    assert found.select("contributions", "inputs").row(0) == ("{}", "{}")


@pytest.mark.parametrize(
    ("albumin", "group"),
    [(41.0, 0), (35.0, 1)],
    ids=["grade 1", "grade 2"],
)
def test_albi_grade_two_adds_its_coefficient(albumin: float, group: int) -> None:
    difference = float(str(assessed(PREOP, albumin_g_l=albumin)["linear_predictor"])) - -3.657851226

    assert difference == pytest.approx(0.663 * group, abs=1e-9)


@pytest.mark.parametrize(
    ("cut_off", "x", "group"),
    [(5.0, 4.999999999, "low"), (5.0, 5.0, "high"), (5.0, 5.000000001, "high")],
    ids=["just below", "on", "just above"],
)
def test_a_value_on_a_cut_off_belongs_to_the_higher_group(cut_off: float, x: float, group: str) -> None:
    found = score(findings({"x": x}), [a_model({"x": 1.0}, cut_offs=[cut_off])]).row(0, named=True)

    assert (found["linear_predictor"], found["risk_group"], found["possible_groups"]) == (x, group, [group])


def test_printed_decimals_that_add_up_to_a_cut_off_are_on_it() -> None:
    compiled = a_model({"a": 0.1, "b": 0.2}, cut_offs=[0.3])

    found = score(findings({"a": True, "b": True}), [compiled]).row(0, named=True)

    assert (found["linear_predictor"], found["risk_group"]) == (0.3, "high")


def test_a_patient_is_scored_though_an_input_is_missing_that_cannot_matter() -> None:
    """Macrovascular invasion is known, so bile duct invasion adds nothing to the stage."""
    found = assessed(PREOP, imaging_macrovascular_invasion=True, imaging_bile_duct_invasion=None)

    assert (found["status"], found["missing"]) == ("scored", ["imaging_bile_duct_invasion"])
    assert found["linear_predictor"] == found["lowest"] == found["highest"]


def test_a_patient_is_scored_though_no_term_is_known_if_all_completions_agree() -> None:
    """Both terms hang on the missing answer, and pull against each other."""
    compiled = a_model({"a": 1.0, "NOT a": 1.0}, cut_offs=[0.5])

    found = score(findings({}), [compiled]).row(0, named=True)

    assert (found["status"], found["linear_predictor"], found["risk_group"]) == ("scored", 1.0, "high")
    assert (found["missing"], found["settled_by"]) == (["a"], [])


def test_a_missing_input_bounds_the_score() -> None:
    found = assessed(POSTOP, microvascular_invasion=None, pathology_tumor_count=1, tumor_necrosis=False)

    lowest = round(-1.139 * log(58) + 0.696, 9)
    assert found["status"] == "bounded"
    assert (found["linear_predictor"], found["risk_group"]) == (None, None)
    assert (found["lowest"], found["highest"]) == (lowest, round(lowest + 0.979, 9))
    assert found["possible_groups"] == ["intermediate", "high"]
    assert found["settled_by"] == found["missing"] == ["microvascular_invasion"]
    assert json.loads(str(found["contributions"]))["microvascular invasion"] is None


def test_a_bounded_patient_has_a_group_where_one_is_left() -> None:
    found = assessed(POSTOP, age_years=90, microvascular_invasion=False, pathology_tumor_count=1, tumor_necrosis=None)

    assert (found["status"], found["linear_predictor"], found["missing"]) == ("bounded", None, ["tumor_necrosis"])
    assert (found["risk_group"], found["possible_groups"], found["settled_by"]) == ("low", ["low"], [])


def test_nothing_known_bounds_every_model() -> None:
    found = score(a_frame({"age_years": None}), MODELS)

    assert found["status"].to_list() == ["bounded"] * 3
    assert found["applicability"].to_list() == ["unconfirmed"] * 3
    assert found["lowest"][2] == 0.0
    assert found["highest"][2] == pytest.approx(
        sum(term.weight for term in WANG.model.linear_predictor.terms), abs=1e-9
    )


def test_a_recorded_stage_wins_and_an_absent_one_is_no_missing_input() -> None:
    derived, recorded = assessed(PREOP), assessed(PREOP, modified_uicc_stage="III")

    difference = float(str(recorded["linear_predictor"])) - float(str(derived["linear_predictor"]))
    assert difference == pytest.approx(0.806, abs=1e-9)
    assert derived["missing"] == recorded["missing"] == []


def test_a_recorded_stage_makes_what_it_replaces_unnecessary() -> None:
    found = assessed(PREOP, modified_uicc_stage="II", imaging_bile_duct_invasion=None)

    assert (found["status"], found["linear_predictor"]) == ("scored", -3.657851226)


def test_a_conflict_of_stages_is_a_warning_and_no_refusal() -> None:
    patients = a_frame(a_patient(modified_uicc_stage="III"))

    [conflict] = [each.when for each in RULEBOOK.dictionary.checks if "modified_uicc_stage <>" in each.when]
    assert truth(patients, [conflict], RULEBOOK.dictionary)["0"].to_list() == [True]
    assert score(patients, [PREOP])["status"].to_list() == ["scored"]


@pytest.mark.parametrize(
    ("compiled", "change", "reason"),
    [
        (POSTOP, {"residual_tumor": "R1"}, "curative (R0) resections only"),
        (PREOP, {"prior_hcc_treatment": True}, "treatment-naive patients only"),
        (WANG, {"age_years": 17}, "adults only"),
        (WANG, {"histology": OTHER_HISTOLOGY}, "hepatocellular carcinoma on histology only"),
    ],
)
def test_a_model_does_not_apply_outside_its_population(
    compiled: CompiledModel, change: dict[str, object], reason: str
) -> None:
    found = assessed(compiled, **change)

    assert (found["status"], found["applicability"], found["reasons"]) == ("not_applicable", "false", [reason])
    assert (found["linear_predictor"], found["lowest"], found["highest"], found["risk_group"]) == (None,) * 4
    assert (found["possible_groups"], found["settled_by"], found["caveats"]) == ([], [], [])


def test_every_criterion_that_is_not_met_is_a_reason() -> None:
    found = assessed(POSTOP, residual_tumor="R1", prior_hcc_treatment=True, concurrent_malignancy=None)

    assert found["reasons"] == ["curative (R0) resections only", "treatment-naive patients only"]


def test_an_unknown_population_variable_leaves_the_model_unconfirmed_but_scored() -> None:
    found = assessed(PREOP, prior_hcc_treatment=None)

    assert (found["status"], found["applicability"], found["missing"]) == ("scored", "unconfirmed", [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"albumin_g_l": 4.1}, "albumin_g_l is outside 10 to 70 g/L"),
        ({"albumin_g_l": 70.1}, "albumin_g_l is outside 10 to 70 g/L"),
        ({"albumin_g_l": float("nan")}, "albumin_g_l is outside 10 to 70 g/L"),
        ({"bilirubin_umol_l": float("inf")}, "bilirubin_umol_l is outside 1 to 1000 umol/L"),
        ({"age_years": 0}, "age_years is outside 1 to 120 a"),
        ({"modified_uicc_stage": "V"}, "modified_uicc_stage is none of I, II, III, IVA, IVB"),
    ],
)
def test_a_value_outside_its_hard_range_or_choices_is_refused(change: dict[str, object], reason: str) -> None:
    found = assessed(PREOP, **change)

    assert (found["status"], found["reasons"]) == ("refused", [reason])
    assert (found["linear_predictor"], found["risk_group"], found["possible_groups"]) == (None, None, [])


@pytest.mark.parametrize("albumin", [10.0, 70.0])
def test_a_value_on_the_end_of_its_hard_range_is_scored(albumin: float) -> None:
    assert assessed(PREOP, albumin_g_l=albumin)["status"] == "scored"


def test_a_refusal_given_from_outside_counts_for_the_models_that_read_the_variable() -> None:
    refusals = pl.DataFrame([(0, "tumor_necrosis", "tumor_necrosis is 'maybe'")], schema=REFUSAL_SCHEMA, orient="row")

    found = score(a_frame(a_patient(), a_patient()), MODELS, refusals=refusals)

    assert found.filter(status="refused").select("patient_id", "model", "reasons").rows() == [
        (0, "ehr-postop", ["tumor_necrosis is 'maybe'"])
    ]


def test_every_reason_of_a_refusal_is_told_once_and_before_the_population() -> None:
    twice = [(0, "age_years", "two ages"), (0, "age_years", "two ages")]
    refusals = pl.DataFrame(twice, schema=REFUSAL_SCHEMA, orient="row")

    found = score(a_frame(a_patient(albumin_g_l=4.1, prior_hcc_treatment=True)), [PREOP], refusals=refusals)

    assert found.select("status", "reasons").row(0) == ("refused", ["albumin_g_l is outside 10 to 70 g/L", "two ages"])


def test_a_variable_that_a_model_does_not_read_refuses_nothing() -> None:
    assert assessed(PREOP, resection_margin_mm=-1.0)["status"] == "scored"


def test_the_caveats_follow_every_group() -> None:
    assert assessed(PREOP)["caveats"] == list(PREOP.model.caveats)
    assert assessed(PREOP, albumin_g_l=None)["caveats"] == list(PREOP.model.caveats)


def test_rows_come_by_patient_and_then_by_model_in_the_order_given() -> None:
    found = score(a_frame(a_patient(), a_patient()), [WANG, PREOP])

    assert found.select("patient_id", "model").rows() == [
        (0, "wang-distant-metastasis"),
        (0, "ehr-preop"),
        (1, "wang-distant-metastasis"),
        (1, "ehr-preop"),
    ]


@pytest.mark.parametrize("models", [(), MODELS], ids=["no models", "no patients"])
def test_nothing_in_gives_an_empty_answer_of_the_same_shape(models: tuple[CompiledModel, ...]) -> None:
    found = score(a_frame(a_patient()).clear() if models else a_frame(a_patient()), models)

    assert found.equals(pl.DataFrame(schema=ASSESSMENT_SCHEMA))


def test_a_table_may_lack_columns_and_hold_others() -> None:
    table = pl.DataFrame({"patient_id": [7], "age_years": [60], "remark": ["-"]})

    found = score(table, [PREOP])

    assert found.schema == ASSESSMENT_SCHEMA
    assert found.select("patient_id", "status").row(0) == (7, "bounded")


KNOWN_OR_NOT = {
    "age_years": st.integers(17, 90),
    "albumin_g_l": st.sampled_from([5.0, 28.0, 36.0, 44.0]),
    "bilirubin_umol_l": st.sampled_from([6.0, 40.0]),
    "imaging_tumor_count": st.integers(1, 5),
    "imaging_largest_tumor_cm": st.sampled_from([2.0, 3.0, 4.2, 8.0]),
    "modified_uicc_stage": st.sampled_from(["I", "IVA"]),
    "pathology_tumor_count": st.integers(1, 5),
    "pathology_largest_tumor_cm": st.sampled_from([3.0, 5.0, 8.0]),
    "microvascular_invasion": st.booleans(),
    "macrovascular_invasion": st.booleans(),
    "residual_tumor": st.sampled_from(["R0", "R1"]),
    "prior_hcc_treatment": st.booleans(),
    "resection_margin_mm": st.sampled_from([0.0, 10.0]),
}


@settings(max_examples=15, deadline=None)
@given(
    patients=st.lists(
        st.fixed_dictionaries({name: st.one_of(st.none(), kind) for name, kind in KNOWN_OR_NOT.items()}).map(
            lambda gaps: MAN_OF_58 | gaps
        ),
        min_size=1,
        max_size=6,
    ),
    data=st.data(),
)
def test_a_patient_alone_scores_as_among_others_in_any_order(
    patients: list[dict[str, object]], data: st.DataObject
) -> None:
    together = a_frame(*patients)
    shuffled = together[data.draw(st.permutations(range(len(patients))), label="order")]

    found = score(together, MODELS)

    alone = pl.concat([score(patient, MODELS) for patient in together.iter_slices(1)])
    assert found.equals(alone)
    assert score(shuffled, MODELS).sort("patient_id", maintain_order=True).equals(found)


def test_a_small_model_reads_a_dictionary_of_its_own() -> None:
    dictionary = a_dictionary(stage=("choice", "COALESCE(c, d)"))

    found = score(findings({"d": "red"}), [a_model({"stage = 'red'": 2.0}, cut_offs=[1.0], dictionary=dictionary)])

    assert found.select("linear_predictor", "missing").row(0) == (2.0, [])
