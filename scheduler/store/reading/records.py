"""Questions about the records themselves: audit rows, rule texts, and what is known of the registry."""

import polars as pl
from sqlalchemy import func, select

from scheduler.store import audit
from scheduler.store.errors import RuleTextNotFound
from scheduler.store.reading.asking import Asking
from scheduler.store.tables import audit_rows, metadata, registry_facts, rule_texts


class AskingAboutRecords(Asking):
    """The audit chain, the rules that were used, the registry's own facts."""

    def audit_of(self, patient_id: int) -> pl.DataFrame:
        """The audit rows of one patient, the oldest first: every column of `audit_rows`."""
        return self._frame(
            select(audit_rows).where(audit_rows.c.patient_id == patient_id).order_by(audit_rows.c.position)
        )

    def recorded_after(self, position: int) -> pl.DataFrame:
        """`patient_id, action` of the audit rows after this position of the chain, each pair once.

        The patient is missing where something was done to the registry as a whole, to a site or to several patients.
        """
        later = audit_rows.c.position > position
        return self._frame(select(audit_rows.c.patient_id, audit_rows.c.action).where(later).distinct())

    def record_version(self, patient_id: int) -> int:
        """How many audit rows speak of the patient: it rises with everything that is done to the record."""
        counted = select(func.count()).where(audit_rows.c.patient_id == patient_id)
        found: int = self._connection.scalar(counted) or 0
        return found

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
