"""What `rules/variables.yaml` promises the people who fill in tables: names, units, ranges, sources and formulas.

The loader is not used here: the file is read as plain YAML and checked against clinical.md's tables, which are
written out below, and against the definitions worked by hand.
"""

import json
from collections.abc import Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from scheduler.core.derivation import derive, truth
from scheduler.core.expression_check import check_derived
from scheduler.core.variables import (
    CollectedAt,
    Derived,
    Recorded,
    VariableDictionary,
    VariableType,
    complete,
)

FILE = Path(__file__).parents[2] / "rules" / "variables.yaml"

FIXED_NAMES = """
    mrn site name birth_date sex age_years resected_on albumin_g_l bilirubin_umol_l afp_ng_ml pivka_ii_mau_ml
    platelets_10e9_l inr child_pugh_class imaging_tumor_count imaging_largest_tumor_cm
    imaging_macrovascular_invasion imaging_bile_duct_invasion clinical_node_metastasis
    clinical_distant_metastasis modified_uicc_stage preoperative_rupture intraoperative_transfusion
    pathology_tumor_count pathology_largest_tumor_cm microvascular_invasion macrovascular_invasion
    satellite_nodules resection_margin_mm residual_tumor tumor_necrosis bile_duct_invasion serosal_invasion
    edmondson_steiner_grade prior_hcc_treatment concurrent_malignancy histology cirrhosis hbv_positive
    hcv_positive
"""

RANGES = {  # hard, plausible: clinical.md, "Ranges"
    "age_years": ((1, 120), (18, 95)),
    "albumin_g_l": ((10, 70), (20, 55)),
    "bilirubin_umol_l": ((1, 1_000), (3, 350)),
    "afp_ng_ml": ((0, 5_000_000), (0, 100_000)),
    "pivka_ii_mau_ml": ((0, 2_000_000), (0, 100_000)),
    "platelets_10e9_l": ((1, 2_000), (20, 700)),
    "inr": ((0.5, 15), (0.8, 3)),
    "imaging_tumor_count": ((1, 50), (1, 10)),
    "pathology_tumor_count": ((1, 50), (1, 10)),
    "imaging_largest_tumor_cm": ((0.1, 40), (0.3, 25)),
    "pathology_largest_tumor_cm": ((0.1, 40), (0.3, 25)),
    "resection_margin_mm": ((0, 200), (0, 80)),
}

FACTORS = {  # clinical.md, "Units"; 88.4 is the one that is unverified
    "albumin_g_dl": 10,
    "bilirubin_mg_dl": 17.1,
    "afp_ug_l": 1,
    "platelets_10e3_ul": 1,
    "imaging_largest_tumor_mm": 0.1,
    "pathology_largest_tumor_mm": 0.1,
    "resection_margin_cm": 10,
    "creatinine_mg_dl": 88.4,
}

CODES_SEEN = {  # clinical.md, "Codes seen in a source", as far as they belong to a variable
    "albumin_g_l": {"loinc": ("1751-7",)},
    "bilirubin_umol_l": {"loinc": ("14631-6", "1975-2")},
    "afp_ng_ml": {"loinc": ("1834-1",)},
    "resected_on": {"snomed_ct": ("71273005", "107963000")},
    "histology": {"snomed_ct": ("109841003",), "icd_10": ("C22.0",)},
}

COUNTS = (1, 2, 3, 4, None)
SIZES_CM = (2.0, 3.0, 4.0, 5.0, 6.0, None)


def test_the_dictionary_is_one_that_hepwatch_can_compute() -> None:
    assert check_derived(dictionary()) == ()


def test_the_names_that_tables_use_come_first_and_in_the_fixed_order() -> None:
    fixed = FIXED_NAMES.split()

    assert list(dictionary().recorded)[: len(fixed)] == fixed


def test_no_name_is_both_recorded_and_derived() -> None:
    assert dictionary().recorded.keys() & dictionary().derived.keys() == set()


def test_the_ranges_are_those_of_the_policy() -> None:
    found = {name: ranges_of(dictionary().recorded[name]) for name in RANGES}

    assert found == RANGES


def test_a_range_that_the_policy_does_not_list_is_called_unverified_and_says_so() -> None:
    others = {n: v for n, v in dictionary().recorded.items() if v.minimum is not None and n not in RANGES}

    assert {name: variable.source for name, variable in others.items()} == dict.fromkeys(others, "unverified")
    assert [name for name, variable in others.items() if "unverified" not in variable.definition] == []


def test_every_number_has_a_plausible_range() -> None:
    numbers = [v for v in dictionary().recorded.values() if v.type in (VariableType.NUMBER, VariableType.INTEGER)]

    assert [variable.label for variable in numbers if variable.plausible is None] == []


def test_other_units_are_accepted_with_the_factors_in_use() -> None:
    accepted = {each.heading: each.factor for v in dictionary().recorded.values() for each in v.accepts}

    assert accepted == FACTORS


def test_pivka_ii_is_never_converted() -> None:
    pivka = dictionary().recorded["pivka_ii_mau_ml"]

    assert pivka.accepts == ()
    assert "never be converted" in pivka.definition


def test_a_heading_means_one_thing() -> None:
    headings = [*dictionary().recorded, *FACTORS]

    assert sorted(dictionary().headings) == sorted(set(headings))
    assert len(headings) == len(set(headings))


def test_only_codes_seen_in_a_source_are_given() -> None:
    given = {name: variable.codes for name, variable in dictionary().recorded.items() if variable.codes}

    assert given == CODES_SEEN


def test_every_source_named_exists_and_every_source_is_named() -> None:
    named = {variable.source for variable in every_variable().values()}
    named |= {check.source for check in dictionary().checks}

    assert named == set(dictionary().sources)


def test_the_source_of_unverified_numbers_says_so_in_its_citation() -> None:
    assert dictionary().sources["unverified"].citation.startswith("unverified")


def test_everything_measured_has_a_unit_and_everything_else_says_none() -> None:
    measured = {VariableType.NUMBER, VariableType.INTEGER}
    entries = every_variable()
    wrong = [n for n, v in entries.items() if (v.unit == "none") is (v.type in measured) or not v.unit.strip()]

    assert wrong == []


def test_a_derived_choice_lists_its_choices() -> None:
    choices = {n: v.choices for n, v in dictionary().derived.items() if v.type is VariableType.CHOICE}

    assert choices == dict.fromkeys(choices, dictionary().recorded["modified_uicc_stage"].choices)


def test_identity_is_who_the_patient_is_and_is_given_at_enrolment() -> None:
    identity = [name for name, variable in dictionary().recorded.items() if variable.identity]

    assert identity == ["mrn", "name", "birth_date"]
    assert dictionary().collected_at(CollectedAt.ENROLMENT) == ("mrn", "site", "name", "birth_date", "resected_on")


def test_each_definition_is_one_to_three_sentences() -> None:
    entries = every_variable()
    wrong = [
        name
        for name, variable in entries.items()
        if not variable.definition.endswith(".") or not 1 <= variable.definition.count(". ") + 1 <= 3
    ]

    assert wrong == []


@pytest.mark.parametrize(("part", "model"), [("recorded", Recorded), ("derived", Derived)])
def test_every_entry_has_its_keys_in_the_same_order(part: str, model: type[Recorded] | type[Derived]) -> None:
    order = list(model.model_fields)
    wrong = [name for name, entry in raw()[part].items() if list(entry) != sorted(entry, key=order.index)]

    assert wrong == []


@pytest.mark.parametrize(
    ("albumin_g_l", "bilirubin_umol_l", "score", "grade"),
    [
        pytest.param(40.0, 10.0, -2.74, 1, id="grade 1"),
        pytest.param(326.0 / 8.5, 10.0, -2.60, 1, id="on the first cut-off: still grade 1"),
        pytest.param(38.0, 10.0, -2.57, 2, id="grade 2"),
        pytest.param(205.0 / 8.5, 10.0, -1.39, 2, id="on the second cut-off: still grade 2"),
        pytest.param(24.0, 10.0, -1.38, 3, id="grade 3"),
        pytest.param(None, 10.0, None, None, id="albumin missing"),
        pytest.param(40.0, None, None, None, id="bilirubin missing"),
    ],
)
def test_the_albi_grade_includes_its_upper_cut_off(
    albumin_g_l: float | None, bilirubin_umol_l: float | None, score: float | None, grade: int | None
) -> None:
    finding = {"albumin_g_l": albumin_g_l, "bilirubin_umol_l": bilirubin_umol_l}

    assert derived_of("albi_score", finding) == pytest.approx(score)
    assert derived_of("albi_grade", finding) == grade


@pytest.mark.parametrize("where", ["imaging", "pathology"])
@pytest.mark.parametrize(("count", "size_cm"), list(product(COUNTS, SIZES_CM)))
def test_beyond_milan_is_known_exactly_when_no_missing_fact_could_change_it(
    where: str, count: int | None, size_cm: float | None
) -> None:
    finding = {f"{where}_tumor_count": count, f"{where}_largest_tumor_cm": size_cm, **no_spread()}

    assert derived_of(f"exceeds_milan_{where}", finding) is beyond_milan_whatever_is_missing(count, size_cm)


@pytest.mark.parametrize(
    ("count", "size_cm", "beyond"),
    [
        pytest.param(1, 5.0, False, id="one of 5 cm"),
        pytest.param(1, 5.1, True, id="one of more"),
        pytest.param(3, 3.0, False, id="three of 3 cm"),
        pytest.param(2, 3.1, True, id="two of more"),
        pytest.param(4, 2.0, True, id="four"),
        pytest.param(None, 6.0, True, id="number unknown, above 5 cm"),
        pytest.param(None, 4.0, None, id="number unknown, 4 cm"),
        pytest.param(None, 2.0, None, id="number unknown, 2 cm"),
        pytest.param(4, None, True, id="four, size unknown"),
        pytest.param(1, None, None, id="one, size unknown"),
    ],
)
def test_the_milan_boundaries(count: int | None, size_cm: float | None, beyond: bool | None) -> None:
    finding = {"pathology_tumor_count": count, "pathology_largest_tumor_cm": size_cm, **no_spread()}

    assert derived_of("exceeds_milan_pathology", finding) is beyond


@pytest.mark.parametrize(
    "spread",
    ["imaging_macrovascular_invasion", "clinical_node_metastasis", "clinical_distant_metastasis"],
)
def test_spread_is_beyond_milan_on_imaging_and_unknown_spread_leaves_it_open(spread: str) -> None:
    small = {"imaging_tumor_count": 1, "imaging_largest_tumor_cm": 2.0}

    assert derived_of("exceeds_milan_imaging", {**small, **no_spread()}) is False
    assert derived_of("exceeds_milan_imaging", {**small, **no_spread(), spread: None}) is None
    assert derived_of("exceeds_milan_imaging", {**small, **no_spread(), spread: True}) is True
    assert derived_of("exceeds_milan_imaging", {spread: True}) is True


def test_macrovascular_invasion_in_the_specimen_is_beyond_milan() -> None:
    assert derived_of("exceeds_milan_pathology", {"macrovascular_invasion": True}) is True


@pytest.mark.parametrize(
    ("changes", "stage", "number"),
    [
        pytest.param({}, "I", 1, id="three criteria met"),
        pytest.param({"imaging_largest_tumor_cm": 2.1}, "II", 2, id="above 2 cm"),
        pytest.param({"imaging_bile_duct_invasion": True}, "II", 2, id="bile duct invasion"),
        pytest.param({"imaging_largest_tumor_cm": 2.1, "imaging_tumor_count": 2}, "III", 3, id="one met"),
        pytest.param(
            {
                "imaging_largest_tumor_cm": 2.1,
                "imaging_tumor_count": 2,
                "imaging_macrovascular_invasion": True,
            },
            "IVA",
            4,
            id="none met",
        ),
        pytest.param({"clinical_node_metastasis": True}, "IVA", 4, id="a node"),
        pytest.param({"clinical_distant_metastasis": True}, "IVB", 4, id="a distant metastasis"),
        pytest.param(
            {"clinical_distant_metastasis": True, "imaging_tumor_count": None},
            "IVB",
            4,
            id="a distant metastasis, number unknown",
        ),
        pytest.param({"imaging_tumor_count": None}, None, None, id="number unknown"),
        pytest.param({"clinical_node_metastasis": None}, None, None, id="nodes unknown"),
    ],
)
def test_the_modified_uicc_stage_follows_from_imaging(
    changes: Mapping[str, object], stage: str | None, number: int | None
) -> None:
    finding = {**a_stage_one_tumour(), **changes}

    assert derived_of("modified_uicc_stage_imaging", finding) == stage
    assert derived_of("modified_uicc_stage_number", finding) == number


def test_a_recorded_modified_uicc_stage_wins_and_the_conflict_is_shown() -> None:
    finding = {**a_stage_one_tumour(), "modified_uicc_stage": "III"}

    assert derived_of("modified_uicc_stage_used", finding) == "III"
    assert contradictions(finding) == ["The recorded modified UICC stage differs from the one derived from imaging"]


@pytest.mark.parametrize(
    ("name", "reads", "below", "on", "above"),
    [
        ("afp_above_400", "afp_ng_ml", (399.9, False), (400.0, False), (400.1, True)),
        ("large_tumor_pathology", "pathology_largest_tumor_cm", (4.9, False), (5.0, False), (5.1, True)),
        ("multiple_tumors_pathology", "pathology_tumor_count", (1, False), (2, True), (3, True)),
        ("narrow_margin", "resection_margin_mm", (9.9, True), (10.0, False), (10.1, False)),
    ],
)
def test_the_factors_of_wang_have_their_printed_boundaries(
    name: str, reads: str, below: tuple[float, bool], on: tuple[float, bool], above: tuple[float, bool]
) -> None:
    for value, expected in (below, on, above):
        assert derived_of(name, {reads: value}) is expected
    assert derived_of(name, {reads: None}) is None


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        pytest.param({}, [], id="nothing recorded"),
        pytest.param({"residual_tumor": "R0", "resection_margin_mm": 0.0}, ["The resection is"], id="R0 at 0 mm"),
        pytest.param({"residual_tumor": "R0", "resection_margin_mm": 0.5}, [], id="R0 at half a mm"),
        pytest.param({"residual_tumor": "R1", "resection_margin_mm": 0.0}, [], id="R1 at 0 mm"),
        pytest.param({"microvascular_invasion": True, "mvi_grade": "M0"}, ["Microvascular"], id="invasion, grade M0"),
        pytest.param(
            {"microvascular_invasion": False, "mvi_grade": "M1"}, ["Microvascular"], id="no invasion, grade M1"
        ),
        pytest.param({"microvascular_invasion": True, "mvi_grade": "M2"}, [], id="invasion, grade M2"),
        pytest.param({"cirrhosis": False, "liver_fibrosis_stage": "F4"}, ["Cirrhosis"], id="F4, no cirrhosis"),
        pytest.param({"cirrhosis": True, "liver_fibrosis_stage": "F3"}, ["Cirrhosis"], id="F3, cirrhosis"),
        pytest.param({"cirrhosis": True, "liver_fibrosis_stage": "F4"}, [], id="F4, cirrhosis"),
        pytest.param({"ajcc_pt": "T1a", "pathology_largest_tumor_cm": 2.1}, ["The recorded pT"], id="T1a, 2.1 cm"),
        pytest.param({"ajcc_pt": "T1a", "pathology_largest_tumor_cm": 2.0}, [], id="T1a, 2 cm"),
        pytest.param({"ajcc_pt": "T1b", "microvascular_invasion": True}, ["The recorded pT"], id="T1b, invasion"),
        pytest.param({"ajcc_pt": "T3", "pathology_largest_tumor_cm": 5.0}, ["The recorded pT"], id="T3, 5 cm"),
        pytest.param({"ajcc_pt": "T3", "pathology_largest_tumor_cm": 5.1}, [], id="T3, 5.1 cm"),
        pytest.param(
            {"imaging_largest_tumor_cm": 3.0, "pathology_largest_tumor_cm": 30.0},
            ["The largest tumour differs"],
            id="millimetres entered as centimetres",
        ),
    ],
)
def test_only_real_contradictions_are_warned_of(finding: Mapping[str, object], said: list[str]) -> None:
    warnings = contradictions(finding)

    assert len(warnings) == len(said)
    assert all(warning.startswith(start) for warning, start in zip(warnings, said, strict=True))


def raw() -> dict[str, Any]:
    """The file as YAML reads it."""
    parsed: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return parsed


@cache
def dictionary() -> VariableDictionary:
    return VariableDictionary.model_validate_json(json.dumps(raw()))


def every_variable() -> dict[str, Recorded | Derived]:
    return {**dictionary().recorded, **dictionary().derived}


def ranges_of(variable: Recorded) -> tuple[tuple[float | None, float | None], tuple[float, float] | None]:
    return (variable.minimum, variable.maximum), variable.plausible


def no_spread() -> dict[str, object]:
    names = (
        "imaging_macrovascular_invasion",
        "macrovascular_invasion",
        "clinical_node_metastasis",
        "clinical_distant_metastasis",
    )
    return dict.fromkeys(names, False)


def a_stage_one_tumour() -> dict[str, object]:
    tumour = {"imaging_tumor_count": 1, "imaging_largest_tumor_cm": 2.0, "imaging_bile_duct_invasion": False}
    return {**tumour, **no_spread()}


def a_finding(finding: Mapping[str, object]) -> pl.DataFrame:
    """A frame of one patient with every recorded column; what is not given is missing."""
    known = {"mrn": "1", **finding}
    schema = {name: dictionary().column_types[name] for name in known}
    return complete(pl.DataFrame([known], schema=schema), dictionary())


def derived_of(name: str, finding: Mapping[str, object]) -> object:
    return derive(a_finding(finding), [name], dictionary())[name].item()


def contradictions(finding: Mapping[str, object]) -> list[str]:
    """What the checks say of one patient, up to the first semicolon."""
    checks = dictionary().checks
    verdicts = truth(a_finding(finding), [check.when for check in checks], dictionary()).row(0)
    return [check.say.split(";")[0] for check, verdict in zip(checks, verdicts, strict=True) if verdict]


def beyond_milan_whatever_is_missing(count: int | None, size_cm: float | None) -> bool | None:
    """Beyond Milan by the definition in words; None where what is missing decides it."""
    verdicts = {
        not ((number == 1 and size <= 5) or (number in (2, 3) and size <= 3))
        for number in ([count] if count is not None else range(1, 51))
        for size in ([size_cm] if size_cm is not None else [tenth / 10 for tenth in range(1, 401)])
    }
    return verdicts.pop() if len(verdicts) == 1 else None
