"""What is wrong with the registry as of today: nobody is lost, nothing waits unseen, every plan reaches far enough."""

from datetime import date, timedelta

import polars as pl

from scheduler.actions.plans.deciding import EXTEND_WITHIN_MONTHS
from scheduler.actions.plans.rules import Rules
from scheduler.actions.plans.signed_findings import signed_findings
from scheduler.actions.reminders.findings import FOUND, message_findings
from scheduler.actions.worklist.list_worklist import check_site
from scheduler.actions.worklist.worklist_facts import Asked
from scheduler.actions.worklist.worklist_tasks import tasks_as_of
from scheduler.core.calendar import whole_months_between, without_working_day
from scheduler.core.episode_tasks import Task
from scheduler.core.event_lines import State
from scheduler.core.planning import no_surveillance
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

FINDINGS: dict[str, pl.DataType] = {
    "mrn": pl.String(),
    "site": pl.String(),
    "finding": pl.String(),
    "since_on": pl.Date(),  # missing where no day says it
    "what": pl.String(),
}
OF_TASKS = {Task.SIGN_PATHOLOGY.value: "pathology late", Task.SETTLE_PROVISIONAL_PLAN.value: "provisional too long"}
DAYS_AHEAD = 400  # visits that open later are looked at when they come nearer


def list_findings(registry: Registry, rules: Rules, *, today: date, site: str | None = None) -> pl.DataFrame:
    """Every finding (`FINDINGS`) of the patients of one site or all, by finding and MRN.

    Pathology unsigned at day 45; a plan provisional for 60 days; a visit of the next 400 days in whose whole window the
    site does not work; a plan that runs out within a year; an active patient with a plan and no open visit ahead; an
    appointment of a visit that is not to be held any more; a patient whose surgery is signed and who is neither planned
    nor exempt; and messages that went out after a death, that may not have arrived, or that were refused. Raises
    `SiteNotFound`.
    """
    with registry.reading() as reading:
        check_site(reading, site)
        found = pl.concat(
            [
                _of_tasks(reading, rules, today, site),
                _without_working_day(reading, rules, today, site),
                _running_out(reading, today),
                _nothing_ahead(reading, today),
                _idle_appointments(reading, today),
                _unplanned(reading, rules),
                message_findings(reading),
            ]
        )
        people = reading.patients(found["patient_id"]).select("patient_id", "site")
        named = reading.identities(found["patient_id"]).select("patient_id", "mrn")
    told = found.join(people, on="patient_id").join(named, on="patient_id")
    return told.filter(pl.col("site") == site if site else pl.lit(True)).select(*FINDINGS).sort("finding", "mrn")


def _of_tasks(reading: Reading, rules: Rules, today: date, site: str | None) -> pl.DataFrame:
    """What is a task of somebody too."""
    asked = Asked(as_of=today, known_at=None, site=site, is_now=True)
    is_open = (pl.col("opened_on") <= today) & pl.col("closed_on").is_null()
    waiting = tasks_as_of(reading, rules, asked).filter(is_open, pl.col("task").is_in([*OF_TASKS]))
    return _found(
        waiting, finding=pl.col("task").replace_strict(OF_TASKS), since_on=pl.col("opened_on"), what=pl.col("reason")
    )


def _without_working_day(reading: Reading, rules: Rules, today: date, site: str | None) -> pl.DataFrame:
    """The visits ahead in whose windows nobody works."""
    soon = reading.open_visits(opening_by=today + timedelta(days=DAYS_AHEAD), site=site)
    ahead = soon.filter(pl.col("closes_on") >= today)
    parts = [
        without_working_day(visits, rules.working_days(str(code)))
        for (code,), visits in ahead.group_by("site", maintain_order=True)
    ]
    nobody = pl.concat([ahead.clear(), *parts])
    what = pl.format("nobody works from {} to {}, the window of {}-{}", "opens_on", "closes_on", "origin", "grid_month")
    return _found(nobody, finding=pl.lit("no working day"), since_on=pl.col("opens_on"), what=what)


def _running_out(reading: Reading, today: date) -> pl.DataFrame:
    """The plans of active episodes that should have been laid out further."""
    active = reading.episodes_of().filter(pl.col("state") == State.ACTIVE.value)
    plans = reading.current_plans().select("episode_id", "horizon_month")
    left = pl.col("horizon_month") - whole_months_between(pl.col("anchor_on"), pl.lit(today))
    short = active.join(plans, on="episode_id").filter(left < EXTEND_WITHIN_MONTHS)
    what = pl.format("the plan is laid out to month {} only; run hepwatch replan", "horizon_month")
    return _found(short, finding=pl.lit("plan runs out"), since_on=pl.lit(None), what=what)


def _nothing_ahead(reading: Reading, today: date) -> pl.DataFrame:
    """The active patients who have a plan and whom nobody will ever ask to come: the worst that can be."""
    active = reading.episodes_of().filter(pl.col("state") == State.ACTIVE.value)
    planned = active.join(reading.current_plans().select("episode_id"), on="episode_id", how="semi")
    alone = planned.join(reading.episodes_with_visits_ahead(today), on="episode_id", how="anti")
    what = pl.lit("followed, and no open visit lies ahead; run hepwatch replan, and tell whoever keeps the rules")
    return _found(alone, finding=pl.lit("nothing ahead"), since_on=pl.lit(None), what=what)


def _idle_appointments(reading: Reading, today: date) -> pl.DataFrame:
    """The appointments ahead of visits that are not to be held: the episode is not active, or the visit is closed."""
    booked = reading.standing_appointments(from_on=today)
    idle = booked.filter((pl.col("state") != State.ACTIVE.value) | (pl.col("status") != "open"))
    stands = pl.when(pl.col("state") != State.ACTIVE.value).then(pl.format("the episode is {}", "state"))
    why = stands.otherwise(pl.format("the visit is {}", "status")).str.replace_all("_", " ")
    what = pl.format("{}-{} is booked for {}, and {}: cancel it", "origin", "grid_month", "booked_on", why)
    return _found(idle, finding=pl.lit("idle appointment"), since_on=pl.lit(None), what=what)


def _unplanned(reading: Reading, rules: Rules) -> pl.DataFrame:
    """The patients whose surgery is signed, who have no plan and are not exempt from one."""
    planned = reading.current_plans().select("episode_id")
    unplanned = (
        reading.episodes_of().filter(pl.col("state") == State.ACTIVE.value).join(planned, on="episode_id", how="anti")
    )
    signed = signed_findings(reading, unplanned["patient_id"], rules.rulebook.dictionary)
    here = signed.filter(pl.col("episode_id").is_in(unplanned["episode_id"].implode()))
    exempt = no_surveillance(here, rules.protocol, rules.rulebook.dictionary)
    what = pl.lit("surgery is signed, and nothing is planned; run hepwatch replan")
    return _found(here.filter(exempt.is_null()), finding=pl.lit("not planned"), since_on=pl.lit(None), what=what)


def _found(rows: pl.DataFrame, **columns: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(**columns).select(pl.col(name).cast(kind) for name, kind in FOUND.items())
