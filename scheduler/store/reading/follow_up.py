"""Questions about follow-up: examinations and what they count for, appointments, events, and what is waited for."""

from datetime import date, datetime
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, CompoundSelect, and_, false, func, literal_column, or_, select, true

from scheduler.store.reading.asking import Asking, Ids, as_known, columns_of, is_newest, known_by
from scheduler.store.tables import (
    bookings,
    episodes,
    events,
    examinations,
    patients,
    reports,
    resections,
    sites,
    verdicts,
    visits,
)

IS_SIGNED = reports.c.state == literal_column("'signed'")  # a literal: SQLite matches no parameter to a partial index
ONE_OF_A_PROCEDURE = ("patient_id", "procedure", "performed_on", "number")
NEWER_EXAMINATIONS, NEWER_BOOKINGS = examinations.alias("newer"), bookings.alias("newer")


class AskingAboutFollowUp(Asking):
    """Examinations, verdicts, bookings and events."""

    def examinations_of(self, episode_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The newest version of each examination that was not deleted, by episode and day performed.

        `examination_id` and the other columns of `examinations`. With `known_at`, as they were recorded and reviewed at
        that moment: a result that came in or was deleted later stands as it stood.
        """
        recorded = self._frame(
            select(examinations.c.id.label("examination_id"), *columns_of(examinations, without="id"))
            .where(self._among(examinations.c.episode_id, episode_ids), examinations.c.state == "recorded")
            .where(known_by(examinations, known_at))
            .where(is_newest(examinations, NEWER_EXAMINATIONS, *ONE_OF_A_PROCEDURE, known_at=known_at))
            .order_by(examinations.c.episode_id, examinations.c.performed_on, examinations.c.id)
        )
        return as_known(recorded, known_at, "reviewed_at", "reviewed_by")

    def examination_versions(self, patient_ids: Ids = None) -> pl.DataFrame:
        """Every version of every examination, also the deleted ones: `examination_id` and the other columns.

        By patient, day performed, procedure and number; the oldest version first.
        """
        return self._frame(
            select(examinations.c.id.label("examination_id"), *columns_of(examinations, without="id"))
            .where(self._among(examinations.c.patient_id, patient_ids))
            .order_by(
                examinations.c.patient_id,
                examinations.c.performed_on,
                examinations.c.procedure,
                examinations.c.number,
                examinations.c.version,
            )
        )

    def verdicts_of(self, episode_ids: Ids = None) -> pl.DataFrame:
        """What each examination counts for, as it was matched last: every column of `verdicts`."""
        return self._frame(
            select(verdicts)
            .where(self._among(verdicts.c.episode_id, episode_ids))
            .order_by(verdicts.c.episode_id, verdicts.c.examination_id)
        )

    def bookings_of(self, visit_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The newest version of each visit's appointment, whatever its state: `booking_id` and the other columns.

        With `known_at`, as it stood at that moment.
        """
        return self._frame(
            select(bookings.c.id.label("booking_id"), *columns_of(bookings, without="id"))
            .where(self._among(bookings.c.visit_id, visit_ids), known_by(bookings, known_at))
            .where(is_newest(bookings, NEWER_BOOKINGS, "visit_id", known_at=known_at))
            .order_by(bookings.c.visit_id)
        )

    def appointments_of(self, visit_ids: Ids) -> pl.DataFrame:
        """`visit_id, booked_on` of those of these visits for which an appointment stands."""
        stands = and_(bookings.c.state == "booked", is_newest(bookings, NEWER_BOOKINGS, "visit_id"))
        return self._frame(
            select(bookings.c.visit_id, bookings.c.booked_on).where(self._among(bookings.c.visit_id, visit_ids), stands)
        )

    def standing_appointments(self, *, from_on: date) -> pl.DataFrame:
        """The appointments on this day or later that nobody moved, cancelled or missed.

        `patient_id, state` (of the episode), `status, origin, grid_month` (of the visit), `booked_on`.
        """
        return self._frame(
            select(
                episodes.c.patient_id,
                episodes.c.state,
                visits.c.status,
                visits.c.origin,
                visits.c.grid_month,
                bookings.c.booked_on,
            )
            .join(visits, visits.c.id == bookings.c.visit_id)
            .join(episodes, episodes.c.id == visits.c.episode_id)
            .where(bookings.c.state == "booked", bookings.c.booked_on >= from_on)
            .where(is_newest(bookings, NEWER_BOOKINGS, "visit_id"))
        )

    def events_of(self, patient_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """Every event that was not taken back, by patient and day: `event_id` and the other columns of `events`.

        `detail` is never missing. With `known_at`, those recorded at that moment or before, whenever they happened,
        and not taken back by then.
        """
        later = events.c.withdrawn_at > known_at if known_at is not None else false()
        return self._frame(
            select(events.c.id.label("event_id"), *columns_of(events, without="id"))
            .where(self._among(events.c.patient_id, patient_ids), known_by(events, known_at))
            .where(or_(events.c.withdrawn_at.is_(None), later))
            .order_by(events.c.patient_id, events.c.happened_on, events.c.id)
        )

    def event_versions(self, patient_ids: Ids = None) -> pl.DataFrame:
        """Every event, also those taken back (`withdrawn_at`, `_by`, `_because`), by patient, day and recording."""
        return self._frame(
            select(events.c.id.label("event_id"), *columns_of(events, without="id"))
            .where(self._among(events.c.patient_id, patient_ids))
            .order_by(events.c.patient_id, events.c.happened_on, events.c.id)
        )

    def signings(
        self,
        patient_ids: Ids = None,
        *,
        awaiting: str | None = None,
        site: str | None = None,
        known_at: datetime | None = None,
    ) -> pl.DataFrame:
        """When the reports of each resection were signed for the first time, by day of the resection.

        `resection_id, patient_id, site, resected_on, episode_id, surgery_signed_at, pathology_signed_at`; `episode_id`
        is that of the episode which it began. With `awaiting` (surgery or pathology) those only whose report of that
        stage is not signed. With `known_at`, patients enrolled and reports signed at that moment or before.
        """
        surgery, pathology = _first_signed("surgery", known_at), _first_signed("pathology", known_at)
        unsigned = resections.c.id.in_(_not_signed(awaiting, known_at)) if awaiting is not None else true()
        return self._frame(
            select(
                resections.c.id.label("resection_id"),
                resections.c.patient_id,
                sites.c.code.label("site"),
                resections.c.resected_on,
                episodes.c.id.label("episode_id"),
                surgery.label("surgery_signed_at"),
                pathology.label("pathology_signed_at"),
            )
            .join(episodes, episodes.c.resection_id == resections.c.id)
            .join(patients, patients.c.id == resections.c.patient_id)
            .join(sites, sites.c.id == patients.c.site_id)
            .where(self._among(resections.c.patient_id, patient_ids), unsigned)
            .where(sites.c.code == site if site is not None else true())
            .where(patients.c.enrolled_at <= known_at if known_at is not None else true())
            .order_by(resections.c.resected_on, resections.c.id)
        )


def _first_signed(stage: str, known_at: datetime | None) -> ColumnElement[Any]:
    """The moment at which a resection's report of this stage was signed first; missing while it is not."""
    of_it = reports.c.resection_id == resections.c.id
    return select(func.min(reports.c.signed_at)).where(of_it, is_signed(stage, known_at)).scalar_subquery()


def _not_signed(stage: str, known_at: datetime | None) -> CompoundSelect[Any]:
    """The resections whose report of this stage is not signed, nor was at the moment.

    As a difference of two lists: SQLite would look into the reports for each resection of a registry.
    """
    return select(resections.c.id).except_(select(reports.c.resection_id).where(is_signed(stage, known_at)))


def is_signed(stage: str, known_at: datetime | None = None) -> ColumnElement[bool]:
    """That a report is of this stage and signed, at the moment or before."""
    by_then = reports.c.signed_at <= known_at if known_at is not None else true()
    return and_(IS_SIGNED, reports.c.stage == stage, by_then)
