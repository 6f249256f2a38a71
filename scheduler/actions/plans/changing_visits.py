"""Writing what becomes of visits, and the record of it: what each was before, why it changed, and what led there.

Inside somebody's transaction. A first plan's visits leave no record of changes: there was nothing before.
"""

import polars as pl

from scheduler.core.visit_changes import CHANGES, Change
from scheduler.store.transaction import Transaction

KEY = ["episode_id", "origin", "grid_month"]
WINDOW = ["procedures", "opens_on", "due_on", "closes_on"]
BEFORE = ("opens_on", "closes_on", "procedures", "status")
STAYS = (Change.KEPT.value, Change.LEFT.value)
VISIT_CHANGES: dict[str, pl.DataType] = CHANGES | {
    "interval_months": pl.Int64(),  # between visits of its plan; missing beside the grid
    "status": pl.String(),  # after the change
    "plan_version": pl.Int64(),
    "is_first": pl.Boolean(),  # laid out by a plan before which the episode had no visit
    "chain": pl.String(),  # JSON list: what led to the change, from the cause on
}
ADDED, MOVED, FLAGGED = Change.ADDED.value, Change.MOVED.value, Change.FLAGGED.value


def write_changes(transaction: Transaction, changes: pl.DataFrame, visits: pl.DataFrame) -> None:
    """Store changed visits (`VISIT_CHANGES`), and a row of `plan_changes` for each; `visits` are those before."""
    rows = changes.with_columns(pl.col("procedures").list.sort().list.join("|"))
    is_new = pl.col("visit_id").is_null()
    new = rows.filter(is_new)
    ids = pl.Series("id", transaction.reserve_ids("visits", new.height), dtype=pl.Int64)
    transaction.append("visits", new.with_columns(ids).select("id", "plan_version", *KEY, *WINDOW, "status"))
    again = rows.filter(~is_new & pl.col("change").is_in([ADDED, MOVED, FLAGGED]))
    transaction.update("visits", again, key=KEY, put=["plan_version", *WINDOW, "status"])
    closed = rows.filter(~is_new & ~pl.col("change").is_in([ADDED, MOVED, FLAGGED]))
    transaction.update("visits", closed, key=KEY, put=["status"])
    _record(transaction, rows.filter(~pl.col("is_first")), visits)


def _record(transaction: Transaction, rows: pl.DataFrame, visits: pl.DataFrame) -> None:
    """A row of `plan_changes` for each change."""
    if rows.is_empty():
        return
    before = visits.select(
        "visit_id", *(pl.col(name).alias(f"was_{name}") for name in BEFORE if name != "procedures"), kept="procedures"
    ).with_columns(was_procedures=pl.col("kept").list.sort().list.join("|"))
    told = rows.drop("was_procedures").join(before.drop("kept"), on="visit_id", how="left", maintain_order="left")
    ids = pl.Series("id", transaction.reserve_ids("plan_changes", told.height), dtype=pl.Int64)
    stays = pl.col("change").is_in([ADDED, MOVED, FLAGGED])
    transaction.append(
        "plan_changes",
        told.with_columns(ids).select(
            "id",
            "episode_id",
            "plan_version",
            "change",
            "origin",
            "grid_month",
            "was_due_on",
            pl.when(stays).then("due_on").alias("due_on"),
            "reason",
            "chain",
            *(f"was_{name}" for name in BEFORE),
        ),
    )
