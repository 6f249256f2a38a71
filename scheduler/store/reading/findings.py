"""Questions about what was signed, and how it was scored."""

from datetime import datetime

import polars as pl
from sqlalchemy import and_, func, or_, select, true

from scheduler.store.reading.asking import Asking, Ids, columns_of, known_by
from scheduler.store.tables import assessments, reports


class AskingAboutFindings(Asking):
    """Reports and assessments."""

    def reports_of(self, resection_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The latest signed version of each report, and its draft where there is one: every column of `reports`.

        With `known_at`, what was signed at that moment or before, and the drafts of then that are drafts still: what a
        draft said before it was changed or signed is not kept.
        """
        signed = reports.alias("signed")
        latest = (
            select(func.max(signed.c.version))
            .where(signed.c.resection_id == reports.c.resection_id, signed.c.stage == reports.c.stage)
            .where(signed.c.state == "signed", known_by(signed, known_at))
            .where(signed.c.signed_at <= known_at if known_at else true())
            .scalar_subquery()
        )
        return self._frame(
            select(reports)
            .where(self._among(reports.c.resection_id, resection_ids))
            .where(or_(and_(reports.c.state == "draft", known_by(reports, known_at)), reports.c.version == latest))
            .order_by(reports.c.resection_id, reports.c.stage, reports.c.version)
        )

    def assessments_of(self, resection_ids: Ids = None) -> pl.DataFrame:
        """Every assessment, the oldest first: `assessment_id` and the other columns of `assessments`."""
        return self._frame(
            select(assessments.c.id.label("assessment_id"), *columns_of(assessments, without="id"))
            .where(self._among(assessments.c.resection_id, resection_ids))
            .order_by(assessments.c.id)
        )
