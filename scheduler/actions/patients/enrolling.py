"""Enrolling patients: who is new, who is known, and the resection and episode that each stands on.

Inside somebody's transaction; a patient is known by the MRN at a site. A name or birth date that differs from what is
stored may mean another person under the same MRN: nothing is done with such a row until somebody says why.
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from scheduler.actions.auditing import audit
from scheduler.core.validation import MASK
from scheduler.store.transaction import Transaction

IDENTITY = ("name", "birth_date")

ENROLLED: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "patient_id": pl.Int64(),
    "site": pl.String(),
    "resection_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "is_new": pl.Boolean(),
}


IDENTITY_DIFFERENCES: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "variable": pl.String(),  # name or birth_date
    "old": pl.String(),  # the mask; missing where nothing was stored
    "new": pl.String(),
    "stored": pl.Boolean(),  # whether it was changed: only with a reason
}


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """The patients of a table (`ENROLLED`), and whom it says something else of.

    `other_resection` are the rows whose resection is stored on another day (`row, stored_on`), `differences` the
    identities that differ from what is stored (`IDENTITY_DIFFERENCES`), `new_sites` the codes not known before.
    """

    patients: pl.DataFrame
    other_resection: pl.DataFrame
    differences: pl.DataFrame
    new_sites: tuple[str, ...]


def enrol(
    transaction: Transaction, people: pl.DataFrame, *, columns: Collection[str], actor: str, reason: str | None
) -> Enrolment:
    """Find or store each person of `people` (`row, mrn, site, name, birth_date, resected_on`; one row per person).

    `columns` are those of `IDENTITY` that the table has. A person who is known under this MRN at this site is left
    alone and told of where the resection is stored on another day, or where the identity differs and there is no
    `reason`; with one, the identity is corrected and an audit row says so.
    """
    known = _known(transaction, people)
    joined = people.join(known, on=["mrn", "site"], how="left", maintain_order="left")
    fresh = joined.filter(pl.col("patient_id").is_null())
    stored = joined.filter(pl.col("patient_id").is_not_null())
    differs = pl.col("stored_on") != pl.col("resected_on")
    found = stored.filter(~differs)
    differences = _identity_differences(transaction, found, [name for name in IDENTITY if name in columns])
    if reason is None:
        found = found.join(differences, on="row", how="anti", maintain_order="left")
    elif differences.height:
        _correct_identities(transaction, found, differences, actor=actor, reason=reason)
    same = found.with_columns(pl.lit(False).alias("is_new"))
    new_sites = _store_new_sites(transaction, fresh["site"].unique(maintain_order=True))
    patients = pl.concat(
        [
            frame.with_columns(pl.col("resected_on").alias("anchor_on")).select(
                pl.col(name).cast(kind) for name, kind in ENROLLED.items()
            )
            for frame in (same, _enrol_new(transaction, fresh))
        ]
    )
    return Enrolment(
        patients=patients.sort("row"),
        other_resection=stored.filter(differs).select("row", "stored_on"),
        differences=differences.with_columns(pl.lit(reason is not None).alias("stored")),
        new_sites=new_sites,
    )


def _known(transaction: Transaction, people: pl.DataFrame) -> pl.DataFrame:
    """`mrn, site, patient_id, resection_id, episode_id, stored_on` of those who are stored."""
    found = transaction.patients_by_mrn(people["mrn"])
    resections = transaction.resections_of(found["patient_id"]).rename({"resected_on": "stored_on"})
    episodes = transaction.episodes_of(found["patient_id"]).select("episode_id", "resection_id")
    return (
        found.select("mrn", "site", "patient_id")
        .join(resections, on="patient_id")
        .join(episodes, on="resection_id")
        .unique(["mrn", "site"], keep="first", maintain_order=True)
    )


def _identity_differences(transaction: Transaction, found: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """A row for each name or birth date that is not the stored one; the values themselves are masked."""
    parts = [pl.DataFrame(schema=IDENTITY_DIFFERENCES)]
    if names and found.height:
        both = found.join(transaction.identities(found["patient_id"]), on="patient_id", suffix="_stored")
        for name in names:
            old, new = pl.col(f"{name}_stored"), pl.col(name)
            parts.append(
                both.filter(old.ne_missing(new)).select(
                    "row",
                    pl.lit(name).alias("variable"),
                    pl.when(old.is_not_null()).then(pl.lit(MASK)).alias("old"),
                    pl.when(new.is_not_null()).then(pl.lit(MASK)).alias("new"),
                    pl.lit(False).alias("stored"),
                )
            )
    return pl.concat(parts).sort("row", maintain_order=True)


def _correct_identities(
    transaction: Transaction, found: pl.DataFrame, differences: pl.DataFrame, *, actor: str, reason: str
) -> None:
    """Store the identities that differ as the table has them; the audit says which cells, not what is in them."""
    changed = differences.group_by("row", maintain_order=True).agg(pl.col("variable").alias("changed"))
    people = found.join(changed, on="row", maintain_order="right")
    stored = transaction.identities(people["patient_id"])
    given = people.join(stored, on="patient_id", suffix="_stored", maintain_order="left")
    is_changed = {name: pl.col("changed").list.contains(name) for name in IDENTITY}
    corrected = [pl.when(is_changed[name]).then(name).otherwise(f"{name}_stored").alias(name) for name in IDENTITY]
    transaction.replace_identities(given.select("patient_id", pl.col("mrn_stored").alias("mrn"), *corrected))
    said = people.select(
        "patient_id",
        pl.lit("correct_identity").alias("action"),
        pl.struct("changed").struct.json_encode().alias("details"),
    )
    audit(transaction, said, actor=actor, reason=reason)


def _enrol_new(transaction: Transaction, fresh: pl.DataFrame) -> pl.DataFrame:
    """Store patients, identities, resections and episodes of people who are not known yet."""
    count = fresh.height
    sites = transaction.sites().select("site", "site_id")
    new = fresh.drop("patient_id", "resection_id", "episode_id").with_columns(
        *(
            pl.Series(column, transaction.reserve_ids(table, count), dtype=pl.Int64)
            for column, table in (
                ("patient_id", "patients"),
                ("resection_id", "resections"),
                ("episode_id", "episodes"),
            )
        ),
        pl.lit(True).alias("is_new"),
    )
    people = new.join(sites, on="site", maintain_order="left")
    transaction.append_patients(people.select(pl.col("patient_id").alias("id"), "site_id", "mrn", "name", "birth_date"))
    transaction.append("resections", new.select(pl.col("resection_id").alias("id"), "patient_id", "resected_on"))
    transaction.append(
        "episodes",
        new.select(
            pl.col("episode_id").alias("id"),
            "patient_id",
            "resection_id",
            pl.col("resected_on").alias("anchor_on"),
            pl.lit("active").alias("state"),
            pl.lit(1).alias("version"),
        ),
    )
    return new


def _store_new_sites(transaction: Transaction, codes: pl.Series) -> tuple[str, ...]:
    """The codes that are not known; those sites are stored, to be described later."""
    absent = codes.filter(~codes.is_in(transaction.sites()["site"].to_list()))
    if len(absent):
        new = pl.DataFrame(
            {
                "id": pl.Series(transaction.reserve_ids("sites", len(absent)), dtype=pl.Int64),
                "code": absent,
                "title": absent,
                "time_zone": ["UTC"] * len(absent),
            }
        )
        transaction.append("sites", new)
    return tuple(absent.to_list())
