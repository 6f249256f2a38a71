"""Of which patients something may be to be done now: a small part of a registry, found before anything is derived."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, true, union

from scheduler.store.reading.asking import Asking, is_newest
from scheduler.store.reading.follow_up import NEWER_EXAMINATIONS, ONE_OF_A_PROCEDURE, is_signed
from scheduler.store.reading.schedules import IS_CURRENT
from scheduler.store.tables import episodes, events, examinations, patients, plans, reports, sites

EARLIER_RESULTS, EARLIER_PLANS = examinations.alias("earlier"), plans.alias("earlier")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """What may ask for something.

    An episode in one of the `states`, or one of the `events` that stands. A result that is pending; one that nobody has
    reviewed, and that has one of the `findings`, or is of one of the `markers` and above an earlier value of the same
    episode. An episode not ended that nobody plans after pathology, or whose plan is provisional now and in some
    version of `provisional_since` or before.
    """

    states: Collection[str]
    events: Collection[str]
    findings: Collection[str]
    markers: Collection[str]
    provisional_since: datetime


class AskingForAttention(Asking):
    """Who may need somebody."""

    def patients_needing(self, attention: Attention, *, site: str | None = None) -> pl.Series:
        """The patients of a site, or of all, of whom one of these things is true, each once."""
        of_events = events.c.event.in_(attention.events) & events.c.withdrawn_at.is_(None)
        found = union(
            select(episodes.c.patient_id).where(episodes.c.state.in_(attention.states)),
            select(events.c.patient_id).where(of_events),
            select(examinations.c.patient_id).where(_asks(attention)),
            _to_settle(attention.provisional_since),
        ).subquery()
        at_the_site = (
            select(found.c.patient_id)
            .join(patients, patients.c.id == found.c.patient_id)
            .join(sites, sites.c.id == patients.c.site_id)
            .where(sites.c.code == site if site is not None else true())
        )
        return self._frame(at_the_site)["patient_id"]


def _asks(attention: Attention) -> ColumnElement[bool]:
    """That the newest version of an examination asks for something."""
    is_unread = examinations.c.reviewed_by.is_(None)
    above_earlier = exists().where(
        EARLIER_RESULTS.c.episode_id == examinations.c.episode_id,
        EARLIER_RESULTS.c.procedure == examinations.c.procedure,
        EARLIER_RESULTS.c.performed_on < examinations.c.performed_on,
        EARLIER_RESULTS.c.value < examinations.c.value,
    )
    is_found = is_unread & examinations.c.finding.in_(attention.findings)
    may_have_risen = is_unread & examinations.c.procedure.in_(attention.markers) & above_earlier
    newest = is_newest(examinations, NEWER_EXAMINATIONS, *ONE_OF_A_PROCEDURE)
    is_pending = examinations.c.result_status == "pending"
    return and_(examinations.c.state == "recorded", is_pending | is_found | may_have_risen, newest)


def _to_settle(provisional_since: datetime) -> Select[Any]:
    """The patients with an episode not ended that nobody plans after pathology, or whose plan stays provisional."""
    was_provisional = exists().where(
        EARLIER_PLANS.c.episode_id == episodes.c.id,
        EARLIER_PLANS.c.provisional,
        EARLIER_PLANS.c.recorded_at <= provisional_since,
    )
    of_it = reports.c.resection_id == episodes.c.resection_id
    is_unplanned = plans.c.episode_id.is_(None) & exists().where(of_it, is_signed("pathology"))
    return (
        select(episodes.c.patient_id)
        .outerjoin(plans, and_(plans.c.episode_id == episodes.c.id, IS_CURRENT))
        .where(episodes.c.state != "ended", or_(plans.c.provisional & was_provisional, is_unplanned))
    )
