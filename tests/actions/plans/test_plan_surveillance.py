"""A plan from a date and an intensity, without a registry."""

from datetime import date

import pytest

from scheduler.actions.plans.plan_surveillance import SHOWN, plan_surveillance
from scheduler.errors import NotFound
from tests.actions.tables import shipped_rules


@pytest.mark.parametrize(
    ("intensity", "months"),
    [
        ("basic", [3, 6, 9, 12, 16, 20, 24]),
        ("standard", [2, 4, 6, 9, 12, 15, 18, 21, 24]),
        ("intensive", [2, 4, 6, 8, 10, 12, 15, 18, 21, 24]),
    ],
)
def test_the_default_protocol_follows_its_months(intensity: str, months: list[int]) -> None:
    visits = plan_surveillance(
        shipped_rules().protocol("risk-adapted"),
        intensity=intensity,
        resected_on=date(2026, 1, 30),
        horizon_month=24,
    )

    assert tuple(visits.columns) == SHOWN
    assert visits["grid_month"].to_list() == months


@pytest.mark.parametrize(
    ("often", "months"), [(None, [66, 72]), (True, [66, 72]), (False, [72])], ids=["unknown", "cirrhosis", "neither"]
)
def test_after_five_years_cirrhosis_and_hepatitis_b_call_for_more_and_so_does_not_knowing(
    often: bool | None, months: list[int]
) -> None:
    visits = plan_surveillance(
        shipped_rules().protocol("risk-adapted"),
        intensity="standard",
        resected_on=date(2026, 1, 30),
        horizon_month=72,
        often=often,
    )

    assert [month for month in visits["grid_month"] if month > 60] == months


def test_a_country_without_holidays_is_told() -> None:
    with pytest.raises(NotFound, match="ZZ"):
        plan_surveillance(
            shipped_rules().protocol("risk-adapted"),
            intensity="basic",
            resected_on=date(2026, 1, 30),
            country="ZZ",
        )
