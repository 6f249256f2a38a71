"""From risk groups to intensity: which stage decides, what is still possible, and why."""

from typing import Any

import polars as pl
import pytest

from scheduler.core.intensity import ASSESSED, SIGNED_STAGES, decide_intensity
from scheduler.core.protocols import SurveillanceProtocol
from tests.core.protocol_documents import a_document, a_protocol

PREOP, POSTOP, WANG = "ehr-preop", "ehr-postop", "wang-distant-metastasis"
UNSIGNED = "pathology report is not signed"
Said = tuple[str, str, list[str], list[str]]


def scored(model: str, group: str) -> Said:
    return model, "scored", [group], []


def bounded(model: str, *groups: str, settled_by: list[str] | None = None) -> Said:
    return model, "bounded", list(groups), settled_by or []


def without(model: str, status: str = "not_applicable") -> Said:
    return model, status, [], []


def decide(*said: Said, signed: str | None = "pathology", protocol: SurveillanceProtocol | None = None) -> Any:
    """The decision for one patient, as a dictionary."""
    rows = [(7, model, 1, status, groups, settled) for model, status, groups, settled in said]
    decided = decide_intensity(
        pl.DataFrame(rows, schema=ASSESSED, orient="row"),
        protocol or a_protocol(),
        signed_stage=pl.DataFrame([(7, signed)], schema=SIGNED_STAGES, orient="row"),
    )
    (row,) = decided.to_dicts()
    return row


@pytest.mark.parametrize(
    ("postop", "wang", "intensity"),
    [
        ("low", "low", "basic"),
        ("low", "intermediate", "standard"),
        ("intermediate", "low", "standard"),
        ("low", "high", "intensive"),
        ("high", "low", "intensive"),
        ("high", "high", "intensive"),
    ],
)
def test_the_most_intensive_of_the_models_holds(postop: str, wang: str, intensity: str) -> None:
    decided = decide(scored(POSTOP, postop), scored(WANG, wang))

    assert (decided["intensity"], decided["lowest_intensity"], decided["provisional"]) == (intensity, intensity, False)


def test_a_decision_says_why_model_by_model() -> None:
    decided = decide(
        bounded(WANG, "low", "intermediate", "high", settled_by=["pathology_tumor_count"]), scored(POSTOP, "low")
    )

    assert decided == {
        "patient_id": 7,
        "stage": "pathology",
        "intensity": "intensive",
        "lowest_intensity": "basic",
        "provisional": True,
        "because": [
            "ehr-postop low → basic",
            "wang-distant-metastasis low to high, settled by pathology_tumor_count → basic to intensive",
        ],
    }


def test_a_missing_input_that_cannot_change_the_intensity_leaves_nothing_provisional() -> None:
    decided = decide(scored(POSTOP, "high"), bounded(WANG, "low", "intermediate"))

    assert (decided["intensity"], decided["lowest_intensity"], decided["provisional"]) == (
        "intensive",
        "intensive",
        False,
    )


def test_a_bounded_model_with_one_group_left_decides_like_a_scored_one() -> None:
    decided = decide(bounded(WANG, "intermediate"), without(POSTOP))

    assert decided["intensity"] == "standard"
    assert not decided["provisional"]
    assert decided["because"] == ["ehr-postop does not apply", "wang-distant-metastasis intermediate → standard"]


@pytest.mark.parametrize(
    ("group", "intensity"), [("low", "standard"), ("intermediate", "standard"), ("high", "intensive")]
)
def test_before_pathology_nobody_is_followed_below_standard(group: str, intensity: str) -> None:
    decided = decide(scored(PREOP, group), signed="surgery")

    assert (decided["stage"], decided["intensity"]) == ("surgery", intensity)
    assert decided["provisional"]
    assert decided["because"][-1] == UNSIGNED
    assert ("at least standard on the surgery report alone" in decided["because"]) == (group == "low")


def test_a_bounded_preoperative_score_is_raised_at_its_lower_end_too() -> None:
    decided = decide(bounded(PREOP, "low", "high"), signed="surgery")

    assert (decided["intensity"], decided["lowest_intensity"]) == ("intensive", "standard")


def test_a_signed_pathology_report_silences_the_preoperative_score() -> None:
    decided = decide(scored(PREOP, "high"), scored(POSTOP, "low"), scored(WANG, "low"))

    assert (decided["stage"], decided["intensity"]) == ("pathology", "basic")
    assert len(decided["because"]) == 2


@pytest.mark.parametrize("status", ["not_applicable", "refused"])
def test_where_no_model_of_the_signed_stage_applies_no_other_stage_is_asked(status: str) -> None:
    decided = decide(scored(PREOP, "low"), without(POSTOP, status), without(WANG))

    assert (decided["stage"], decided["intensity"], decided["provisional"]) == ("pathology", "intensive", False)
    assert decided["because"][-1] == "no model applies → intensive"


def test_a_refused_value_is_said() -> None:
    decided = decide(without(POSTOP, "refused"), scored(WANG, "low"))

    assert decided["intensity"] == "basic"
    assert decided["because"][0] == "ehr-postop refused, a value is out of range"


def test_a_patient_whom_no_model_has_seen_gets_the_otherwise_intensity() -> None:
    assert decide()["because"] == ["no model applies → intensive"]
    assert decide(signed=None)["provisional"]


def test_another_version_of_a_model_has_no_say() -> None:
    rows = a_document()["intensity"]
    rows[0]["from"] = ["ehr-postop@2"]

    decided = decide(scored(POSTOP, "low"), protocol=a_protocol(intensity=rows))

    assert decided["intensity"] == "intensive"


def test_a_uniform_protocol_follows_everybody_alike() -> None:
    decided = decide(scored(POSTOP, "high"), protocol=a_protocol("lee-2025"))

    assert (decided["stage"], decided["intensity"], decided["provisional"]) == (None, "standard", False)
    assert decided["because"] == ["the same for everybody → standard"]


def test_every_signed_patient_gets_one_decision_in_the_order_given() -> None:
    signed = pl.DataFrame([(9, "pathology"), (3, "surgery"), (5, "pathology")], schema=SIGNED_STAGES, orient="row")
    rows: list[Any] = [
        (3, PREOP, 1, "scored", ["high"], []),
        (5, WANG, 1, "scored", ["low"], []),
        (5, POSTOP, 1, "scored", ["intermediate"], []),
        (8, POSTOP, 1, "scored", ["high"], []),
    ]
    assessments = pl.DataFrame(rows, schema=ASSESSED, orient="row")

    decided = decide_intensity(assessments, a_protocol(), signed_stage=signed)

    assert decided.select("patient_id", "intensity").rows() == [(9, "intensive"), (3, "intensive"), (5, "standard")]
