"""What every action says of itself in the audit: who did what, by which rules, and why."""

import polars as pl

from scheduler.store.transaction import AUDIT_COLUMNS, Transaction

MAY_BE_EMPTY: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "before_digest": pl.String(),
    "after_digest": pl.String(),
}


def audit(
    transaction: Transaction, rows: pl.DataFrame, *, actor: str, reason: str | None = None, rule_digests: str = "{}"
) -> None:
    """Add an audit row for each of `rows`: `action`, `details` (JSON), and `MAY_BE_EMPTY` as far as they are known.

    `rule_digests` is a JSON object, reference to digest.
    """
    unknown = [pl.lit(None, dtype=kind).alias(name) for name, kind in MAY_BE_EMPTY.items() if name not in rows.columns]
    said = rows.with_columns(
        *unknown,
        pl.lit(actor).alias("actor"),
        pl.lit(reason, dtype=pl.String).alias("reason"),
        pl.lit(rule_digests).alias("rule_digests"),
    )
    transaction.append_audit(said.select(AUDIT_COLUMNS))
