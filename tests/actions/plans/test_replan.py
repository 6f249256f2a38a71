"""Planning everybody anew: looked at first, then done in numbers that can be interrupted and gone on with."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from scheduler.actions.plans.replan import Replan, Replanned, replan
from scheduler.actions.worklist.list_worklist import SiteNotFound
from scheduler.store.registry import Registry
from tests.actions.tables import (
    BOTH,
    HIGH,
    PATHOLOGY,
    TODAY,
    a_patient,
    a_table,
    import_table,
    rules_of,
    sign,
    some_patients,
    stored,
)

TO_LEE = Replan(today=TODAY, actor="dr.lee", reason="the trial begins", to_protocol=True)


class PulledPlug(Exception):
    """Somebody stops the work between two numbers of patients."""


def plan_anew(registry: Registry, wanted: Replan, *, protocol: str = "lee-2025") -> Replanned:
    """Plan everybody anew by a protocol."""
    return replan(registry, rules_of(registry, protocol=protocol), wanted)


@pytest.fixture
def clinic(registry: Registry, tmp_path: Path) -> Registry:
    """Five patients at seoul and one at busan, all at low risk but the last at seoul."""
    rows = [*some_patients(4), a_patient(mrn="P-5", **HIGH), a_patient(mrn="P-6", site="busan")]
    import_table(registry, a_table(tmp_path, *rows), sign=BOTH)
    return registry


def test_a_preview_counts_who_would_change_and_stores_nothing(clinic: Registry) -> None:
    before = stored(clinic)

    shown = plan_anew(clinic, replace(TO_LEE, preview=True))

    assert (shown.patients, shown.replanned, shown.moved) == (6, 6, 6)
    assert shown.intensities.rows() == [("basic", "standard", 5), ("intensive", "standard", 1)]
    assert stored(clinic) == before


def test_what_was_previewed_is_what_is_done_and_done_again_changes_nothing(clinic: Registry) -> None:
    shown = plan_anew(clinic, replace(TO_LEE, preview=True))

    done = plan_anew(clinic, TO_LEE)
    after = stored(clinic)
    again = plan_anew(clinic, TO_LEE)

    assert (done.intensities.rows(), done.visits.rows()) == (shown.intensities.rows(), shown.visits.rows())
    assert (again.patients, again.replanned, again.moved) == (6, 0, 0)
    assert stored(clinic) == after


def test_one_site_leaves_the_others_as_they_are(clinic: Registry) -> None:
    done = plan_anew(clinic, replace(TO_LEE, site="busan"))

    with clinic.reading() as reading:
        protocols = reading.current_plans()["protocol_id"].to_list()
    assert (done.patients, protocols) == (1, ["risk-adapted"] * 5 + ["lee-2025"])


def test_a_site_that_nobody_knows_is_refused(clinic: Registry) -> None:
    with pytest.raises(SiteNotFound, match="there is no site bussan"):
        plan_anew(clinic, replace(TO_LEE, site="bussan"))


def test_interrupted_it_goes_on_where_it_was(clinic: Registry) -> None:
    def pull_the_plug(done: int, _all: int) -> None:
        if done == 4:
            raise PulledPlug

    rules = rules_of(clinic, protocol="lee-2025")
    with pytest.raises(PulledPlug):
        replan(clinic, rules, replace(TO_LEE, at_a_time=2), progress=pull_the_plug)
    with clinic.reading() as reading:
        half = reading.current_plans()["protocol_id"].to_list()
    rest = plan_anew(clinic, replace(TO_LEE, at_a_time=2))

    with clinic.reading() as reading:
        assert reading.verify_audit_chain() is None
        assert set(reading.current_plans()["protocol_id"]) == {"lee-2025"}
    assert half == ["lee-2025"] * 4 + ["risk-adapted"] * 2
    assert rest.replanned == 2


def test_every_patient_whose_plan_changed_has_an_audit_row_with_the_reason(clinic: Registry) -> None:
    plan_anew(clinic, TO_LEE)

    with clinic.reading() as reading:
        rows = [reading.audit_of(patient_id).row(-1, named=True) for patient_id in reading.patients()["patient_id"]]
    assert {(row["action"], row["reason"]) for row in rows} == {("replan", "the trial begins")}
    assert all("lee-2025@1" in row["rule_digests"] for row in rows)


def test_a_correction_afterwards_stays_with_the_protocol_that_is_followed(clinic: Registry) -> None:
    plan_anew(clinic, TO_LEE)

    sign(clinic, stage=PATHOLOGY, findings=HIGH, reason="read again")

    with clinic.reading() as reading:
        plan = reading.current_plans([1]).row(0, named=True)
    assert (plan["protocol_id"], plan["intensity"]) == ("lee-2025", "standard")


def test_without_another_protocol_nothing_changes_on_the_same_day(clinic: Registry) -> None:
    before = stored(clinic)

    done = plan_anew(clinic, replace(TO_LEE, to_protocol=False), protocol="risk-adapted")

    assert (done.replanned, done.moved) == (0, 0)
    assert stored(clinic) == before


def test_time_alone_lays_plans_out_further(clinic: Registry) -> None:
    late = replace(TO_LEE, to_protocol=False, today=date(2035, 8, 1))

    done = plan_anew(clinic, late, protocol="risk-adapted")

    assert (done.replanned, dict(done.visits.rows())["added"] > 0) == (6, True)
