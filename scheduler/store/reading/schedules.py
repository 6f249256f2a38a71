"""Questions about plans, their visits, what each plan changed, and what a clinician overrode."""

from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select, true

from scheduler.store.errors import StoreMisused
from scheduler.store.reading.asking import Asking, Ids, as_known, columns_of, known_by
from scheduler.store.tables import episodes, overrides, patients, plan_changes, plans, sites, visits

IS_OPEN = visits.c.status == literal_column("'open'")  # a literal: SQLite matches no parameter to a partial index
IS_CURRENT = plans.c.superseded_at.is_(None)
VISIT_KEY = ("episode_id", "origin", "grid_month")
WAS = ("opens_on", "due_on", "closes_on", "procedures", "status")


class AskingAboutSchedules(Asking):
    """Plans, visits, plan changes and overrides."""

    def current_plans(self, episode_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The plan that is followed now, one for each episode at most: every column of `plans`.

        With `known_at`, the plan that was followed at that moment.
        """
        followed = self._frame(
            select(plans)
            .where(self._among(plans.c.episode_id, episode_ids), _followed(known_at))
            .order_by(plans.c.episode_id)
        )
        return as_known(followed, known_at, "superseded_at")

    def plan_versions_of(self, episode_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """Every version of the plans of these episodes, the oldest first: every column of `plans`.

        With `known_at`, those recorded at that moment or before, superseded only where that was known then.
        """
        recorded = self._frame(
            select(plans)
            .where(self._among(plans.c.episode_id, episode_ids), known_by(plans, known_at))
            .order_by(plans.c.episode_id, plans.c.version)
        )
        return as_known(recorded, known_at, "superseded_at")

    def episodes_with_visits_ahead(self, today: date) -> pl.DataFrame:
        """`episode_id` of every episode with an open visit whose window closes today or later."""
        return self._frame(select(visits.c.episode_id).where(IS_OPEN, visits.c.closes_on >= today).distinct())

    def latest_plan_versions(self, episode_ids: Ids = None) -> pl.DataFrame:
        """`episode_id, version` of the newest plan of each episode, also of one that is followed no more."""
        return self._frame(
            select(plans.c.episode_id, func.max(plans.c.version).label("version"))
            .where(self._among(plans.c.episode_id, episode_ids))
            .group_by(plans.c.episode_id)
        )

    def plan_changes_of(self, episode_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """What each version of the plans changed, the oldest version first: `plan_change_id` and the other columns.

        A visit that a version kept has no row.
        """
        return self._frame(
            select(plan_changes.c.id.label("plan_change_id"), *columns_of(plan_changes, without="id"))
            .where(self._among(plan_changes.c.episode_id, episode_ids), known_by(plan_changes, known_at))
            .order_by(plan_changes.c.episode_id, plan_changes.c.plan_version, plan_changes.c.id)
        )

    def overrides_of(self, episode_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """Every override, also one that has ended or run out, the oldest first: `override_id` and the other columns.

        With `known_at`, those recorded at that moment or before, and ended only where that was known then.
        """
        recorded = self._frame(
            select(overrides.c.id.label("override_id"), *columns_of(overrides, without="id"))
            .where(self._among(overrides.c.episode_id, episode_ids), known_by(overrides, known_at))
            .order_by(overrides.c.id)
        )
        return as_known(recorded, known_at, "ended_at", "ended_by")

    def visits_of(self, episode_ids: Ids = None) -> pl.DataFrame:
        """Every visit, whatever its status: `visit_id` and the other columns of `visits`."""
        return self._frame(
            select(visits.c.id.label("visit_id"), *columns_of(visits, without="id"))
            .where(self._among(visits.c.episode_id, episode_ids))
            .order_by(visits.c.episode_id, visits.c.due_on, visits.c.id)
        )

    def answered_visits(self, episode_ids: Ids) -> pl.DataFrame:
        """The visits of these episodes that are done or missed: `visit_id` and the other columns of `visits`."""
        return self._frame(
            select(visits.c.id.label("visit_id"), *columns_of(visits, without="id"))
            .where(self._among(visits.c.episode_id, episode_ids), visits.c.status.in_(("done", "missed")))
            .order_by(visits.c.episode_id, visits.c.due_on, visits.c.id)
        )

    def visits_as_known(self, episode_ids: Ids = None, known_at: datetime | None = None) -> pl.DataFrame:
        """The visits that existed at a moment (None: now) as the plan and people had left them.

        By episode and due day: `visit_id` and the other columns of `visits` but `plan_version`. A visit that was
        changed later stands as it was before the first of those changes. `status` is open, withdrawn or missed: what
        was answered or censored stands as open, since that follows from examinations and events, which have their own
        moments.
        """
        was = self._frame(_with_the_plan().where(self._among(visits.c.episode_id, episode_ids)))
        if known_at is not None:
            of_these = self._among(plan_changes.c.episode_id, episode_ids)
            was = _as_they_were(was, self._frame(_later_changes(known_at, of_these)), known_at)
        derived = pl.col("status").is_in(["done", "censored"])
        status = pl.when(derived).then(pl.lit("open")).otherwise("status")
        return was.with_columns(status=status).drop("plan_recorded_at").sort("episode_id", "due_on", "visit_id")

    def open_visits(self, *, opening_by: date, site: str | None = None) -> pl.DataFrame:
        """The open visits of active episodes whose window opens on this day or before, the earliest due first.

        `patient_id, site, time_zone, intensity, provisional, protocol_id, protocol_version, visit_id` and the other
        columns of `visits`. Intensity and protocol are those of the plan that is followed now.
        """
        return self._frame(
            select(
                episodes.c.patient_id,
                sites.c.code.label("site"),
                sites.c.time_zone,
                plans.c.intensity,
                plans.c.provisional,
                plans.c.protocol_id,
                plans.c.protocol_version,
                visits.c.id.label("visit_id"),
                *columns_of(visits, without="id"),
            )
            .join(episodes, episodes.c.id == visits.c.episode_id)
            .join(patients, patients.c.id == episodes.c.patient_id)
            .join(sites, sites.c.id == patients.c.site_id)
            .join(plans, plans.c.episode_id == visits.c.episode_id)
            .where(IS_OPEN, visits.c.opens_on <= opening_by, episodes.c.state == "active", IS_CURRENT)
            .where(sites.c.code == site if site is not None else true())
        ).sort("due_on", "visit_id")


def _followed(known_at: datetime | None) -> ColumnElement[bool]:
    """That a plan is followed now, or was at the moment."""
    if known_at is None:
        return IS_CURRENT
    return known_by(plans, known_at) & or_(IS_CURRENT, plans.c.superseded_at > known_at)


def _with_the_plan() -> Select[Any]:
    """Every visit, and since when the plan that it was laid out or changed by has been known."""
    columns = [column for column in columns_of(visits, without="id") if column.name != "plan_version"]
    of_the_plan = (plans.c.episode_id == visits.c.episode_id) & (plans.c.version == visits.c.plan_version)
    return select(visits.c.id.label("visit_id"), *columns, plans.c.recorded_at.label("plan_recorded_at")).join(
        plans, of_the_plan
    )


def _later_changes(known_at: datetime, of_these: ColumnElement[bool]) -> Select[Any]:
    """What was recorded after the moment, the earliest first."""
    if known_at.tzinfo is None:
        raise StoreMisused("a moment needs a time zone")
    return (
        select(*(plan_changes.c[name] for name in VISIT_KEY), *(plan_changes.c[f"was_{name}"] for name in WAS))
        .where(plan_changes.c.recorded_at > known_at, of_these)
        .order_by(plan_changes.c.recorded_at, plan_changes.c.id)
    )


def _as_they_were(visits_now: pl.DataFrame, later: pl.DataFrame, known_at: datetime) -> pl.DataFrame:
    """The visits before the first change that came after the moment; those that did not exist are left out."""
    first = later.unique(VISIT_KEY, keep="first", maintain_order=True).with_columns(is_changed=pl.lit(True))
    both = visits_now.join(first, on=VISIT_KEY, how="left", maintain_order="left")
    is_changed = pl.col("is_changed").fill_null(value=False)
    existed = (
        pl.when(is_changed).then(pl.col("was_status").is_not_null()).otherwise(pl.col("plan_recorded_at") <= known_at)
    )
    stood = (pl.when(is_changed).then(f"was_{name}").otherwise(name).alias(name) for name in WAS)
    return both.filter(existed).with_columns(stood).select(visits_now.columns)
