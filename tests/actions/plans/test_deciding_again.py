"""Deciding anew for patients who are known: the same plan stays, another day or protocol changes it."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.plans.deciding_again import DecidedAgain, decide_again
from scheduler.store.registry import Registry
from tests.actions.tables import BOTH, SURGERY, TODAY, a_patient, a_table, import_table, rules_of

RESECTED_ON = date(2026, 6, 1)
FIRST_VISIT_ON = date(2026, 8, 1)  # intensive and standard begin two months after the resection


def again(registry: Registry, today: date, *, protocol: str = "risk-adapted", keep: bool = True) -> DecidedAgain:
    """Decide anew for everybody."""
    with registry.transaction() as transaction:
        rules = rules_of(registry, protocol=protocol)
        decided = decide_again(transaction, None, rules, today=today, keep_protocol=keep)
        audit(transaction, pl.DataFrame({"action": ["test"], "details": ["{}"]}), actor="test")
        return decided


def plan_of(registry: Registry) -> dict[str, object]:
    """What the current plan says."""
    with registry.reading() as reading:
        return reading.current_plans().row(0, named=True)


def test_deciding_again_with_nothing_new_writes_no_plan_and_moves_no_visit(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)
    before = registry_counts(registry)

    decided = again(registry, TODAY)

    assert decided.decisions["is_same"].to_list() == [True]
    assert set(decided.followed.changes["change"]) == {"kept"}
    assert registry_counts(registry) | {"audit_rows": 0} == before | {"audit_rows": 0}


def test_pathology_unsigned_on_the_day_of_the_first_visit_means_intensive(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=frozenset({SURGERY}))

    again(registry, FIRST_VISIT_ON - timedelta(days=1))
    the_day_before = plan_of(registry)["intensity"]
    again(registry, FIRST_VISIT_ON)
    on_the_day = plan_of(registry)

    assert the_day_before == "standard"
    assert on_the_day["intensity"] == "intensive"
    assert "pathology is not signed by the first visit, 2026-08-01: intensive" in str(on_the_day["because"])


def test_another_protocol_lays_the_plan_out_anew(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)

    decided = again(registry, TODAY, protocol="lee-2025", keep=False)

    plan = plan_of(registry)
    assert (plan["protocol_id"], plan["version"], plan["intensity"]) == ("lee-2025", 2, "standard")
    assert {"added", "moved"} & set(decided.followed.changes["change"])


def test_a_plan_that_runs_out_within_a_year_is_laid_out_further(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)

    again(registry, date(2035, 6, 1))
    not_yet = plan_of(registry)["horizon_month"]
    again(registry, date(2035, 7, 1))
    extended = plan_of(registry)

    assert not_yet == 120
    assert extended["horizon_month"] == 109 + 24


def registry_counts(registry: Registry) -> dict[str, int]:
    """How many rows each table has."""
    with registry.reading() as reading:
        return reading.counts()
