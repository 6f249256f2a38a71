"""The table of 374 real patients, from its file to clean rows."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from scheduler.core.validation import validate
from scheduler.core.variables import VariableDictionary, VariableType
from scheduler.intake import read_table
from tests.core.validation_tables import TODAY, a_dictionary, a_variable

REGISTRY = Path(__file__).parents[2] / ".." / "shared" / "data" / "tcga-lihc" / "registry.csv"
BOOLEANS = (
    "imaging_macrovascular_invasion",
    "microvascular_invasion",
    "macrovascular_invasion",
    "satellite_nodules",
    "tumor_necrosis",
    "bile_duct_invasion",
)


def the_dictionary() -> VariableDictionary:
    number, integer, choice = VariableType.NUMBER, VariableType.INTEGER, VariableType.CHOICE
    return a_dictionary(
        sex=a_variable(choice, choices=("female", "male")),
        platelets_10e9_l=a_variable(number, limits=(1, 2000), plausible=(20, 700)),
        child_pugh_class=a_variable(choice, choices=("A", "B", "C")),
        imaging_tumor_count=a_variable(integer, limits=(1, 50), plausible=(1, 10)),
        imaging_largest_tumor_cm=a_variable(number, unit="cm", limits=(0.1, 40), plausible=(0.3, 25)),
        modified_uicc_stage=a_variable(choice, choices=("I", "II", "III", "IVA", "IVB")),
        pathology_largest_tumor_cm=a_variable(number, unit="cm", limits=(0.1, 40), plausible=(0.3, 25)),
        resection_margin_mm=a_variable(number, unit="mm", limits=(0, 200), plausible=(0, 80)),
        **{name: a_variable(VariableType.BOOLEAN) for name in BOOLEANS},
    )


@pytest.mark.skipif(not REGISTRY.is_file(), reason="the folder shared/data with the TCGA-LIHC tables is absent")
def test_all_374_real_patients_are_read_and_none_is_refused() -> None:
    table = read_table(REGISTRY)

    result = validate(table.frame, the_dictionary(), today=TODAY)

    assert result.errors.rows() == []
    assert result.clean.height == 374
    first = result.clean.select("row", "mrn", "site", "age_years", "resected_on", "albumin_g_l", "residual_tumor").row(
        0
    )
    assert first == (2, "TCGA-2Y-A9GS", "tcga-2y", 58, date(2006, 5, 8), 40.0, "R0")
    counted = result.clean.select(pl.col("tumor_necrosis").sum(), pl.col("albumin_g_l").null_count()).row(0)
    assert counted == (91, 76)
