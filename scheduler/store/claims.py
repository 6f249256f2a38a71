"""What becomes of claims in the ledger of reminders, given back, tried, settled; and the account of a day."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import Delete, Update, and_, bindparam, delete, func, literal_column, select, update

from scheduler.store.reading.asking import Asking
from scheduler.store.reading.reminders import NOT_SENT
from scheduler.store.tables import episodes, job_days, recipients, reminders

IS_CLAIMED = reminders.c.state == literal_column("'claimed'")
IS_UNTRIED = IS_CLAIMED & reminders.c.attempted_at.is_(None)
IS_OPEN_ENDED = IS_CLAIMED | (reminders.c.state == "unknown")
IS_OWN = reminders.c.claimed_by == bindparam("worker")
THIS = reminders.c.id == bindparam("this_id")

# Built once: a message costs three of these, and building one costs more than running it.
GIVE_BACK = delete(reminders).where(THIS, IS_UNTRIED)
GIVE_BACK_OWN = GIVE_BACK.where(IS_OWN)
VERSION = select(func.sum(episodes.c.version)).where(episodes.c.patient_id == reminders.c.patient_id).scalar_subquery()
NEWEST = select(func.max(recipients.c.id)).where(recipients.c.site_id == reminders.c.site_id).scalar_subquery()
IS_AS_READ = and_(bindparam("version") == VERSION, func.coalesce(NEWEST, 0) == bindparam("newest_recipient_id"))
ATTEMPT = (
    update(reminders)
    .where(THIS, IS_UNTRIED, IS_OWN, IS_AS_READ)
    .values(attempted_at=bindparam("now"), attempts=reminders.c.attempts + 1)
)
RESOLVE = (
    update(reminders)
    .where(THIS)
    .values(
        state=bindparam("now_state"),
        may_repeat=bindparam("now_may_repeat"),
        why=bindparam("now_why"),
        settled_at=bindparam("now"),
    )
)
ABANDON = RESOLVE.where(IS_CLAIMED)
SETTLE = RESOLVE.where(IS_OPEN_ENDED, IS_OWN)
SETTLE_SENT = RESOLVE.where(IS_OWN)  # whatever others took it for meanwhile


class KeepingClaims(Asking):
    """Changes of claims, inside somebody's transaction."""

    recorded_at: datetime

    def delete_claims(self, reminder_ids: Iterable[int], *, worker: str | None = None) -> int:
        """Give back claims of which nothing was handed over, of one worker or any: they are owed again.

        Gives how many there still were.
        """
        if worker is None:
            return self._each(GIVE_BACK, reminder_ids)
        return self._each(GIVE_BACK_OWN, reminder_ids, worker=worker)

    def attempt_claims(self, versions: Mapping[int, int], *, worker: str, newest_recipient_id: int) -> int:
        """Say that the worker begins to hand these over, now: reminder id → the version of its patient when claimed.

        Gives how many were begun: those that are its own and untried still, of whose patients nothing was recorded
        since, at a site where `newest_recipient_id` is the newest still.
        """
        read = {"worker": worker, "now": self.recorded_at, "newest_recipient_id": newest_recipient_id}
        each = [{"this_id": reminder, "version": version, **read} for reminder, version in versions.items()]
        return self._connection.execute(ATTEMPT, each).rowcount if each else 0

    def settle_claims(
        self, reminder_ids: Iterable[int], *, worker: str, state: str, may_repeat: bool = False, why: str | None = None
    ) -> int:
        """Write down what became of the worker's own: `sent`, `failed` or `unknown`. Gives how many there were.

        A worker that was slow may have been taken for dead meanwhile: that it sent a message stands against all that
        others made of it, unless one of them has claimed it anew.
        """
        became = {"now_state": state, "now_may_repeat": may_repeat, "now_why": why}
        statement = SETTLE_SENT if state == "sent" else SETTLE
        return self._each(statement, reminder_ids, now=self.recorded_at, worker=worker, **became)

    def abandon_claims(self, reminder_ids: Iterable[int], *, state: str, may_repeat: bool, why: str) -> int:
        """Write down that nobody will hear back of these any more. Gives how many were still claimed."""
        became = {"now_state": state, "now_may_repeat": may_repeat, "now_why": why}
        return self._each(ABANDON, reminder_ids, now=self.recorded_at, **became)

    def let_refused_go_again(self, site_id: int, recipient: str, *, patient_ids: Iterable[int] | None = None) -> int:
        """Let what was refused go out again: the recipient is reached otherwise now. Gives how many there were."""
        theirs = self._among(reminders.c.patient_id, None if patient_ids is None else list(patient_ids))
        refused = NOT_SENT & (reminders.c.state == "failed") & ~reminders.c.may_repeat
        of_recipient = (reminders.c.site_id == site_id) & (reminders.c.recipient == recipient)
        again = update(reminders).where(refused, of_recipient, theirs).values(may_repeat=True)
        return self._connection.execute(again).rowcount

    def resolve_claims(self, reminder_ids: Iterable[int], *, state: str, may_repeat: bool, why: str) -> int:
        """Write down what a person says became of these, whatever is known of them. Gives how many were there."""
        became = {"now_state": state, "now_may_repeat": may_repeat, "now_why": why}
        return self._each(RESOLVE, reminder_ids, now=self.recorded_at, **became)

    def _each(self, statement: Update | Delete, reminder_ids: Iterable[int], **values: object) -> int:
        """Run the statement for each of these; gives how many rows it touched."""
        each = [{"this_id": reminder_id, **values} for reminder_id in reminder_ids]
        return self._connection.execute(statement, each).rowcount if each else 0

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
