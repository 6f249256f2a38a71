"""Storing events: those that stand already are not stored twice, and one that was taken back gets the next number.

Inside somebody's transaction. Recording one event and importing a table of them are the same path.
"""

import polars as pl

from scheduler.store.reading import Reading
from scheduler.store.transaction import Transaction

TO_STORE: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "event": pl.String(),
    "happened_on": pl.Date(),
    "detail": pl.String(),  # empty where nothing is said
    "recorded_by": pl.String(),
}
ONE = ["patient_id", "event", "happened_on", "detail"]


def store_events(transaction: Transaction, rows: pl.DataFrame) -> int:
    """Store the events (`TO_STORE`) that do not stand already; gives how many were stored.

    Of equal rows one is stored. What the events mean and whether they may be (a second death) is for the caller, who
    follows the patients and writes the audit rows.
    """
    new = not_standing(transaction, rows)
    ids = pl.Series("id", transaction.reserve_ids("events", new.height), dtype=pl.Int64)
    transaction.append("events", new.with_columns(ids))
    return new.height


def not_standing(reading: Reading, rows: pl.DataFrame) -> pl.DataFrame:
    """Those of the events (`TO_STORE`) that do not stand already, each once, with its `number`."""
    told = rows.select(pl.col(name).cast(kind) for name, kind in TO_STORE.items())
    known = reading.event_versions(told["patient_id"].unique())
    stands = known.filter(pl.col("withdrawn_at").is_null())
    last = known.group_by(ONE).agg(last=pl.col("number").max())
    return (
        told.unique(ONE, keep="first", maintain_order=True)
        .join(stands, on=ONE, how="anti", maintain_order="left")
        .join(last, on=ONE, how="left", maintain_order="left")
        .with_columns(number=pl.col("last").fill_null(0) + 1)
        .drop("last")
    )
