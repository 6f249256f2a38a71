"""Enrolling patients: who is new, who is known, and the resection and episode that each stands on.

Inside somebody's transaction; a patient is known by the MRN at a site.
"""

from dataclasses import dataclass

import polars as pl

from scheduler.store.transaction import Transaction

ENROLLED: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "patient_id": pl.Int64(),
    "site": pl.String(),
    "resection_id": pl.Int64(),
    "episode_id": pl.Int64(),
    "anchor_on": pl.Date(),
    "is_new": pl.Boolean(),
}


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """The patients of a table: `ENROLLED`, and the rows whose resection is stored on another day (`row, stored_on`)."""

    patients: pl.DataFrame
    other_resection: pl.DataFrame


def enrol(transaction: Transaction, people: pl.DataFrame) -> Enrolment:
    """Find or store each person of `people` (`row, mrn, site, name, birth_date, resected_on`; one row per person).

    A person who is known under this MRN at this site with a resection on another day is left alone and told of.
    """
    known = _known(transaction, people)
    joined = people.join(known, on=["mrn", "site"], how="left", maintain_order="left")
    fresh = joined.filter(pl.col("patient_id").is_null())
    stored = joined.filter(pl.col("patient_id").is_not_null())
    differs = pl.col("stored_on") != pl.col("resected_on")
    same = stored.filter(~differs).with_columns(pl.lit(False).alias("is_new"))
    patients = pl.concat(
        [
            frame.with_columns(pl.col("resected_on").alias("anchor_on")).select(
                pl.col(name).cast(kind) for name, kind in ENROLLED.items()
            )
            for frame in (same, _enrol_new(transaction, fresh))
        ]
    )
    return Enrolment(patients=patients.sort("row"), other_resection=stored.filter(differs).select("row", "stored_on"))


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


def _enrol_new(transaction: Transaction, fresh: pl.DataFrame) -> pl.DataFrame:
    """Store patients, identities, resections and episodes of people who are not known yet."""
    count = fresh.height
    sites = _sites(transaction, fresh["site"].unique(maintain_order=True))
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


def _sites(transaction: Transaction, codes: pl.Series) -> pl.DataFrame:
    """`site, site_id` of every code; a site that is not known is stored, to be described later."""
    known = transaction.sites().select("site", "site_id", "country")
    absent = codes.filter(~codes.is_in(known["site"].to_list()))
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
    return transaction.sites().select("site", "site_id")
