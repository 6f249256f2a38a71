"""What actions on one patient have in common: a reason, the audit row, and following.

Inside somebody's transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.finding import Patient
from scheduler.actions.plans.following import Followed, Why, follow
from scheduler.actions.plans.rules import Rules
from scheduler.core.chains import CHAINS, as_steps
from scheduler.errors import ClinicalDataError
from scheduler.store.transaction import Transaction


class ReasonNeeded(ClinicalDataError):
    """What is done only with a reason, without one."""

    def __init__(self, *, doing: str) -> None:
        super().__init__(f"{doing} needs a reason; none was given", advice="Say why with --reason.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who acts, and why; and by which rules, where they decide what follows."""

    by: str
    reason: str | None
    rules: Rules | None = None


def given(reason: str | None, *, doing: str) -> str:
    """The reason without blanks around it. Raises `ReasonNeeded` where nothing is said."""
    if reason is None or not reason.strip():
        raise ReasonNeeded(doing=doing)
    return reason.strip()


def say(transaction: Transaction, patient: Patient, action: str, said: Said, **details: object) -> None:
    """Write into the audit what was done with one patient; `details` are days, words and numbers, no free text."""
    told = json.dumps(details, default=str, separators=(",", ":"))
    row = {"action": action, "patient_id": patient.patient_id, "details": told}
    digests = said.rules.digests_text if said.rules else "{}"
    audit(transaction, pl.DataFrame([row]), actor=said.by, reason=said.reason, rule_digests=digests)


def chain_of(patient: Patient, step: Mapping[str, str | None]) -> pl.DataFrame:
    """One step that leads to the changes of this patient's visits, as `following.Why` takes it."""
    return pl.DataFrame([(patient.patient_id, as_steps([step]))], schema=CHAINS, orient="row")


def follow_one(
    transaction: Transaction,
    patient: Patient,
    rules: Rules,
    *,
    today: date,
    step: Mapping[str, str | None],
    planned: tuple[int, ...] = (),
) -> Followed:
    """Bring everything of one patient in line as of today, because of one step; `planned` as in `following.Why`."""
    days = pl.DataFrame({"patient_id": [patient.patient_id], "today": [today]})
    return follow(transaction, days, rules, why=Why(planned=planned, chains=chain_of(patient, step)))
