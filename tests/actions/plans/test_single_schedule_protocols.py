"""A protocol with one schedule for everybody never leaves anybody without a plan, whatever policy would want."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from scheduler.actions.plans.replan import Replan, replan
from scheduler.actions.worklist.list_findings import list_findings
from scheduler.store.registry import Registry
from tests.actions.lives import happened
from tests.actions.tables import BOTH, HIGH, SURGERY, TODAY, a_patient, a_table, import_table, rules_of
from tests.databases import ask

UNIFORM = ("lee-2025", "wang-2025", "bmj-best-practice")
LATE = date(2026, 9, 1)  # pathology is unsigned long after the first visit
TREATED_ON = date(2026, 8, 20)


def ahead(registry: Registry, today: date) -> dict[int, int]:
    """How many open visits lie ahead of each patient whose episode is active."""
    with registry.reading() as reading:
        active = reading.episodes_of().filter(state="active").select("episode_id", "patient_id")
        visits = reading.visits_of().filter(pl.col("status") == "open", pl.col("closes_on") >= today)
    counted = active.join(visits, on="episode_id", how="left").group_by("patient_id").agg(pl.col("visit_id").count())
    return dict(counted.sort("patient_id").iter_rows())


@pytest.mark.parametrize("protocol", UNIFORM)
def test_whoever_policy_would_follow_intensively_is_followed_by_the_schedule_there_is(
    registry: Registry, tmp_path: Path, protocol: str
) -> None:
    import_table(registry, a_table(tmp_path, a_patient(), a_patient(mrn="P-2", **HIGH)), sign=BOTH)
    import_table(registry, a_table(tmp_path, a_patient(mrn="P-3"), name="b.csv"), sign=frozenset({SURGERY}))
    happened(registry, "curative_treatment", TREATED_ON, detail="ablation", today=TREATED_ON)

    wanted = Replan(today=LATE, actor="dr.lee", reason="trial", to_protocol=True)
    replan(registry, rules_of(registry, protocol=protocol), wanted)

    with registry.reading() as reading:
        plans = reading.current_plans()
    assert set(plans.filter(protocol_id=protocol)["intensity"]) == {"standard"}
    assert all(count >= 5 for count in ahead(registry, LATE).values())
    assert len(ahead(registry, LATE)) == 3


def test_a_treatment_begins_an_episode_with_visits_under_every_protocol(registry: Registry, tmp_path: Path) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)
    replan(
        registry,
        rules_of(registry, protocol="lee-2025"),
        Replan(today=TODAY, actor="dr.lee", reason="trial", to_protocol=True),
    )

    happened(registry, "curative_treatment", TREATED_ON, detail="ablation", today=TREATED_ON)

    assert ahead(registry, TREATED_ON)[1] >= 5


def test_an_active_patient_with_a_plan_and_nothing_ahead_is_a_finding(
    registry: Registry, database_url: str, tmp_path: Path
) -> None:
    import_table(registry, a_table(tmp_path, a_patient()), sign=BOTH)
    ask(database_url, "UPDATE visits SET status = 'withdrawn'")

    found = list_findings(registry, rules_of(registry), today=TODAY + timedelta(days=1))

    assert found.select("mrn", "finding").rows() == [("P-1", "nothing ahead")]
