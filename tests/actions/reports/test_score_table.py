"""Scoring a table without a registry: a row per patient and model, and nothing is guessed."""

import math
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.reports import score_table as scoring
from scheduler.actions.reports.score_table import SCORE_COLUMNS, Scores, TableNotScored, score_table
from tests.actions.tables import HIGH, TODAY, a_patient, a_table, only, shipped_rules, without


def _score(path: Path, *, models: Sequence[str] = ("ehr-preop", "ehr-postop"), explain: bool = False) -> Scores:
    rules = shipped_rules()
    chosen = [rules.model(model) for model in models]
    return score_table(path, chosen, rules.dictionary, today=TODAY, explain=explain)


def test_a_patient_gets_a_row_from_each_model(tmp_path: Path) -> None:
    scores = _score(a_table(tmp_path, a_patient(), a_patient(mrn="P-2", **HIGH)))

    assert tuple(scores.assessments.columns) == SCORE_COLUMNS
    assert scores.assessments.select("mrn", "model", "status", "risk_group").rows() == [
        ("P-1", "ehr-preop", "scored", "low"),
        ("P-1", "ehr-postop", "scored", "low"),
        ("P-2", "ehr-preop", "scored", "low"),
        ("P-2", "ehr-postop", "scored", "high"),
    ]
    assert only(scores.assessments, mrn="P-1", model="ehr-postop")["linear_predictor"] == pytest.approx(
        -1.139 * math.log(65), abs=1e-9
    )


def test_a_cell_that_cannot_be_used_refuses_the_models_that_read_it(tmp_path: Path) -> None:
    scores = _score(a_table(tmp_path, a_patient(tumor_necrosis="perhaps")))

    postop = only(scores.assessments, model="ehr-postop")
    assert (postop["status"], postop["risk_group"]) == ("refused", None)
    assert "tumor_necrosis" in postop["reasons"][0]
    assert only(scores.assessments, model="ehr-preop")["status"] == "scored"
    assert scores.problems["column"].to_list() == ["tumor_necrosis"]


def test_a_column_that_is_absent_bounds_the_score(tmp_path: Path) -> None:
    scores = _score(a_table(tmp_path, without(a_patient(**HIGH), "tumor_necrosis")), models=["ehr-postop"])

    row = only(scores.assessments)
    assert (row["status"], row["linear_predictor"], row["missing"]) == ("bounded", None, ["tumor_necrosis"])
    assert row["highest"] - row["lowest"] == pytest.approx(0.439)


def test_a_table_without_mrns_is_not_scored(tmp_path: Path) -> None:
    with pytest.raises(TableNotScored, match="expected a column mrn") as refused:
        _score(a_table(tmp_path, without(a_patient(), "mrn")))

    assert refused.value.exit_status == 4


def test_chunks_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [a_patient(mrn=f"P-{number}", zodiac="lion", albumin_g_l=str(34 + number)) for number in range(1, 8)]
    path = a_table(tmp_path, *rows)
    whole = _score(path)
    monkeypatch.setattr(scoring, "ROWS_AT_A_TIME", 3)

    chunked = _score(path)

    assert chunked.assessments.equals(whole.assessments)
    assert chunked.problems.equals(whole.problems)


def test_the_caveat_is_in_every_row_of_ehr_preop_that_has_a_group(tmp_path: Path) -> None:
    scores = _score(a_table(tmp_path, a_patient(), a_patient(mrn="P-2", albumin_g_l="")), models=["ehr-preop"])

    assert scores.assessments["caveats"].list.join(" ").str.contains("do not fit the printed formula").all()


def test_explaining_adds_what_each_term_contributes(tmp_path: Path) -> None:
    row = only(_score(a_table(tmp_path, a_patient(**HIGH)), models=["ehr-postop"], explain=True).assessments)

    assert pl.Series([row["contributions"]]).str.json_path_match("$.necrosis").to_list() == ["0.439"]
