"""What is wrong with the registry: each finding from the day on which it is one."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from scheduler.actions.sites.close_site import close_site
from scheduler.actions.worklist.list_findings import list_findings
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.store.registry import Registry
from tests.actions.tables import BOTH, SURGERY, TODAY, a_patient, a_table, import_table, rules_of
from tests.databases import ask

RESECTED_ON = date(2026, 6, 1)


def found(registry: Registry, today: date, **options: str) -> list[tuple[object, ...]]:
    """(MRN, finding) of every finding on a day."""
    listed = list_findings(registry, rules_of(registry), today=today, **options)
    return listed.select("mrn", "finding").rows()


def test_a_registry_in_order_has_no_finding(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)

    assert found(registry, TODAY) == []


@pytest.mark.parametrize(
    ("day", "expected"),
    [(44, []), (45, [("P-1", "pathology late")]), (46, [("P-1", "pathology late")])],
    ids=["day 44", "day 45", "day 46"],
)
def test_pathology_unsigned_at_day_45_is_a_finding(
    registry: Registry, tmp_path: Path, day: int, expected: list[tuple[str, str]]
) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=frozenset({SURGERY}))

    assert found(registry, RESECTED_ON + timedelta(days=day)) == expected


def test_a_window_in_which_nobody_works_is_a_finding(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(), a_patient(mrn="P-2", site="busan")), sign=BOTH)
    with registry.reading() as reading:
        first = reading.visits_of().row(0, named=True)
    window = [first["opens_on"] + timedelta(days=n) for n in range((first["closes_on"] - first["opens_on"]).days + 1)]
    close_site(registry, rules_of(registry), "seoul", days=window, reason="x", today=TODAY, actor="anna")

    assert found(registry, TODAY) == [("P-1", "no working day")]
    assert found(registry, TODAY, site="busan") == []


def test_a_plan_that_runs_out_within_a_year_is_a_finding_until_it_is_laid_out_further(
    registry: Registry, tmp_path: Path
) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)

    assert found(registry, date(2035, 6, 1)) == []
    assert found(registry, date(2035, 7, 1)) == [("P-1", "plan runs out")]


def test_somebody_who_is_signed_and_not_planned_is_found(registry: Registry, database_url: str, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient(), a_patient(mrn="P-2", residual_tumor="R2")), sign=BOTH)
    ask(database_url, "UPDATE plans SET superseded_at = recorded_at")

    assert found(registry, TODAY) == [("P-1", "not planned")]


def test_a_site_that_nobody_knows_is_refused(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)

    with pytest.raises(SiteNotFound):
        found(registry, TODAY, site="bussan")
