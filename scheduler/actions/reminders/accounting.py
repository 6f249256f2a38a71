"""The account of one site's day: everything that was asked for is sent, failed, suppressed with a reason, or unknown.

Written once the sending is over, from what the registry says then; a day on which nothing ran is accounted for too,
once, with what became of what it owed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.reminders.asking import Said, SiteDay, what_is_said
from scheduler.actions.reminders.running import Run
from scheduler.core.reminders.ledger import COUNTS, LEDGER, Account, Outcome, account, brought_up, passed_over
from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

REMINDERS = "reminders"
ACCOUNT_FOR = "account_for_reminders"  # the audit's word; it changes nothing of what is asked for
BALANCED, UNBALANCED, MISSED = "balanced", "unbalanced", "missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The account of one site's day: `state` is balanced, unbalanced or missed; `reasons` are of the suppressed."""

    site: str
    on: date
    state: str
    eligible: int
    sent: int
    failed: int
    suppressed: int
    unknown: int
    reasons: Mapping[str, int]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers by name, in the order of `COUNTS`."""
        return {name: getattr(self, name) for name in COUNTS}


@dataclass(frozen=True, kw_only=True)
class Accounted:
    """The balance of a day as things stand, and what it is made of."""

    balance: Balance
    said: Said

    @property
    def owed(self) -> pl.Series:
        """The patients to or about whom something is still owed."""
        owed = self.said.outcomes.filter(pl.col("outcome") == Outcome.OWED.value)
        return owed["patient_id"].unique().sort()


def account_for(run: Run, day: SiteDay, *, started_at: datetime, decided: Said | None = None) -> Accounted:
    """Write down how the day adds up: from what was `decided` when it was claimed, or as things stand now.

    Unbalanced is a day of which something is neither told nor held back yet: the run has only begun or was stopped, or
    another worker is still sending. Whoever comes next writes it anew.
    """
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        transaction.lock_day(REMINDERS, day.site_id, day.on)
        of_the_day = transaction.reminders_on(day.site_id, day.on).select(*LEDGER)
        if decided is None:
            said = what_is_said(transaction, run.rules, run.policy, day)
        else:
            said = replace(decided, outcomes=brought_up(decided.outcomes, of_the_day))
        adds_up = account(said.outcomes, of_the_day)
        is_over = not adds_up.unaccounted and "claimed" not in of_the_day["state"]
        balance = _kept(transaction, run, day, adds_up, BALANCED if is_over else UNBALANCED, started_at)
    return Accounted(balance=_told(run, balance), said=said)


def account_for_missed(run: Run, missed: SiteDay, standing: pl.DataFrame) -> Balance:
    """Write down a day that is over and was not accounted for: what was told on it, and what became of the rest.

    `standing` is what is asked for today (`ASKED`).
    """
    now = run.reminding.now()
    with run.registry.transaction(recorded_at=now) as transaction:
        transaction.lock_day(REMINDERS, missed.site_id, missed.on)
        of_the_day = transaction.reminders_on(missed.site_id, missed.on)
        said = what_is_said(transaction, run.rules, run.policy, missed)
        adds_up = account(passed_over(said.outcomes, standing), of_the_day.select(*LEDGER))
        balance = _kept(transaction, run, missed, adds_up, MISSED, now)
    return _told(run, balance)


def balance_of(reading: Reading, site_id: int, on: date) -> Balance | None:
    """The account of a day as it is stored; None where there is none."""
    days = reading.job_days(REMINDERS, site_id=site_id, since=on).filter(pl.col("ran_for") == on)
    if days.is_empty():
        return None
    row = days.row(0, named=True)
    counts = {name: row[name] for name in COUNTS}
    return Balance(site=row["site"], on=on, state=row["state"], reasons=json.loads(row["reasons"]), **counts)


def _kept(
    transaction: Transaction, run: Run, day: SiteDay, adds_up: Account, state: str, started_at: datetime
) -> Balance:
    """The balance, stored; nothing is written where it is stored so already."""
    balance = Balance(site=day.site, on=day.on, state=state, **asdict(adds_up))
    if balance != balance_of(transaction, day.site_id, day.on):
        _store(transaction, run, day, balance, started_at)
    return balance


def _told(run: Run, balance: Balance) -> Balance:
    """The balance, told once it is kept."""
    run.reminding.told("accounted", site=balance.site, on=balance.on, state=balance.state, **balance.counts)
    return balance


def _store(transaction: Transaction, run: Run, day: SiteDay, balance: Balance, started_at: datetime) -> None:
    """Keep the balance, with the policy that it was made by; an audit row says so once the day is over."""
    file = run.policy_file
    text = {"digest": file.digest, "kind": run.policy.kind, "rule_id": run.policy.id, "text": file.text}
    transaction.append_rule_texts(pl.DataFrame([text | {"version": run.policy.version}]))
    reasons = json.dumps(balance.reasons, sort_keys=True)
    values = {name: value for name, value in asdict(balance).items() if name not in ("site", "on")}
    transaction.keep_day(
        {
            **values,
            "job": REMINDERS,
            "site_id": day.site_id,
            "ran_for": day.on,
            "reasons": reasons,
            "policy_digest": file.digest,
            "worker": run.reminding.worker,
            "started_at": started_at,
            "finished_at": transaction.recorded_at,
        }
    )
    if balance.state == UNBALANCED:
        return
    details = {**values, "site": day.site, "on": str(day.on)}
    row = pl.DataFrame({"action": [ACCOUNT_FOR], "details": [json.dumps(details, sort_keys=True)]})
    digests = json.dumps({run.policy.reference: file.digest})
    audit(transaction, row, actor=run.reminding.worker, rule_digests=digests)
