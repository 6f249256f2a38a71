"""What is signed of patients now, read back from their documents: the frame that scoring and deciding start from."""

import polars as pl

from scheduler.actions.plans.assessing import with_all_not_obtainable
from scheduler.core.not_obtainable import names_in
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
            "resection_id", "not_obtainable", document="document", version=pl.col("version").cast(pl.Int64)
        )
        signed = signed.join(form, on="resection_id", how="left", maintain_order="left")
        findings = read_documents(signed["document"], dictionary, stage)
        lost = names_in(signed["not_obtainable"]).alias(f"{stage}_not_obtainable")
        known = signed.drop("document", "not_obtainable").rename({"version": f"{stage}_version"})
        signed = pl.concat([known.with_columns(lost), findings], how="horizontal")
    versions = [pl.col(f"{stage}_version").fill_null(0) for stage in STAGES]
    known = signed.with_columns(*versions, with_all_not_obtainable()).filter(pl.col("surgery_version") > 0)
    return complete(known, dictionary)
