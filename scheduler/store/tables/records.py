"""The audit chain, and what is known of the registry itself."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Table, Text, UniqueConstraint

from scheduler.store.moments import Moment
from scheduler.store.tables.declaring import Id, metadata, only_where

audit_rows = Table(
    "audit_rows",
    metadata,
    Column("position", Id, primary_key=True, autoincrement=False),
    Column("recorded_at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("patient_id", Id, ForeignKey("patients.id")),
    Column("before_digest", Text),
    Column("after_digest", Text),
    Column("rule_digests", Text, nullable=False),
    Column("reason", Text),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    CheckConstraint("position >= 1", name="position"),
    UniqueConstraint("hash"),
    only_where("ix_audit_rows_patient_id", "patient_id IS NOT NULL", "patient_id"),
)

registry_facts = Table(
    "registry_facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)
