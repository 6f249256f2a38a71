"""The worklist of a day: who is due, who is overdue, who comes next; and what else is to be done."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from scheduler.actions.plans.rules import Rules
from scheduler.actions.worklist.worklist_facts import Asked, visits_as_of
from scheduler.actions.worklist.worklist_tasks import tasks_as_of
from scheduler.core.events import Event
from scheduler.core.visit_changes import visit_name
from scheduler.core.worklist import ON_THE_LIST, State, open_tasks, worklist
from scheduler.errors import NotFound, listed
from scheduler.store.reading import Reading
from scheduler.store.registry import Registry

WORKLIST = (
    "mrn",
    "site",
    "visit",
    "procedures",
    "opens_on",
    "due_on",
    "closes_on",
    "state",
    "days_overdue",
    "missed_before",
    "intensity",
    "provisional",
    "protocol",
    "booked_on",  # missing where no appointment stands, like booked_at
    "booked_at",  # HH:MM on the site's clock
    "note",  # missing, or that the patient is not to be contacted
)
TASK_LIST = ("mrn", "site", "task", "due_on", "days_overdue", "owner", "reason", "intensity", "note")
UPCOMING_DAYS = 28
DO_NOT_CONTACT = "do not contact"


class SiteNotFound(NotFound):
    """No site with this code: nobody's worklist, which must not look like an empty one."""

    def __init__(self, *, site: str, known: Sequence[str]) -> None:
        super().__init__(
            f"there is no site {site} in this registry; there are {listed(known)}",
            advice="Check the code (upper and lower case count); `hepwatch site list` shows every site.",
        )


class ProcedureNotFound(NotFound):
    """No protocol asks for this procedure: a worklist without rows must not look like a quiet day."""

    def __init__(self, *, procedure: str, known: Sequence[str]) -> None:
        super().__init__(
            f"no protocol asks for a procedure {procedure}; there are {listed(known)}",
            advice="Write one of these; `hepwatch rules show risk-adapted` shows what each is.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Only:
    """Whose visits and tasks are listed; what is None or false narrows nothing.

    `group` is the risk group by any model's newest assessment; `intensity` and `provisional` are of the plan that is
    followed; `awaiting_pathology`: a resection whose pathology report is not signed. `procedure` narrows visits alone.
    """

    group: str | None = None
    intensity: str | None = None
    procedure: str | None = None
    awaiting_pathology: bool = False
    provisional: bool = False


@dataclass(frozen=True, kw_only=True)
class Worklist:
    """Visits (`WORKLIST`) and open tasks (`TASK_LIST`), each with the most urgent first; `procedures` is a list."""

    visits: pl.DataFrame
    tasks: pl.DataFrame


EVERYBODY = Only()


def list_worklist(
    registry: Registry,
    rules: Rules,
    *,
    as_of: date,
    today: date,
    known_at: datetime | None = None,
    site: str | None = None,
    states: Collection[State] = ON_THE_LIST,
    only: Only = EVERYBODY,
    upcoming_days: int = UPCOMING_DAYS,
) -> Worklist:
    """The open visits in these states and the open tasks as of a day, by what was known at a moment (None: now).

    `visit` names a visit of the patient: its origin and month, such as `grid-6`. Upcoming are those whose window opens
    within `upcoming_days`. Only active episodes have visits; a patient who died or is treated may have tasks. Where
    nothing is asked of the past, the stored statuses are listed; else all is derived from what is recorded. A patient
    who withdrew consent to be contacted stays on the list with a note. Raises `SiteNotFound`, `ProcedureNotFound`.
    """
    asked = Asked(as_of=as_of, known_at=known_at, site=site, is_now=known_at is None and as_of >= today)
    opening_by = as_of + timedelta(days=upcoming_days if State.UPCOMING in states else 0)
    _check_procedure(rules, only.procedure)
    with registry.reading() as reading:
        check_site(reading, site)
        visits = _visits(reading, rules, asked, opening_by)
        on_the_list = worklist(visits, as_of=as_of, states=states)
        tasks = open_tasks(_with_plans(reading, tasks_as_of(reading, rules, asked), asked), as_of=as_of)
        chosen = [_narrowed(reading, rows, only, asked) for rows in (on_the_list, tasks)]
        people = _people(reading, pl.concat([rows["patient_id"] for rows in chosen]).unique(), asked)
        appointments = _appointments(reading, chosen[0]["visit_id"], asked)
    visits, tasks = (rows.join(people, on="patient_id", how="left", maintain_order="left") for rows in chosen)
    return Worklist(visits=_as_listed(visits, appointments, only.procedure), tasks=tasks.select(TASK_LIST))


def check_site(reading: Reading, site: str | None) -> None:
    """Raise `SiteNotFound` for a site that the registry does not have."""
    known = reading.sites()["site"].to_list()
    if site is not None and site not in known:
        raise SiteNotFound(site=site, known=known)


def _check_procedure(rules: Rules, procedure: str | None) -> None:
    known = sorted({name for protocol in rules.rulebook.protocols.values() for name in protocol.procedures})
    if procedure is not None and procedure not in known:
        raise ProcedureNotFound(procedure=procedure, known=known)


def _visits(reading: Reading, rules: Rules, asked: Asked, opening_by: date) -> pl.DataFrame:
    """The visits open by this day, and those answered or missed in the same episodes, which tell of misses."""
    if asked.is_now:
        opened = reading.open_visits(opening_by=opening_by, site=asked.site)
        answered = reading.answered_visits(opened["episode_id"].unique())
        return pl.concat([opened, answered], how="diagonal")
    is_ahead = (pl.col("status") == "open") & (pl.col("opens_on") > opening_by)
    return visits_as_of(reading, rules, asked).filter(~is_ahead)


def _with_plans(reading: Reading, tasks: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """The tasks with intensity and `provisional` of the plan that the episode follows; missing where there is none."""
    plans = reading.current_plans(tasks["episode_id"].drop_nulls().unique(), known_at=asked.known_at)
    followed = plans.select("episode_id", "intensity", "provisional")
    return tasks.join(followed, on="episode_id", how="left", maintain_order="left")


def _narrowed(reading: Reading, rows: pl.DataFrame, only: Only, asked: Asked) -> pl.DataFrame:
    """The rows of patients, visits' or tasks', that are asked for."""
    if only.intensity is not None:
        rows = rows.filter(pl.col("intensity") == only.intensity)
    if only.provisional:
        rows = rows.filter("provisional")
    if only.awaiting_pathology:
        awaiting = reading.signings(rows["patient_id"].unique(), awaiting="pathology", known_at=asked.known_at)
        rows = rows.filter(pl.col("patient_id").is_in(awaiting["patient_id"].implode()))
    if only.group is not None:
        members = _members(reading, rows["patient_id"].unique(), only.group, asked)
        rows = rows.filter(pl.col("patient_id").is_in(members.implode()))
    return rows


def _members(reading: Reading, patient_ids: pl.Series, group: str, asked: Asked) -> pl.Series:
    """The patients whom any model's newest assessment puts into the group."""
    resections = reading.resections_of(patient_ids).select("resection_id", "patient_id")
    assessed = reading.assessments_of(resections["resection_id"])
    if asked.known_at is not None:
        assessed = assessed.filter(pl.col("recorded_at") <= asked.known_at)
    newest = assessed.sort("assessment_id").unique(["resection_id", "model_id"], keep="last")
    return newest.filter(pl.col("risk_group") == group).join(resections, on="resection_id")["patient_id"].unique()


def _people(reading: Reading, patient_ids: pl.Series, asked: Asked) -> pl.DataFrame:
    """`patient_id, mrn, site` of the patients, and the `note` that goes with them."""
    sites = reading.patients(patient_ids).select("patient_id", "site")
    events = reading.events_of(patient_ids, known_at=asked.known_at).filter(
        pl.col("event") == Event.CONSENT_WITHDRAWN.value,
        pl.col("detail") == "contact",
        pl.col("happened_on") <= asked.as_of,
    )
    is_not = pl.col("patient_id").is_in(events["patient_id"].implode())
    return (
        reading.identities(patient_ids)
        .select("patient_id", "mrn")
        .join(sites, on="patient_id")
        .with_columns(note=pl.when(is_not).then(pl.lit(DO_NOT_CONTACT)))
    )


def _appointments(reading: Reading, visit_ids: pl.Series, asked: Asked) -> pl.DataFrame:
    """The appointments that stood: `visit_id, booked_on, booked_at`."""
    newest = reading.bookings_of(visit_ids, known_at=asked.known_at)
    return newest.filter(pl.col("state") == "booked").select("visit_id", "booked_on", booked_at="at")


def _as_listed(visits: pl.DataFrame, appointments: pl.DataFrame, procedure: str | None) -> pl.DataFrame:
    """The visits as `WORKLIST`."""
    listed = visits.join(appointments, on="visit_id", how="left", maintain_order="left").with_columns(
        visit_name().alias("visit"),
        pl.format("{}@{}", "protocol_id", "protocol_version").alias("protocol"),
        pl.col("procedures").str.split("|"),
    )
    wanted = pl.lit(True) if procedure is None else pl.col("procedures").list.contains(procedure)
    return listed.filter(wanted).select(WORKLIST)
