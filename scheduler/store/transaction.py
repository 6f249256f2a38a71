"""Writing: frames into tables, and the audit rows that say so, all or nothing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

import polars as pl
from sqlalchemy import Connection, Select, Table, delete, select, update

from scheduler.store import audit
from scheduler.store.claims import KeepingClaims
from scheduler.store.database import Database
from scheduler.store.errors import ChangedMeanwhile, StoreMisused
from scheduler.store.frames import MOMENT, fitted
from scheduler.store.identity import Key
from scheduler.store.reading import Reading
from scheduler.store.tables import (
    UNAUDITED,
    audit_rows,
    closures,
    episodes,
    metadata,
    registry_facts,
    reports,
    rule_texts,
    verdicts,
)

AUDIT_COLUMNS = (
    "actor",
    "action",
    "patient_id",
    "before_digest",
    "after_digest",
    "rule_digests",
    "reason",
    "details",
)

VERDICT_COLUMNS = ("examination_id", "episode_id", "visit_id", "verdict", "reason")

RISING_VERSION = frozenset({"episodes"})  # an update finds a row by the version it read, and raises it


class Transaction(KeepingClaims, Reading):
    """Everything that `Reading` answers, and changes besides. What was recorded in it shares one `recorded_at`."""

    def __init__(
        self, database: Database, connection: Connection, key: Callable[[], Key], *, recorded_at: datetime
    ) -> None:
        super().__init__(database, connection, key)
        self.recorded_at = recorded_at
        self._reserved: dict[str, int] = {}
        self._changed: set[str] = set()
        self._audited: list[pl.DataFrame] = []

    def lock_patients(self, patient_ids: Iterable[int]) -> None:
        """Wait until no other transaction changes these patients; the lock ends with the transaction.

        What is read afterwards is what the other transaction left.
        """
        theirs = self._among(episodes.c.patient_id, list(patient_ids))
        self._connection.execute(select(episodes.c.id).where(theirs).order_by(episodes.c.id).with_for_update())

    def lock_free_patients(self, patient_ids: Iterable[int]) -> pl.DataFrame:
        """Lock those of these patients whom no other transaction is changing, without waiting.

        Gives whom it locked, by patient: `patient_id, version`, which rises whenever something is recorded. A patient
        all of whose episodes are free is locked as by `lock_patients`; the others are left alone.
        """
        theirs = self._among(episodes.c.patient_id, patient_ids)
        every = select(episodes.c.id, episodes.c.patient_id, episodes.c.version).where(theirs)
        locked = self._frame(every) if self._database.has_one_writer else self._free(every)
        return locked.group_by("patient_id").agg(pl.col("version").sum()).sort("patient_id")

    def _free(self, every: Select[tuple[int, int, int]]) -> pl.DataFrame:
        """Those of the episodes that no other transaction holds, nor another of the same patient, locked now."""
        free = every.order_by(episodes.c.id).with_for_update(skip_locked=True)
        rows = [tuple(row) for row in self._connection.execute(free)]
        locked = pl.DataFrame(rows, schema=dict.fromkeys(("id", "patient_id", "version"), pl.Int64), orient="row")
        held = self._frame(every).join(locked, on="id", how="anti")  # asked after locking: one may be new
        return locked.join(held, on="patient_id", how="anti")

    def raise_versions(self, patient_ids: Iterable[int]) -> None:
        """Raise the version of these patients' episodes, so that whoever read them before notices a change."""
        theirs = self._among(episodes.c.patient_id, list(patient_ids))
        self._connection.execute(update(episodes).where(theirs).values(version=episodes.c.version + 1))

    def reserve_ids(self, table: str, count: int) -> range:
        """So many ids for new rows of the table, which nobody else will get."""
        if count == 0:
            return range(0)
        ids = self._database.reserve(self._connection, _table(table), count, above=self._reserved.get(table, 0))
        self._reserved[table] = ids[-1]
        return ids

    def append(self, table: str, frame: pl.DataFrame) -> None:
        """Insert the frame's rows; columns that may be empty may be left out, and `recorded_at` is added.

        Raises `StoreMisused` where the frame does not fit the table, `StoredAlready` where a row is there.
        """
        if table == audit_rows.name:
            raise StoreMisused("audit rows are added with append_audit")
        target = _table(table)
        if "recorded_at" in target.c and "recorded_at" not in frame.columns:
            frame = frame.with_columns(pl.lit(self.recorded_at, dtype=MOMENT).alias("recorded_at"))
        fitting = fitted(frame, target)
        if fitting.height:
            self._database.append(self._connection, target, fitting)
            self._changed.add(table)

    def update(self, table: str, frame: pl.DataFrame, *, key: Sequence[str], put: Sequence[str]) -> None:
        """Put the columns `put` of each of the frame's rows into the one row that its columns `key` find.

        Raises `ChangedMeanwhile` unless every row is found: with the version or the status among the keys, a row that
        somebody else changed is not.
        """
        if table in RISING_VERSION and "version" not in key:
            raise StoreMisused(f"{table}: `version` must be among the keys, so that a stale change is noticed")
        target = _table(table)
        fitting = fitted(frame.select(*key, *put), target, columns=[*key, *put])
        if fitting.height:
            rises = table in RISING_VERSION
            found = self._database.update(self._connection, target, fitting, key=key, put=put, version_rises=rises)
            self._changed.add(table)
            if found != fitting.height:
                raise ChangedMeanwhile(table=table, expected=fitting.height, found=found)

    def append_patients(self, frame: pl.DataFrame) -> None:
        """Insert patients and their encrypted identities: `id, site_id, mrn, name, birth_date`."""
        hashed = frame.select("id", "site_id", self._key().hash_mrns(frame["mrn"]), enrolled_at=self._moment())
        self.append("patients", hashed)
        self.append("identities", self._key().encrypt(frame.rename({"id": "patient_id"})))

    def replace_identities(self, frame: pl.DataFrame) -> None:
        """Replace what identifies patients: `patient_id, mrn, name, birth_date`; they are found by the new MRN then."""
        hashed = frame.select(pl.col("patient_id").alias("id"), self._key().hash_mrns(frame["mrn"]))
        self.update("patients", hashed, key=["id"], put=["mrn_hash"])
        self.update("identities", self._key().encrypt(frame), key=["patient_id"], put=["ciphertext"])

    def append_rule_texts(self, frame: pl.DataFrame) -> None:
        """Keep the rule texts `digest, kind, rule_id, version, text`; those that are there already stay."""
        rows = fitted(frame.with_columns(recorded_at=self._moment()), rule_texts).to_dicts()
        if rows:
            self._connection.execute(self._database.insert(rule_texts).on_conflict_do_nothing(), rows)

    def delete_drafts(self, resection_ids: Iterable[int], *, stage: str) -> None:
        """Delete the unsigned drafts of these resections' reports of one stage; a signed report stays."""
        self._connection.execute(
            delete(reports).where(
                self._among(reports.c.resection_id, list(resection_ids)),
                reports.c.stage == stage,
                reports.c.state == "draft",
            )
        )
        self._changed.add(reports.name)

    def delete_closures(self, site_id: int, days: Iterable[date]) -> None:
        """Take away these closed days of a site; the audit keeps that they were."""
        of_site = closures.c.site_id == site_id
        self._connection.execute(delete(closures).where(of_site, closures.c.closed_on.in_(list(days))))
        self._changed.add(closures.name)

    def replace_verdicts(self, episode_ids: Iterable[int], frame: pl.DataFrame) -> None:
        """Make these all the verdicts of the episodes: `VERDICT_COLUMNS`.

        A verdict that is as it was stays, with the moment of its first recording; the others go and are added, so that
        matching again with the same outcome writes nothing and needs no audit row. Raises `StoreMisused` where a row is
        of another episode.
        """
        ids = pl.Series(list(episode_ids), dtype=pl.Int64)
        matched = fitted(frame.select(VERDICT_COLUMNS), verdicts, columns=VERDICT_COLUMNS)
        if strangers := matched.filter(~pl.col("episode_id").is_in(ids.implode())).height:
            raise StoreMisused(f"{strangers} verdicts are of episodes that were not matched")
        stored = self.verdicts_of(ids).select(VERDICT_COLUMNS)
        gone = stored.join(matched, on=VERDICT_COLUMNS, how="anti", nulls_equal=True)["examination_id"]
        if len(gone):
            self._connection.execute(delete(verdicts).where(self._among(verdicts.c.examination_id, gone)))
            self._changed.add(verdicts.name)
        self.append("verdicts", matched.join(stored, on=VERDICT_COLUMNS, how="anti", nulls_equal=True))

    def keep_fact(self, name: str, value: str) -> None:
        """Keep what is known of the registry itself under this name, instead of what was known before."""
        kept = self._database.insert(registry_facts).values(name=name, value=value)
        self._connection.execute(kept.on_conflict_do_update(index_elements=["name"], set_={"value": value}))

    def append_audit(self, frame: pl.DataFrame) -> None:
        """Say what was done: `AUDIT_COLUMNS`, of which `rule_digests` and `details` are JSON text.

        The rows join the chain at the end of the transaction, in the order in which they were given.
        """
        if missing := [name for name in AUDIT_COLUMNS if name not in frame.columns]:
            raise StoreMisused(f"audit rows without {missing}")
        self._audited.append(fitted(frame.select(AUDIT_COLUMNS), audit_rows, columns=AUDIT_COLUMNS))

    def finish(self) -> None:
        """Append the audit rows, last, while nobody else can; the registry calls it before it commits.

        Raises `StoreMisused` where clinical rows were written and no audit row says so.
        """
        rows = pl.concat(self._audited) if self._audited else pl.DataFrame()
        if not rows.height:
            if unsaid := self._changed - UNAUDITED:
                raise StoreMisused(f"{sorted(unsaid)} were changed and no audit row says so")
            return
        self._database.lock_audit_head(self._connection)
        linked = audit.chained(rows, after=self.audit_head(), recorded_at=self.recorded_at)
        self._database.append(self._connection, audit_rows, linked)
        head = audit.Head(position=linked["position"][-1], hash=linked["hash"][-1])
        self.keep_fact("audit_head", head.written())

    def _moment(self) -> pl.Expr:
        """The moment of this transaction, as a column."""
        return pl.lit(self.recorded_at, dtype=MOMENT)


def _table(name: str) -> Table:
    """The table of this name."""
    if name not in metadata.tables:
        raise StoreMisused(f"there is no table {name}")
    return metadata.tables[name]
