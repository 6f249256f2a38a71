"""What is signed of patients now, read back from their documents: the frame that scoring and deciding start from."""

import polars as pl

from scheduler.core.reports import read_documents
from scheduler.core.variables import CollectedAt, VariableDictionary, complete
from scheduler.store.reading import Reading
from scheduler.store.reading.asking import Ids

STAGES = (CollectedAt.SURGERY, CollectedAt.PATHOLOGY)


def signed_findings(reading: Reading, patient_ids: Ids, dictionary: VariableDictionary) -> pl.DataFrame:
    """The patients of whom something is signed, one row per resection: `assessing.SIGNED` and every recorded variable.

    A form that is not signed says nothing: its version is 0 and its findings are missing.
    """
    episodes = reading.episodes_of(patient_ids).filter(pl.col("resection_id").is_not_null())
    sites = reading.patients(patient_ids).select("patient_id", "site")
    resections = episodes.join(sites, on="patient_id", maintain_order="left")
    reports = reading.reports_of(resections["resection_id"]).filter(pl.col("state") == "signed")
    signed = resections.select("patient_id", "site", "resection_id", "episode_id", "anchor_on")
    for stage in STAGES:
        form = reports.filter(pl.col("stage") == str(stage)).select(
            "resection_id", document="document", version=pl.col("version").cast(pl.Int64)
        )
        signed = signed.join(form, on="resection_id", how="left", maintain_order="left")
        findings = read_documents(signed["document"], dictionary, stage)
        signed = pl.concat([signed.drop("document"), findings], how="horizontal").rename(
            {"version": f"{stage}_version"}
        )
    versions = [pl.col(f"{stage}_version").fill_null(0) for stage in STAGES]
    known = signed.with_columns(versions).filter(pl.col("surgery_version") > 0)
    return complete(known, dictionary)
