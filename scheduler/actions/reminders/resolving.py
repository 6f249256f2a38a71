"""A person says what became of a message of which nobody knew, or lets a refused one go out again."""

from dataclasses import dataclass

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.actions.one_patient import given
from scheduler.core.reminders.ledger import Outcome
from scheduler.errors import NotFound
from scheduler.store.registry import Registry


class MessageNotWaiting(NotFound):
    """No message with this number waits for a person."""

    def __init__(self, *, number: int) -> None:
        super().__init__(
            f"no message {number} is unknown or refused",
            advice="`hepwatch remind list` shows the messages that wait for a person, with their numbers.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What was resolved: the message, of how many patients it spoke, and what it is now."""

    message: int
    patients: int
    state: str
    goes_out_again: bool


def resolve(registry: Registry, message: int, *, arrived: bool, reason: str | None, actor: str) -> Resolved:
    """Say of an unknown or refused message that it arrived, or that it did not: then it is owed again.

    One that did not arrive goes out with the next run, if what it says still holds then. The account of a day that is
    over stays as it was written. Raises `MessageNotWaiting` and `ReasonNeeded`.
    """
    because = given(reason, doing="resolving a message")
    state = Outcome.SENT if arrived else Outcome.FAILED
    with registry.transaction() as transaction:
        waiting = transaction.reminders_not_sent([Outcome.UNKNOWN.value, Outcome.FAILED.value])
        rows = waiting.filter(pl.col("message_id") == message, ~pl.col("may_repeat"))
        if rows.is_empty():
            raise MessageNotWaiting(number=message)
        transaction.resolve_claims(rows["reminder_id"], state=state.value, may_repeat=not arrived, why=because)
        details = rows.select(message="message_id", reminder="reminder_id", rung="rung", to="recipient", state="state")
        said = rows.select("patient_id", action=pl.lit("resolve_reminder")).with_columns(
            details.select(pl.struct(pl.all()).struct.json_encode()).to_series().alias("details")
        )
        audit(transaction, said, actor=actor, reason=because)
    return Resolved(
        message=message, patients=rows["patient_id"].n_unique(), state=state.value, goes_out_again=not arrived
    )
