"""Questions about who is told: the recipients of a site, and the patients who may be reached; addresses apart.

An address is decrypted only where a method says so in its name.
"""

from datetime import datetime

import polars as pl
from sqlalchemy import func, select

from scheduler.store.reading.asking import Asking, Ids, is_newest, known_by
from scheduler.store.tables import contacts, recipients, sites

NEWER_RECIPIENTS, NEWER_CONTACTS = recipients.alias("newer"), contacts.alias("newer")
ONE_RECIPIENT = ("site_id", "role", "code")
IS_NEWEST_RECIPIENT = is_newest(recipients, NEWER_RECIPIENTS, *ONE_RECIPIENT)
IS_ACTIVE, IS_GIVEN = recipients.c.state == "active", contacts.c.state == "given"

# To whom an address is bound: to one row, so that neither another's nor an earlier one can take its place.
RECIPIENT = pl.format("recipient {}", "recipient_id")
CONTACT = pl.format("patient {}, version {}", "patient_id", "version")


class AskingAboutContacts(Asking):
    """Recipients and contacts."""

    def recipients_of(self, site_ids: Ids = None) -> pl.DataFrame:
        """Who is told at these sites, by role and code: the newest versions that are not withdrawn.

        `recipient_id` (of that version), `site_id, site, role, code, channel, language, has_address`; a missing channel
        or language is the policy's.
        """
        return self.latest_recipients(site_ids).filter(pl.col("state") == "active").drop("version", "state")

    def latest_recipients(self, site_ids: Ids = None) -> pl.DataFrame:
        """The newest version of every recipient of these sites, also of those withdrawn, by site, role and code.

        As `recipients_of`, and `version` and `state`.
        """
        return self._frame(
            select(
                recipients.c.id.label("recipient_id"),
                recipients.c.site_id,
                sites.c.code.label("site"),
                recipients.c.role,
                recipients.c.code,
                recipients.c.channel,
                recipients.c.language,
                recipients.c.ciphertext.is_not(None).label("has_address"),
                recipients.c.version,
                recipients.c.state,
            )
            .join(sites, sites.c.id == recipients.c.site_id)
            .where(self._among(recipients.c.site_id, site_ids), IS_NEWEST_RECIPIENT)
            .order_by(sites.c.code, recipients.c.role, recipients.c.code)
        )

    def newest_recipient_id(self, site_id: int) -> int:
        """The id of the version of a recipient of the site that was stored last; 0 where there is none."""
        newest = select(func.max(recipients.c.id)).where(recipients.c.site_id == site_id)
        return int(self._connection.scalar(newest) or 0)

    def recipient_addresses(self, recipient_ids: Ids = None) -> pl.DataFrame:
        """`recipient_id, address`, decrypted, of the recipients that are told now and have one."""
        sealed = self._frame(
            select(recipients.c.id.label("recipient_id"), recipients.c.ciphertext)
            .where(self._among(recipients.c.id, recipient_ids), recipients.c.ciphertext.is_not(None))
            .where(IS_ACTIVE, IS_NEWEST_RECIPIENT)
            .order_by(recipients.c.id)
        ).with_columns(RECIPIENT.alias("owner"))
        return sealed.select("recipient_id", self._key().decrypt_addresses(sealed))

    def contacts_of(self, patient_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The contacts of these patients that are in force: the newest version, where it was not withdrawn.

        `patient_id, channel, language, consented_on, recorded_at`; a missing channel or language is the policy's. With
        `known_at`, those in force as had been recorded at that moment.
        """
        return self._frame(
            select(*(contacts.c[name] for name in ("patient_id", "channel", "language", "consented_on", "recorded_at")))
            .where(self._among(contacts.c.patient_id, patient_ids), known_by(contacts, known_at), IS_GIVEN)
            .where(is_newest(contacts, NEWER_CONTACTS, "patient_id", known_at=known_at))
            .order_by(contacts.c.patient_id)
        )

    def latest_contacts(self, patient_ids: Ids = None, *, known_at: datetime | None = None) -> pl.DataFrame:
        """The newest version of each of these patients' contacts, also of one withdrawn: all but the ciphertext."""
        told = [column for column in contacts.columns if column is not contacts.c.ciphertext]
        return self._frame(
            select(*told)
            .where(self._among(contacts.c.patient_id, patient_ids), known_by(contacts, known_at))
            .where(is_newest(contacts, NEWER_CONTACTS, "patient_id", known_at=known_at))
            .order_by(contacts.c.patient_id)
        )

    def contact_addresses(self, patient_ids: Ids) -> pl.DataFrame:
        """`patient_id, address`, decrypted, of those of these patients whose contact is in force."""
        sealed = self._frame(
            select(contacts.c.patient_id, contacts.c.version, contacts.c.ciphertext)
            .where(self._among(contacts.c.patient_id, patient_ids), IS_GIVEN)
            .where(is_newest(contacts, NEWER_CONTACTS, "patient_id"))
            .order_by(contacts.c.patient_id)
        ).with_columns(CONTACT.alias("owner"))
        return sealed.select("patient_id", self._key().decrypt_addresses(sealed))

    def sealed_recipients(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of `recipients` as they are stored: the column `address` encrypted, as `ciphertext`."""
        owned = rows.with_columns(pl.format("recipient {}", "id").alias("owner"))
        return owned.with_columns(self._key().encrypt_addresses(owned)).drop("owner", "address")

    def sealed_contacts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of `contacts` as they are stored: the column `address` encrypted, as `ciphertext`."""
        owned = rows.with_columns(CONTACT.alias("owner"))
        return owned.with_columns(self._key().encrypt_addresses(owned)).drop("owner", "address")
