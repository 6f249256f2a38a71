"""What becomes of claims in the ledger of reminders, given back, tried, settled; and the account of a day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, literal_column, select, update

from scheduler.store.reading.asking import Asking
from scheduler.store.tables import job_days, reminders

IS_CLAIMED = reminders.c.state == literal_column("'claimed'")
IS_UNTRIED = IS_CLAIMED & reminders.c.attempted_at.is_(None)


class KeepingClaims(Asking):
    """Changes of claims, inside somebody's transaction."""

    recorded_at: datetime

    def delete_claims(self, reminder_ids: Iterable[int]) -> int:
        """Give back claims of which nothing was handed over: they are owed again. Gives how many there still were."""
        return self._connection.execute(delete(reminders).where(self._these(reminder_ids), IS_UNTRIED)).rowcount

    def attempt_claims(self, reminder_ids: Iterable[int], *, worker: str) -> int:
        """Say that the worker begins to hand these over, now. Gives how many of them are its own and untried still."""
        own = self._these(reminder_ids) & IS_UNTRIED & (reminders.c.claimed_by == worker)
        tried = update(reminders).where(own).values(attempted_at=self.recorded_at, attempts=reminders.c.attempts + 1)
        return self._connection.execute(tried).rowcount

    def settle_claims(
        self, reminder_ids: Iterable[int], *, state: str, may_repeat: bool = False, why: str | None = None
    ) -> int:
        """Write down what became of these: `sent`, `failed` or `unknown`, and why. Gives how many were there.

        What is claimed, or was called unknown meanwhile, may still turn out otherwise; what is sent or failed stays so.
        """
        open_ended = reminders.c.state.in_(("claimed", "unknown"))
        return self._settle(self._these(reminder_ids) & open_ended, state=state, may_repeat=may_repeat, why=why)

    def resolve_claims(self, reminder_ids: Iterable[int], *, state: str, may_repeat: bool, why: str) -> int:
        """Write down what a person says became of these, whatever is known of them. Gives how many were there."""
        return self._settle(self._these(reminder_ids), state=state, may_repeat=may_repeat, why=why)

    def _settle(self, which: ColumnElement[bool], **values: object) -> int:
        settled = update(reminders).where(which).values(settled_at=self.recorded_at, **values)
        return self._connection.execute(settled).rowcount

    def lock_day(self, job: str, site_id: int, on: date) -> None:
        """Wait until no other transaction writes the account of this site's day; the lock ends with the transaction."""
        this = (job_days.c.job == job) & (job_days.c.site_id == site_id) & (job_days.c.ran_for == on)
        self._connection.execute(select(job_days.c.job).where(this).with_for_update())

    def keep_day(self, values: Mapping[str, object]) -> None:
        """Keep the account of a site's day, instead of what was kept of it before: a row of `job_days`."""
        key = ["job", "site_id", "ran_for"]
        kept = self._database.insert(job_days).values(**values)
        changed = {name: value for name, value in values.items() if name not in (*key, "started_at")}
        self._connection.execute(kept.on_conflict_do_update(index_elements=key, set_=changed))

    def _these(self, reminder_ids: Iterable[int]) -> ColumnElement[bool]:
        return self._among(reminders.c.id, list(reminder_ids))
