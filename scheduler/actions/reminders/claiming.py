"""Claiming what is owed: decided again in the transaction that claims, one row of the ledger for each recipient.

Any number of workers may claim at once. Whoever has a patient's lock decides about that patient; the others find the
rows in the ledger afterwards, and a unique constraint stands behind it all. What is asked for is worked out anew of
those patients of whom the audit chain has grown since; the ledger is read anew for all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import polars as pl

from scheduler.actions.reminders.accounting import ACCOUNT_FOR
from scheduler.actions.reminders.asking import Among, Said, SiteDay, what_became, what_is_asked
from scheduler.actions.reminders.running import Run
from scheduler.core.reminders.ledger import KEY, OUTCOMES, Outcome
from scheduler.store.transaction import Transaction

CLAIMED: dict[str, pl.DataType] = {
    **OUTCOMES,
    "message_id": pl.Int64(),  # rows of one message share it: the lowest `reminder_id` among them
    "version": pl.Int64(),  # of the patient's record when it was claimed
}
PUT = (  # what a claim says of itself; one that failed before is taken up again so
    "message_id",
    "site_id",
    "channel",
    "message",
    "language",
    "owed_on",
    "state",
    "may_repeat",
    "claimed_by",
    "claimed_at",
    "attempted_at",
    "settled_at",
    "why",
)
DIED = "the worker stopped after it had begun to send, and before it heard back"


@dataclass(frozen=True, kw_only=True)
class Claims:
    """What was claimed (`CLAIMED`), and everything as it was decided then."""

    rows: pl.DataFrame
    said: Said

    def messages(self) -> Iterator[pl.DataFrame]:
        """The rows of each message, in the order in which they were claimed."""
        yield from self.rows.partition_by("message_id", maintain_order=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """What is claimed: messages of their own, parts of digests, or both."""

    digests: bool = True
    singles: bool = True

    def wanted(self) -> pl.Expr:
        """Whether a row is of these kinds."""
        return (pl.col("digest") & self.digests) | (~pl.col("digest") & self.singles)


def claim(run: Run, day: SiteDay, said: Said, patients: pl.Series, *, kinds: Kinds) -> Claims:
    """Claim what is owed to or about these patients; `said` is of everybody, as it was looked up.

    Gives it with what was decided anew. Patients whom another transaction holds stay as they were, owed, for the next
    pass.
    """
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        free = transaction.lock_free_patients(patients)
        known = _asked_again(transaction, run, day, said, free["patient_id"])
        asked = known.asked.filter(pl.col("patient_id").is_in(free["patient_id"].implode()))
        is_owed = pl.col("outcome") == Outcome.OWED.value
        rows = what_became(transaction, asked, day).filter(is_owed, kinds.wanted())
        owed = rows.join(free, on="patient_id", maintain_order="left")
        claimed = _stored(transaction, owed, run, day) if owed.height else pl.DataFrame(schema=CLAIMED)
    if claimed.height:
        run.reminding.told("claimed", site=day.site, on=day.on, count=claimed.height)
    return Claims(rows=claimed, said=known)


def _asked_again(transaction: Transaction, run: Run, day: SiteDay, said: Said, free: pl.Series) -> Said:
    """What is said, worked out anew of those of the locked patients of whom something was recorded since."""
    changed = _changed(transaction, said, free)
    if changed.is_empty():
        return said
    among = _among(said.asked, changed)
    asked = what_is_asked(transaction, run.rules, run.policy, day, among=among)
    rows = what_became(transaction, asked, day)
    return replace(
        said,
        asked=pl.concat([said.asked.filter(~_is_of(among)), asked]),
        outcomes=pl.concat([said.outcomes.filter(~_is_of(among)), rows]),
    )


def _changed(transaction: Transaction, said: Said, patients: pl.Series) -> pl.Series:
    """Those of the patients of whom something was recorded since; all, where it concerns no patient alone."""
    since = transaction.recorded_after(said.recorded_until).filter(pl.col("action") != ACCOUNT_FOR)["patient_id"]
    return patients if since.has_nulls() else patients.filter(patients.is_in(since.implode()))


def _among(asked: pl.DataFrame, patients: pl.Series) -> Among:
    """The patients who are decided about, and those of them of whom a task is told."""
    of_tasks = asked.filter(pl.col("task").is_not_null())["patient_id"]
    return Among(patients=patients, with_tasks=patients.filter(patients.is_in(of_tasks.implode())))


def _is_of(among: Among) -> pl.Expr:
    """Whether a row is one of those that are decided anew."""
    visits = pl.col("visit_id").is_not_null() & pl.col("patient_id").is_in(among.patients.implode())
    tasks = pl.col("visit_id").is_null() & pl.col("patient_id").is_in(among.with_tasks.implode())
    return visits | tasks


def settle_stale_claims(run: Run, day: SiteDay) -> None:
    """Give back what a worker claimed and never began to send; call unknown what it began and never heard back of.

    Of a worker that claimed, or began, longer ago than `claims_last_minutes`. One that was slow all the same finds its
    claims gone, and sends nothing; that it sent a message it may still write down.
    """
    now = run.reminding.now()
    since = now - timedelta(minutes=run.reminding.claims_last_minutes)
    with run.registry.transaction(recorded_at=now) as transaction:
        stale = transaction.reminders_not_sent([Outcome.CLAIMED.value], site_id=day.site_id).filter(
            pl.coalesce("attempted_at", "claimed_at") <= since
        )
        if stale.is_empty():
            return
        untried = stale.filter(pl.col("attempted_at").is_null())["reminder_id"]
        tried = stale.filter(pl.col("attempted_at").is_not_null())
        transaction.delete_claims(untried)
        for (may_be_resent,), rows in tried.group_by(_may_be_resent(run)):
            state = Outcome.FAILED if may_be_resent else Outcome.UNKNOWN
            transaction.abandon_claims(rows["reminder_id"], state=state.value, may_repeat=bool(may_be_resent), why=DIED)
    run.reminding.told("released", site=day.site, count=len(untried), unknown=tried.height)


def _may_be_resent(run: Run) -> pl.Expr:
    """Whether the policy lets each row go out again though nobody knows whether it arrived."""
    visits = [("", rung.rung, to) for rung in run.policy.visits for to in rung.to]
    tasks = [(rung.task.value, rung.rung, to) for rung in run.policy.tasks for to in rung.to]
    resent = [f"{task}/{rung}/{to.message}" for task, rung, to in (*visits, *tasks) if to.resend_when_unknown]
    return pl.format("{}/{}/{}", pl.col("task").fill_null(""), "rung", "message").is_in(resent)


def _stored(transaction: Transaction, owed: pl.DataFrame, run: Run, day: SiteDay) -> pl.DataFrame:
    """The rows (`OUTCOMES`, and `version` of each patient) in the ledger, claimed."""
    fresh = owed.filter(pl.col("reminder_id").is_null())
    again = owed.filter(pl.col("reminder_id").is_not_null())
    ids = pl.Series("reminder_id", transaction.reserve_ids("reminders", fresh.height), dtype=pl.Int64)
    numbered = pl.concat([fresh.with_columns(ids), again])
    together = pl.col("reminder_id").min().over("recipient", "channel", "language", "message")
    claimed = numbered.with_columns(
        message_id=pl.when("digest").then(together).otherwise("reminder_id"),
        id=pl.col("reminder_id"),
        site_id=pl.lit(day.site_id),
        owed_on=pl.lit(day.on),
        state=pl.lit(Outcome.CLAIMED.value),
        may_repeat=pl.lit(value=False),
        claimed_by=pl.lit(run.reminding.worker),
        claimed_at=pl.lit(transaction.recorded_at),
        attempted_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        settled_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        why=pl.lit(None, dtype=pl.String),
    )
    is_new = pl.col("id").is_in(ids.implode())
    new = claimed.filter(is_new).with_columns(attempts=pl.lit(0))
    transaction.append("reminders", new.select("id", *PUT, *KEY, "attempts"))
    transaction.update("reminders", claimed.filter(~is_new), key=["id"], put=PUT)
    return claimed.select(*CLAIMED)
