"""From a claim to what became of it: the attempt is written down, the message goes out, the outcome is written down.

Between the attempt and the outcome nobody knows: who dies there leaves an `unknown` for a person, never a second
message.
"""

from itertools import islice

import polars as pl

from scheduler.actions.reminders.asking import SiteDay
from scheduler.actions.reminders.claiming import Claims
from scheduler.actions.reminders.running import Run
from scheduler.actions.reminders.wording import TO_PATIENT, Addresses, addresses_of, worded
from scheduler.core.reminders.ledger import Outcome
from scheduler.delivery.outcome import Delivered, Outgoing
from scheduler.delivery.outcome import Outcome as Delivery

ADDRESSES_AT_A_TIME = 100  # messages whose addresses are held in memory together


def send(run: Run, day: SiteDay, claims: Claims) -> None:
    """Send every message of the claims, one after another; stops between two where the run is to stop.

    What is not begun is given back. A patient whose record changed since the claim is decided about anew.
    """
    messages = claims.messages()
    while some := list(islice(messages, ADDRESSES_AT_A_TIME)):
        addresses = run.patiently(lambda: addresses_of(run, day, pl.concat(some)))
        for place, rows in enumerate(some):
            if run.reminding.stopping():
                _give_back(run, [*some[place:], *messages])
                return
            _send(run, day, rows, addresses)


def _send(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses) -> None:
    """Send one message, if it can be written and its claim still stands."""
    outgoing = _written(run, day, rows, addresses)
    standing = run.patiently(lambda: _attempted(run, day, rows, addresses)) if outgoing else rows.clear()
    if outgoing is None or standing.is_empty():
        return
    if standing.height < rows.height:
        outgoing = worded(run, day, standing, addresses, reference=reference_of(standing))
    message_id, channel = int(standing["message_id"][0]), str(standing["channel"][0])
    run.reminding.told("attempting", site=day.site, message=message_id, channel=channel, count=standing.height)
    delivered = _delivered(run, channel, addresses.of(standing), outgoing)
    run.reminding.told("delivered", site=day.site, message=message_id, channel=channel, outcome=delivered.outcome.value)
    run.patiently(lambda: _settle(run, standing, delivered))
    run.reminding.told("marked", site=day.site, message=message_id)


def _written(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses) -> Outgoing | None:
    """The message; None where it cannot be written: then it failed, and the others go out all the same."""
    try:
        return worded(run, day, rows, addresses, reference=reference_of(rows))
    except Exception as error:  # noqa: BLE001 (one that cannot be written must keep no other back)
        failed = Delivered(outcome=Delivery.UNREACHED, why="hepwatch could not write the message", attempts=0)
        run.patiently(lambda: _settle(run, rows, failed))
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


def _attempted(run: Run, day: SiteDay, rows: pl.DataFrame, addresses: Addresses) -> pl.DataFrame:
    """The rows that are tried now: their claims stand, and nothing was recorded of patients or recipients since.

    The others are given back; the next pass decides about them as things stand then.
    """
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        versions = transaction.versions_of(rows["patient_id"])
        claimed = rows.select("reminder_id", "patient_id", "version").rows()
        changed = [reminder for reminder, patient, version in claimed if versions.get(patient) != version]
        if transaction.newest_recipient_id(day.site_id) != addresses.newest_recipient_id:
            changed = rows["reminder_id"].to_list()
        same = rows.filter(~pl.col("reminder_id").is_in(changed)) if changed else rows
        transaction.delete_claims(changed, worker=run.reminding.worker)
        own = transaction.attempt_claims(same["reminder_id"], worker=run.reminding.worker)
    return same if own == same.height else _own(run, same)


def _own(run: Run, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that this worker has begun: another one took the rest for abandoned."""
    with run.registry.reading() as reading:
        known = reading.reminders_of(rows["visit_id"].drop_nulls(), tasks_of=rows["patient_id"])
    is_own = (pl.col("claimed_by") == run.reminding.worker) & pl.col("attempted_at").is_not_null()
    begun = known.filter(is_own, pl.col("state") == Outcome.CLAIMED.value)
    return rows.join(begun, on="reminder_id", how="semi", maintain_order="left")


def _settle(run: Run, rows: pl.DataFrame, delivered: Delivered) -> None:
    """Write down what became of the rows."""
    resend = delivered.outcome is Delivery.UNKNOWN and bool(rows["resend_when_unknown"].all())
    states = {Delivery.SENT: Outcome.SENT, Delivery.UNKNOWN: Outcome.FAILED if resend else Outcome.UNKNOWN}
    with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
        transaction.settle_claims(
            rows["reminder_id"],
            worker=run.reminding.worker,
            state=states.get(delivered.outcome, Outcome.FAILED).value,
            may_repeat=resend or delivered.outcome is Delivery.UNREACHED,
            why=None if delivered.outcome is Delivery.SENT else delivered.why,
        )


def _give_back(run: Run, messages: list[pl.DataFrame]) -> None:
    """Give back what was claimed and not begun."""
    ids = pl.concat(messages)["reminder_id"]

    def given_back() -> int:
        with run.registry.transaction(recorded_at=run.reminding.now()) as transaction:
            return transaction.delete_claims(ids, worker=run.reminding.worker)

    run.reminding.told("released", count=run.patiently(given_back))
