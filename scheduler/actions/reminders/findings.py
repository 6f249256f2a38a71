"""What went wrong with messages and waits for a person: told after a death, of unknown outcome, or refused for good."""

import polars as pl

from scheduler.actions.reminders.wording import TO_PATIENT
from scheduler.core.reminders.ledger import Outcome
from scheduler.store.reading import Reading

FOUND: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "finding": pl.String(),
    "since_on": pl.Date(),
    "what": pl.String(),
}
AFTER_DEATH: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "died_on": pl.Date(),
    "messages": pl.Int64(),  # one that speaks of several patients counts for each of them
    "to_patient": pl.Int64(),  # of these messages
}
SEE = "see hepwatch remind list"


def message_findings(reading: Reading) -> pl.DataFrame:
    """Every such finding of every patient (`FOUND`), one of each kind at the most; no address is in it.

    Since the day of death, or the first day on whose account such a message stands.
    """
    died = messages_after_death(reading)
    said = _counted("messages", "was sent or may have been", "were sent or may have been")
    what = pl.format("since the death {}, {} to the patient", said, "to_patient")
    incidents = died.select("patient_id", finding=pl.lit("message after death"), since_on="died_on", what=what)
    return pl.concat([incidents, _unknown(reading), _refused(reading)]).select(
        pl.col(name).cast(kind) for name, kind in FOUND.items()
    )


def messages_after_death(reading: Reading, patient_id: int | None = None) -> pl.DataFrame:
    """How many messages went out, or may have, after the day of a death that stands (`AFTER_DEATH`), of one or all.

    A patient of whom nothing did has no row. A message of the day of death itself is none of them.
    """
    rows = reading.reminders_after_death(patient_ids=None if patient_id is None else [patient_id])
    to_patient = pl.col("message_id").filter(pl.col("recipient") == TO_PATIENT)
    counted = rows.group_by("patient_id", "died_on").agg(
        messages=pl.col("message_id").n_unique(), to_patient=to_patient.n_unique()
    )
    return counted.sort("patient_id").select(pl.col(name).cast(kind) for name, kind in AFTER_DEATH.items())


def _unknown(reading: Reading) -> pl.DataFrame:
    """Nobody knows whether it arrived, and it is not sent again until somebody says."""
    rows = reading.reminders_not_sent([Outcome.UNKNOWN.value])
    said = f"sent and may not have arrived; {SEE}"
    return _waiting(rows, "message unknown", _counted("messages", f"was {said}", f"were {said}"))


def _refused(reading: Reading) -> pl.DataFrame:
    """It did not arrive, and sending it again as it is would be of no use."""
    rows = reading.reminders_not_sent([Outcome.FAILED.value]).filter(~pl.col("may_repeat"))
    said = "refused and will not be sent again by"
    words = _counted("messages", f"was {said} itself; {SEE}", f"were {said} themselves; {SEE}")
    return _waiting(rows, "message refused", words)


def _waiting(rows: pl.DataFrame, finding: str, what: pl.Expr) -> pl.DataFrame:
    """One finding of each patient of whom such a message speaks; `what` is said of its number of `messages`."""
    counted = rows.group_by("patient_id").agg(
        messages=pl.col("message_id").n_unique(), since_on=pl.col("owed_on").min()
    )
    return counted.select("patient_id", finding=pl.lit(finding), since_on="since_on", what=what)


def _counted(column: str, one: str, several: str) -> pl.Expr:
    """`1 message was sent`, `2 messages were sent`."""
    number = pl.col(column)
    is_one = pl.when(number == 1).then(pl.format(f"{{}} message {one}", number))
    return is_one.otherwise(pl.format(f"{{}} messages {several}", number))
