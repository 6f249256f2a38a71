"""The audit chain: each row's hash covers its own cells and the hash before it.

A row's hash is the SHA-256, in hexadecimal, of the previous row's hash followed by the row's canonical JSON (RFC 8785)
of the columns in `CHAINED`, the moment written as `2026-01-31T12:00:00.000000Z`. The first row follows 64 zeros.
Who has the rows can check them; no key is needed. The registry also keeps the head, so that cutting off the end shows.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import polars as pl

from scheduler.store.frames import MOMENT

CHAINED = (
    "action",
    "actor",
    "after_digest",
    "before_digest",
    "details",
    "patient_id",
    "position",
    "reason",
    "recorded_at",
    "rule_digests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last row of the chain: its position and hash."""

    position: int
    hash: str

    def written(self) -> str:
        """The head as the registry keeps it."""
        return f"{self.position}:{self.hash}"

    @classmethod
    def read(cls, written: str) -> "Head":
        """The head from what the registry keeps.

        >>> Head.read("7:ab").position
        7
        """
        position, _, digest = written.partition(":")
        return cls(position=int(position), hash=digest)


START = Head(position=0, hash="0" * 64)


def chained(rows: pl.DataFrame, *, after: Head, recorded_at: datetime) -> pl.DataFrame:
    """The rows with their place in the chain: `position`, `recorded_at`, `previous_hash`, `hash` are added.

    >>> row = pl.DataFrame({"actor": ["an"], "action": ["enrolled"], "patient_id": [1], "before_digest": [None],
    ...     "after_digest": [None], "rule_digests": ["[]"], "reason": [None], "details": ["{}"]})
    >>> from datetime import UTC
    >>> chained(row, after=START, recorded_at=datetime(2026, 1, 31, tzinfo=UTC))["position"].to_list()
    [1]
    """
    first = after.position + 1
    placed = rows.with_columns(
        pl.int_range(first, first + rows.height, dtype=pl.Int64).alias("position"),
        pl.lit(recorded_at, dtype=MOMENT).alias("recorded_at"),
    )
    hashes = _hashes(placed, after.hash)
    return placed.with_columns(
        pl.Series("previous_hash", [after.hash, *hashes[:-1]] if hashes else [], dtype=pl.String),
        pl.Series("hash", hashes, dtype=pl.String),
    )


def first_break(chunks: Iterable[pl.DataFrame], *, head: Head) -> int | None:
    """The position of the first row that was changed, removed, moved or added outside the chain; None if none was.

    `chunks` are all audit rows in the order of their positions; `head` is what the registry keeps.
    """
    last = START
    for rows in chunks:
        if (broken := _break_in(rows, after=last)) is not None:
            return broken
        if rows.height:
            last = Head(position=rows["position"][-1], hash=rows["hash"][-1])
    return None if last == head else min(last.position, head.position) + (last.position != head.position)


def _break_in(rows: pl.DataFrame, *, after: Head) -> int | None:
    """The first position in the chunk that is not what the chain demands."""
    hashes = pl.Series(_hashes(rows, after.hash), dtype=pl.String)
    expected = rows.select(
        position=pl.int_range(after.position + 1, after.position + 1 + pl.len(), dtype=pl.Int64),
        previous_hash=pl.lit(hashes).shift(1, fill_value=after.hash),
        hash=pl.lit(hashes),
    )
    broken = expected.filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.lit(rows[name])) for name in ("position", "previous_hash", "hash"))
    )
    return broken["position"][0] if broken.height else None


def _hashes(rows: pl.DataFrame, previous: str) -> list[str]:
    """The hash of each row, each built on the one before. The only loop over rows in the store, kept bare."""
    hashes = []
    for text in _texts(rows):
        previous = sha256((previous + text).encode()).hexdigest()
        hashes.append(previous)
    return hashes


def _texts(rows: pl.DataFrame) -> list[str]:
    """Each row's canonical JSON."""
    cells = rows.select(CHAINED).with_columns(pl.col("recorded_at").dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ"))
    return cells.select(pl.struct(CHAINED).struct.json_encode().alias("text"))["text"].to_list()
