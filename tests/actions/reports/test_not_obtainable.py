"""An input that cannot be had: the plan waits for it no longer, and nobody is followed too loosely by it."""

import json
from datetime import date
from pathlib import Path

import pytest

from scheduler.actions.reports.report_findings import FindingsRefused
from scheduler.store.registry import Registry
from tests.actions.tables import PATHOLOGY, SURGERY, a_patient, a_table, import_table, sign, stored, without

LOST = {"tumor_necrosis": "block lost"}


@pytest.fixture
def bounded(registry: Registry, tmp_path: Path) -> Registry:
    """A registry with one patient whose surgery is signed and whose drafted pathology lacks two inputs."""
    row = without(a_patient(), "tumor_necrosis", "microvascular_invasion", "birth_date")
    import_table(registry, a_table(tmp_path, row | {"age_years": "60"}), sign=frozenset({SURGERY}))
    return registry


def test_while_one_missing_input_may_still_be_had_the_plan_stays_provisional(bounded: Registry) -> None:
    signed = sign(bounded, stage=PATHOLOGY, not_obtainable=LOST)

    decision = signed.assessed.decisions.row(0, named=True)
    assert decision["provisional"]


def test_when_no_missing_input_can_be_had_the_lowest_possible_group_counts_but_never_below_standard(
    bounded: Registry,
) -> None:
    signed = sign(bounded, stage=PATHOLOGY, not_obtainable=LOST | {"microvascular_invasion": "slides sent away"})

    decision = signed.assessed.decisions.row(0, named=True)
    statuses = dict(signed.assessed.assessments.select("model", "status").rows())
    assert statuses["ehr-postop"] == "bounded"
    assert (decision["intensity"], decision["provisional"]) == ("standard", False)
    assert (
        "ehr-postop low, the lowest still possible, since what is missing cannot be had → basic" in decision["because"]
    )
    assert "at least standard, since an input cannot be had" in decision["because"]


def test_it_is_kept_with_its_reason_and_goes_when_the_finding_comes_after_all(bounded: Registry) -> None:
    sign(bounded, stage=PATHOLOGY, not_obtainable=LOST)
    with bounded.reading() as reading:
        kept = reading.reports_of().filter(stage="pathology")["not_obtainable"].to_list()

    sign(bounded, stage=PATHOLOGY, findings={"tumor_necrosis": "yes"}, reason="block found")

    with bounded.reading() as reading:
        gone = reading.reports_of().filter(stage="pathology")["not_obtainable"].to_list()
    assert (json.loads(kept[0]), gone) == (LOST, ["{}"])


def test_marking_it_later_is_a_new_version_with_a_reason(bounded: Registry) -> None:
    sign(bounded, stage=PATHOLOGY)

    signed = sign(bounded, stage=PATHOLOGY, not_obtainable=LOST, reason="the laboratory wrote")

    assert signed.version == 2


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"albumin_g_l": "no blood"}, "expected a finding of the pathology report"),
        ({"tumour": "x"}, "expected a finding of the pathology report"),
        ({"tumor_necrosis": ""}, "expected the reason after the equals sign"),
    ],
    ids=["another form's", "unknown", "no reason"],
)
def test_what_cannot_be_marked_is_refused_and_nothing_is_stored(
    bounded: Registry, lost: dict[str, str], said: str
) -> None:
    before = stored(bounded)

    with pytest.raises(FindingsRefused, match=said):
        sign(bounded, stage=PATHOLOGY, not_obtainable=lost)

    assert stored(bounded) == before


def test_a_preview_of_signing_stores_nothing(bounded: Registry) -> None:
    before = stored(bounded)

    shown = sign(bounded, stage=PATHOLOGY, preview=True)

    assert shown.assessed.decisions["intensity"].to_list() == ["standard"] or shown.version == 1
    assert stored(bounded) == before


def test_a_decision_made_again_still_knows_what_cannot_be_had(bounded: Registry) -> None:
    from tests.actions.plans.test_deciding_again import again

    sign(bounded, stage=PATHOLOGY, not_obtainable=LOST | {"microvascular_invasion": "slides sent away"})

    decided = again(bounded, date(2026, 7, 2))

    assert decided.decisions["is_same"].to_list() == [True]
