"""Questions about people and sites."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl
from sqlalchemy import select, true

from scheduler.store.reading.asking import Asking, Ids, columns_of
from scheduler.store.tables import closures, episodes, identities, patients, resections, sites


class AskingAboutPeople(Asking):
    """Who is followed, where, after which operation."""

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

    def closures_of(self, site_ids: Ids = None) -> pl.DataFrame:
        """The days on which sites are closed beside weekends and holidays, by site and day: every column of it."""
        return self._frame(
            select(closures)
            .where(self._among(closures.c.site_id, site_ids))
            .order_by(closures.c.site_id, closures.c.closed_on)
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
            .where(self._among(patients.c.mrn_hash, hashed["mrn_hash"]))
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

    def patients_of_episodes(self, episode_ids: Ids = None) -> pl.DataFrame:
        """`episode_id, patient_id`: whose each of these episodes is."""
        return self._frame(
            select(episodes.c.id.label("episode_id"), episodes.c.patient_id).where(
                self._among(episodes.c.id, episode_ids)
            )
        )

    def episodes_at(
        self, patient_ids: Ids = None, *, site: str | None = None, known_at: datetime | None = None
    ) -> pl.DataFrame:
        """The columns of `episodes_of`, and `site`: the episodes of these patients, of one site or of all.

        With `known_at`, of those who were enrolled at that moment or before.
        """
        return self._frame(
            select(episodes.c.id.label("episode_id"), *columns_of(episodes, without="id"), sites.c.code.label("site"))
            .join(patients, patients.c.id == episodes.c.patient_id)
            .join(sites, sites.c.id == patients.c.site_id)
            .where(self._among(episodes.c.patient_id, patient_ids))
            .where(sites.c.code == site if site is not None else true())
            .where(patients.c.enrolled_at <= known_at if known_at is not None else true())
            .order_by(episodes.c.id)
        )

    def episodes_of(self, patient_ids: Ids = None) -> pl.DataFrame:
        """`episode_id, patient_id, resection_id, anchor_on, state, version`."""
        return self._frame(
            select(episodes.c.id.label("episode_id"), *columns_of(episodes, without="id"))
            .where(self._among(episodes.c.patient_id, patient_ids))
            .order_by(episodes.c.id)
        )
