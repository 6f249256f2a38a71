"""The tables, and every promise about them as a named constraint.

Days are dates, moments aware UTC, documents canonical JSON as text (so that both databases hold the same bytes),
numbers double precision. `migrations/` builds the same tables step by step, and the triggers that refuse to change
what was signed or audited; a test compares the two.
"""

from scheduler.store.tables.contacts import contacts, recipients
from scheduler.store.tables.declaring import metadata
from scheduler.store.tables.findings import assessments, reports, rule_texts
from scheduler.store.tables.follow_up import bookings, events
from scheduler.store.tables.people import closures, episodes, identities, patients, resections, sites
from scheduler.store.tables.records import audit_rows, registry_facts
from scheduler.store.tables.reminders import job_days, reminders
from scheduler.store.tables.results import examinations, verdicts
from scheduler.store.tables.schedules import overrides, plan_changes, plans, visits

UNAUDITED = frozenset({"sites", "rule_texts", "audit_rows", "registry_facts", "reminders", "job_days"})

__all__ = [
    "UNAUDITED",
    "assessments",
    "audit_rows",
    "bookings",
    "closures",
    "contacts",
    "episodes",
    "events",
    "examinations",
    "identities",
    "job_days",
    "metadata",
    "overrides",
    "patients",
    "plan_changes",
    "plans",
    "recipients",
    "registry_facts",
    "reminders",
    "reports",
    "resections",
    "rule_texts",
    "sites",
    "verdicts",
    "visits",
]
