"""Filing reports: findings that arrive, against what is stored, one form at a time.

Takes findings and what is stored of the same patients; says for each report whether it is new, the same, changed or
to be signed, and writes it. A signed report is never edited: a change to it is a new version with a reason.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from scheduler.core.not_obtainable import NOTHING, said_of
from scheduler.core.reports import DIFFERENCES, differences, document, read_documents
from scheduler.core.variables import CollectedAt, VariableDictionary
from scheduler.store.transaction import Transaction

EMPTY = "{}"


class Outcome(StrEnum):
    """What becomes of one report."""

    NOTHING = "nothing"  # nothing is known, nothing is stored
    SAME = "same"  # stored already, word for word
    DRAFTED = "drafted"
    SIGNED = "signed"
    NEEDS_REASON = "needs a reason"  # it would change what is stored; a draft may be completed without one
    NEEDS_SURGERY = "needs the surgery report"  # pathology is not signed before surgery


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Who files, whether the report is signed with it, and why a change is made (None: nothing may change)."""

    by: str
    signs: bool
    reason: str | None
    not_obtainable: Mapping[str, str] = field(default_factory=dict)  # what cannot be had, and why


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One form of each patient, as it is stored and as it would be: aligned by row, in the patients' order.

    `reports` has `patient_id, resection_id`, the stored texts and versions, `new` (the text that would be stored) and
    `completes` (whether it only fills in what a draft leaves open); `before` and `after` have the findings.
    """

    stage: CollectedAt
    reports: pl.DataFrame
    before: pl.DataFrame
    after: pl.DataFrame


def compare(
    reports: pl.DataFrame,
    patients: pl.DataFrame,
    stage: CollectedAt,
    dictionary: VariableDictionary,
    *,
    columns: Collection[str] | None,
    not_obtainable: Mapping[str, str] | None = None,
) -> Compared:
    """One form of each patient with the findings given, beside what is stored of it.

    `reports` are those stored of the patients. `patients` has `patient_id`, `resection_id` and every recorded variable;
    `columns` are those that it speaks of (a stored value of another stays); where they are None, nobody speaks of the
    form, and it stays as it is. `not_obtainable` is what the signer says cannot be had.
    """
    stored = _stored(reports.filter(pl.col("stage") == str(stage)), patients)
    before = read_documents(stored["latest"], dictionary, stage)
    given = [name for name in before.columns if name in (columns or ())]
    after = before.with_columns(patients.select(given))
    written = after.select(document(dictionary, stage)) if columns is not None else stored.select("latest")
    new = written.to_series().fill_null(EMPTY).alias("new")
    completes = stored["draft"].is_not_null()
    if given and completes.any():
        completes &= _only_adds(before.select(given), after.select(given))
    lost = said_of(stored["latest_not_obtainable"], after, not_obtainable or {}).alias("not_obtainable")
    compared = pl.DataFrame([*stored, new, completes.alias("completes"), lost])
    return Compared(stage=stage, reports=compared, before=before, after=after)


def _only_adds(before: pl.DataFrame, after: pl.DataFrame) -> pl.Series:
    """Whether each row keeps every finding that it had."""
    both = pl.concat([before, after.select(pl.all().name.prefix("new "))], how="horizontal")
    kept = (pl.col(name).is_null() | pl.col(name).eq_missing(pl.col(f"new {name}")) for name in before.columns)
    return both.select(pl.all_horizontal(kept)).to_series()


def file_report(
    transaction: Transaction, compared: Compared, signature: Signature, *, may_sign: pl.Series, confirmed: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """File one form of each patient; gives the outcomes and the differences (`DIFFERENCES`).

    Row by row, `may_sign` says whether the form may be signed yet, and `confirmed` (JSON lists) which warnings are
    confirmed by signing. The outcomes have `patient_id, outcome, document` (what is signed of the form now, `{}` where
    it is not), `version` (of that document, 0 where unsigned), `before_digest`, `after_digest`.
    """
    judged = compared.reports.with_columns(
        _digests(compared.reports["new"], compared.reports["not_obtainable"]).alias("after_digest"),
        may_sign.alias("may_sign"),
        confirmed.alias("confirmed"),
    ).with_columns(_outcome(signature, compared.stage).alias("outcome"))
    _write(transaction, judged, compared.stage, signature)
    changed = judged["latest"].ne_missing(judged["new"]) & judged["latest"].is_not_null()
    if not changed.any():
        return _outcomes(judged), pl.DataFrame(schema=DIFFERENCES)
    before, after = compared.before.filter(changed), compared.after.filter(changed)
    return _outcomes(judged), differences(judged["patient_id"].filter(changed), before, after, columns=before.columns)


def _stored(reports: pl.DataFrame, patients: pl.DataFrame) -> pl.DataFrame:
    """What is stored of the form: its latest text (draft before signed), its signed text and version."""
    drafts = reports.filter(pl.col("state") == "draft").select(
        "resection_id",
        pl.col("document").alias("draft"),
        pl.col("digest").alias("draft_digest"),
        pl.col("version").alias("draft_version"),
        pl.col("reason").alias("draft_reason"),
        pl.col("not_obtainable").alias("draft_not_obtainable"),
    )
    signed = reports.filter(pl.col("state") == "signed").select(
        "resection_id",
        pl.col("document").alias("signed"),
        pl.col("digest").alias("signed_digest"),
        pl.col("version").alias("signed_version"),
        pl.col("confirmed").alias("signed_confirmed"),
        pl.col("not_obtainable").alias("signed_not_obtainable"),
    )
    return (
        patients.select("patient_id", "resection_id")
        .join(drafts, on="resection_id", how="left", maintain_order="left")
        .join(signed, on="resection_id", how="left", maintain_order="left")
        .with_columns(
            pl.coalesce("draft", "signed").alias("latest"),
            pl.coalesce("draft_digest", "signed_digest").alias("before_digest"),
            pl.coalesce("draft_not_obtainable", "signed_not_obtainable").alias("latest_not_obtainable"),
            pl.col("signed_version").fill_null(0),
        )
    )


def _outcome(signature: Signature, stage: CollectedAt) -> pl.Expr:
    """The outcome of each report, over the stored and the new text."""
    same_loss = pl.col("latest_not_obtainable").fill_null(NOTHING) == pl.col("not_obtainable")
    same = (pl.col("latest") == pl.col("new")) & same_loss
    is_signed = pl.col("draft").is_null() & pl.col("signed").is_not_null()
    unfounded = pl.col("latest").is_not_null() & ~same & ~pl.col("completes") & pl.lit(signature.reason is None)
    pathology_first = ~pl.col("may_sign") & pl.lit(signature.signs and stage is CollectedAt.PATHOLOGY)
    return (
        pl.when(pl.col("latest").is_null() & (pl.col("new") == EMPTY))
        .then(pl.lit(Outcome.NOTHING.value))
        .when(same & (is_signed | pl.lit(not signature.signs)))
        .then(pl.lit(Outcome.SAME.value))
        .when(unfounded)
        .then(pl.lit(Outcome.NEEDS_REASON.value))
        .when(pathology_first)
        .then(pl.lit(Outcome.NEEDS_SURGERY.value))
        .otherwise(pl.lit(Outcome.SIGNED.value if signature.signs else Outcome.DRAFTED.value))
    )


def _digests(documents: pl.Series, not_obtainable: pl.Series) -> pl.Series:
    """SHA-256 of each document and what it says cannot be had, where it does, hexadecimal."""
    texts = (text if lost == NOTHING else text + lost for text, lost in zip(documents, not_obtainable, strict=True))
    return pl.Series([hashlib.sha256(text.encode()).hexdigest() for text in texts], dtype=pl.String)


def _write(transaction: Transaction, judged: pl.DataFrame, stage: CollectedAt, signature: Signature) -> None:
    """Store drafts and signed versions; a draft that is replaced or signed goes. What waits for surgery is a draft."""
    signs = pl.col("outcome") == Outcome.SIGNED.value
    waits = (pl.col("outcome") == Outcome.NEEDS_SURGERY.value) & pl.col("latest").ne_missing(pl.col("new"))
    written = judged.filter(signs | waits | (pl.col("outcome") == Outcome.DRAFTED.value))
    if written.is_empty():
        return
    drafts = written.filter(pl.col("draft").is_not_null())["resection_id"]
    if len(drafts):
        transaction.delete_drafts(drafts, stage=str(stage))
    reason = pl.coalesce(pl.lit(signature.reason, dtype=pl.String), "draft_reason")
    rows = written.select(
        "resection_id",
        pl.lit(str(stage)).alias("stage"),
        (pl.col("signed_version") + 1).alias("version"),
        pl.when(signs).then(pl.lit("signed")).otherwise(pl.lit("draft")).alias("state"),
        pl.col("new").alias("document"),
        pl.col("after_digest").alias("digest"),
        pl.when(signs).then("confirmed").otherwise(pl.lit("[]")).alias("confirmed"),
        pl.when(signs).then(pl.lit(signature.by)).alias("signed_by"),
        pl.when(signs).then(pl.lit(transaction.recorded_at)).alias("signed_at"),
        pl.when(pl.col("latest").is_not_null()).then(reason).alias("reason"),
        pl.lit(signature.by).alias("recorded_by"),
        "not_obtainable",
    )
    transaction.append("reports", rows)


def _outcomes(judged: pl.DataFrame) -> pl.DataFrame:
    """The outcomes, with what is signed of the form now, and what it says cannot be had (`not_obtainable`)."""
    now = pl.col("outcome") == Outcome.SIGNED.value
    return judged.select(
        "patient_id",
        "outcome",
        pl.when(now).then("new").otherwise(pl.col("signed").fill_null(EMPTY)).alias("document"),
        (pl.col("signed_version") + now.cast(pl.Int64)).alias("version"),
        pl.when(now).then("not_obtainable").otherwise(pl.col("signed_not_obtainable").fill_null(NOTHING)),
        "before_digest",
        "after_digest",
    )
