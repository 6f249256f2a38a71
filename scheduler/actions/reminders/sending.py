"""From a claim to what became of it: the attempt is written down, the message goes out, the outcome is written down.

Between the attempt and the outcome nobody knows: who dies there leaves an `unknown` for a person, never a second
message.
"""

from dataclasses import dataclass
from itertools import islice

import polars as pl

from scheduler.actions.reminders.asking import SiteDay
from scheduler.actions.reminders.claiming import Claims
from scheduler.actions.reminders.hours import by_now, is_over
from scheduler.actions.reminders.running import Run
from scheduler.actions.reminders.wording import TO_PATIENT, Addresses, addresses_of, worded
from scheduler.core.reminders.ledger import Outcome
from scheduler.delivery.outcome import Delivered, Outgoing
from scheduler.delivery.outcome import Outcome as Delivery
from scheduler.store.transaction import Transaction

ADDRESSES_AT_A_TIME = 100  # messages whose addresses are held in memory together


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was heard of a message that was handed over, and is yet to be written down."""

    rows: pl.DataFrame
    delivered: Delivered


def send(run: Run, day: SiteDay, claims: Claims) -> None:
    """Send every message of the claims, one after another; stops between two where the run is to stop.

    It stops where the site's day is over, too. What is not begun is given back, and so is what would tell a patient too
    late in the day. A patient whose record changed since the claim is decided about anew. What was heard of one message
    is written down in the transaction that begins the next: before anything waits.
    """
    messages = claims.messages()
    heard: Heard | None = None
    while some := list(islice(messages, ADDRESSES_AT_A_TIME)):
        addresses = run.patiently(lambda: addresses_of(run, day, pl.concat(some)))
        for place, rows in enumerate(some):
            if is_over(run, day):
                _mark(run, day, heard)
                _give_back(run, [*some[place:], *messages])
                return
            heard = _send(run, day, rows, addresses, heard)
        _mark(run, day, heard)
        heard = None


def _send(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses, before: Heard | None) -> Heard | None:
    """Send one message, if it can be written and its claim still stands; gives what was heard, of it or before it."""
    outgoing = _written(run, day, rows, addresses)
    if outgoing is None:
        return before
    standing = run.patiently(lambda: _attempted(run, day, rows, addresses, before))
    _tell_marked(run, day, before)
    if standing.is_empty():
        return None
    if standing.height < rows.height:
        outgoing = worded(run, day, standing, addresses, reference=reference_of(standing))
    message_id, channel = int(standing["message_id"][0]), str(standing["channel"][0])
    run.reminding.told("attempting", site=day.site, message=message_id, channel=channel, count=standing.height)
    delivered = _delivered(run, channel, addresses.of(standing), outgoing)
    run.reminding.told("delivered", site=day.site, message=message_id, channel=channel, outcome=delivered.outcome.value)
    return Heard(rows=standing, delivered=delivered)


def _written(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses) -> Outgoing | None:
    """The message; None where it cannot be written: then it failed, and the others go out all the same."""
    try:
        return worded(run, day, rows, addresses, reference=reference_of(rows))
    except Exception as error:  # noqa: BLE001 (one that cannot be written must keep no other back)
        failed = Delivered(outcome=Delivery.UNREACHED, why="hepwatch could not write the message", attempts=0)
        run.patiently(lambda: _settled(run, Heard(rows=rows, delivered=failed)))
        run.reminding.told("not_written", site=day.site, error=type(error).__name__)
        return None


def reference_of(rows: pl.DataFrame) -> str:
    """How the message of these rows is known, there and here: to a patient a number alone, which tells no illness."""
    message_id = rows["message_id"][0]
    return str(message_id) if rows["recipient"][0] == TO_PATIENT else f"hepwatch-{message_id}"


def _delivered(run: Run, channel: str, address: str | None, outgoing: Outgoing) -> Delivered:
    return run.channels.deliver(
        channel, address or "", outgoing, wait=run.reminding.wait, stopping=run.reminding.stopping
    )


def _attempted(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses, before: Heard | None) -> pl.DataFrame:
    """The rows that are tried now: their claims stand, and nothing was recorded of patients or recipients since.

    The others are given back; the next pass decides about them as things stand then. What was heard of the message
    before is written down with it.
    """
    worker, newest = run.reminding.worker, addresses.newest_recipient_id
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        if before:
            _settle(transaction, run, before)
        if _is_too_late(run, day, rows):
            transaction.delete_claims(rows["reminder_id"], worker=worker)
            return rows.clear()
        versions = dict(zip(rows["reminder_id"], rows["version"], strict=True))
        if transaction.attempt_claims(versions, worker=worker, newest_recipient_id=newest) == rows.height:
            return rows
        transaction.delete_claims(versions, worker=worker)  # of those that were begun none is given back
        return _begun(transaction, rows, worker)


def _is_too_late(run: Run, day: SiteDay, rows: pl.DataFrame) -> bool:
    """Whether it has become too late for a message, while the ones before it were sent or the database was away."""
    return is_over(run, day) or (by_now(run, day).is_late and rows["recipient"][0] == TO_PATIENT)


def _begun(transaction: Transaction, rows: pl.DataFrame, worker: str) -> pl.DataFrame:
    """The rows that this worker has begun: the rest it gave back, or another one took it for abandoned."""
    known = transaction.reminders_of(rows["visit_id"].drop_nulls(), tasks_of=rows["patient_id"])
    is_own = (pl.col("claimed_by") == worker) & pl.col("attempted_at").is_not_null()
    begun = known.filter(is_own, pl.col("state") == Outcome.CLAIMED.value)
    return rows.join(begun, on="reminder_id", how="semi", maintain_order="left")


def _mark(run: Run, day: SiteDay, heard: Heard | None) -> None:
    """Write down what was heard of a message, if there is one."""
    if heard:
        run.patiently(lambda: _settled(run, heard))
        _tell_marked(run, day, heard)


def _tell_marked(run: Run, day: SiteDay, heard: Heard | None) -> None:
    if heard:
        run.reminding.told("marked", site=day.site, message=int(heard.rows["message_id"][0]))


def _settled(run: Run, heard: Heard) -> None:
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        _settle(transaction, run, heard)


def _settle(transaction: Transaction, run: Run, heard: Heard) -> None:
    """Write down what became of the rows."""
    outcome = heard.delivered.outcome
    resend = outcome is Delivery.UNKNOWN and bool(heard.rows["resend_when_unknown"].all())
    states = {Delivery.SENT: Outcome.SENT, Delivery.UNKNOWN: Outcome.FAILED if resend else Outcome.UNKNOWN}
    transaction.settle_claims(
        heard.rows["reminder_id"],
        worker=run.reminding.worker,
        state=states.get(outcome, Outcome.FAILED).value,
        may_repeat=resend or outcome is Delivery.UNREACHED,
        why=None if outcome is Delivery.SENT else heard.delivered.why,
    )


def _give_back(run: Run, messages: list[pl.DataFrame]) -> None:
    """Give back what was claimed and not begun."""
    ids = pl.concat(messages)["reminder_id"]

    def given_back() -> int:
        with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
            return transaction.delete_claims(ids, worker=run.reminding.worker)

    run.reminding.told("released", count=run.patiently(given_back))
