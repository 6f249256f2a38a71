"""What can be asked of the registry: one method for each question, a frame for each answer.

Ids may be a series, a list or any number of them, or None for all there are. An answer has a row for what was found and
none for what was not; missing cells are null. The columns are those of the tables, `id` under its role (`visit_id`).
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, literal_column, or_, select, true

from scheduler.store import audit
from scheduler.store.database import Database
from scheduler.store.errors import RuleTextNotFound
from scheduler.store.identity import Key
from scheduler.store.tables import (
    assessments,
    audit_rows,
    episodes,
    identities,
    metadata,
    patients,
    plans,
    registry_facts,
    reports,
    resections,
    rule_texts,
    sites,
    visits,
)

Ids = Iterable[int] | pl.Series | None

IS_OPEN = visits.c.status == literal_column("'open'")  # a literal: SQLite matches no parameter to a partial index
IS_CURRENT = plans.c.superseded_at.is_(None)


class Reading:
    """One consistent state of the registry."""

    def __init__(self, database: Database, connection: Connection, key: Callable[[], Key]) -> None:
        self._database = database
        self._connection = connection
        self._key = key

    def sites(self) -> pl.DataFrame:
        """`site_id, site, title, country, subdivision, time_zone` of every site."""
        return self._frame(
            select(
                sites.c.id.label("site_id"),
                sites.c.code.label("site"),
                sites.c.title,
                sites.c.country,
                sites.c.subdivision,
                sites.c.time_zone,
            ).order_by(sites.c.id)
        )

    def patients_by_mrn(self, mrns: Iterable[str], *, site: str | None = None) -> pl.DataFrame:
        """`patient_id, mrn, site_id, site`: who has these MRNs, at one site (its code) or at any.

        `mrn` is as asked, so that it joins; blanks around it and its Unicode form do not matter.
        """
        asked = pl.DataFrame({"mrn": pl.Series(list(mrns), dtype=pl.String).unique(maintain_order=True)})
        hashed = asked.with_columns(self._key().hash_mrns(asked["mrn"]))
        found = self._frame(
            select(
                patients.c.id.label("patient_id"), patients.c.mrn_hash, patients.c.site_id, sites.c.code.label("site")
            )
            .join(sites, sites.c.id == patients.c.site_id)
            .where(patients.c.mrn_hash.in_(self._database.listed(hashed["mrn_hash"].unique())))
            .where(sites.c.code == site if site is not None else true())
        )
        matched = hashed.join(found, on="mrn_hash", maintain_order="left_right")
        return matched.select("patient_id", "mrn", "site_id", "site")

    def patients(self, patient_ids: Ids = None) -> pl.DataFrame:
        """`patient_id, site_id, site, enrolled_at`."""
        return self._frame(
            select(
                patients.c.id.label("patient_id"),
                patients.c.site_id,
                sites.c.code.label("site"),
                patients.c.enrolled_at,
            )
            .join(sites, sites.c.id == patients.c.site_id)
            .where(self._among(patients.c.id, patient_ids))
            .order_by(patients.c.id)
        )

    def identities(self, patient_ids: Ids = None) -> pl.DataFrame:
        """`patient_id, mrn, name, birth_date`, decrypted."""
        return self._key().decrypt(
            self._frame(
                select(identities)
                .where(self._among(identities.c.patient_id, patient_ids))
                .order_by(identities.c.patient_id)
            )
        )

    def resections_of(self, patient_ids: Ids = None) -> pl.DataFrame:
        """`resection_id, patient_id, resected_on`."""
        return self._frame(
            select(resections.c.id.label("resection_id"), resections.c.patient_id, resections.c.resected_on)
            .where(self._among(resections.c.patient_id, patient_ids))
            .order_by(resections.c.id)
        )

    def episodes_of(self, patient_ids: Ids = None) -> pl.DataFrame:
        """`episode_id, patient_id, resection_id, anchor_on, state, version`."""
        return self._frame(
            select(episodes.c.id.label("episode_id"), *_columns(episodes, without="id"))
            .where(self._among(episodes.c.patient_id, patient_ids))
            .order_by(episodes.c.id)
        )

    def reports_of(self, resection_ids: Ids = None) -> pl.DataFrame:
        """The latest signed version of each report, and its draft where there is one: every column of `reports`."""
        signed = reports.alias("signed")
        latest = (
            select(func.max(signed.c.version))
            .where(signed.c.resection_id == reports.c.resection_id, signed.c.stage == reports.c.stage)
            .where(signed.c.state == "signed")
            .scalar_subquery()
        )
        return self._frame(
            select(reports)
            .where(self._among(reports.c.resection_id, resection_ids))
            .where(or_(reports.c.state == "draft", reports.c.version == latest))
            .order_by(reports.c.resection_id, reports.c.stage, reports.c.version)
        )

    def assessments_of(self, resection_ids: Ids = None) -> pl.DataFrame:
        """Every assessment, the oldest first: `assessment_id` and the other columns of `assessments`."""
        return self._frame(
            select(assessments.c.id.label("assessment_id"), *_columns(assessments, without="id"))
            .where(self._among(assessments.c.resection_id, resection_ids))
            .order_by(assessments.c.id)
        )

    def current_plans(self, episode_ids: Ids = None) -> pl.DataFrame:
        """The plan that is followed now, one for each episode at most: every column of `plans`."""
        return self._frame(
            select(plans).where(self._among(plans.c.episode_id, episode_ids), IS_CURRENT).order_by(plans.c.episode_id)
        )

    def latest_plan_versions(self, episode_ids: Ids = None) -> pl.DataFrame:
        """`episode_id, version` of the newest plan of each episode, also of one that is followed no more."""
        return self._frame(
            select(plans.c.episode_id, func.max(plans.c.version).label("version"))
            .where(self._among(plans.c.episode_id, episode_ids))
            .group_by(plans.c.episode_id)
        )

    def visits_of(self, episode_ids: Ids = None) -> pl.DataFrame:
        """Every visit, whatever its status: `visit_id` and the other columns of `visits`."""
        return self._frame(
            select(visits.c.id.label("visit_id"), *_columns(visits, without="id"))
            .where(self._among(visits.c.episode_id, episode_ids))
            .order_by(visits.c.episode_id, visits.c.due_on, visits.c.id)
        )

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
                *_columns(visits, without="id"),
            )
            .join(episodes, episodes.c.id == visits.c.episode_id)
            .join(patients, patients.c.id == episodes.c.patient_id)
            .join(sites, sites.c.id == patients.c.site_id)
            .join(plans, plans.c.episode_id == visits.c.episode_id)
            .where(IS_OPEN, visits.c.opens_on <= opening_by, episodes.c.state == "active", IS_CURRENT)
            .where(sites.c.code == site if site is not None else true())
        ).sort("due_on", "visit_id")

    def audit_of(self, patient_id: int) -> pl.DataFrame:
        """The audit rows of one patient, the oldest first: every column of `audit_rows`."""
        return self._frame(
            select(audit_rows).where(audit_rows.c.patient_id == patient_id).order_by(audit_rows.c.position)
        )

    def rule_text(self, digest: str) -> str:
        """The text of a rule as it was used; raises `RuleTextNotFound`."""
        found: str | None = self._connection.scalar(select(rule_texts.c.text).where(rule_texts.c.digest == digest))
        if found is None:
            raise RuleTextNotFound(digest=digest)
        return found

    def fact(self, name: str) -> str | None:
        """What is known of the registry itself under this name, or None."""
        found: str | None = self._connection.scalar(select(registry_facts.c.value).where(registry_facts.c.name == name))
        return found

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {
            name: self._connection.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }

    def verify_audit_chain(self) -> int | None:
        """The position of the first audit row that was changed, removed, moved or added; None if none was.

        Needs no key, and holds only a bounded part of the chain at a time.
        """
        return audit.first_break(
            self._frames(select(audit_rows).order_by(audit_rows.c.position)), head=self.audit_head()
        )

    def audit_head(self) -> audit.Head:
        """Where the audit chain ends, as the registry keeps it."""
        written = self.fact("audit_head")
        return audit.Head.read(written) if written else audit.START

    def _frame(self, statement: Select[Any]) -> pl.DataFrame:
        """All rows that the statement selects."""
        return pl.concat(self._frames(statement))

    def _frames(self, statement: Select[Any]) -> Iterator[pl.DataFrame]:
        """The rows that the statement selects, a bounded number at a time."""
        return self._database.frames(self._connection, statement)

    def _among(self, column: ColumnElement[Any], ids: Ids) -> ColumnElement[bool]:
        """That the column is one of the ids; any number of them, None for all."""
        if ids is None:
            return true()
        listed = ids if isinstance(ids, pl.Series) else pl.Series(list(ids), dtype=pl.Int64)
        return column.in_(self._database.listed(listed.unique()))


def _columns(table: Table, *, without: str) -> list[Column[Any]]:
    """The table's columns but one."""
    return [column for column in table.columns if column.name != without]
