"""One million rows through `hepwatch score`, Parquet in and out, against hand-written Polars for the same columns."""

import sys
import tempfile
from datetime import date
from pathlib import Path

from tests.benchmarks.measuring import in_own_process, line, measured, medians

ROWS = 1_000_000
DRAWN = 100_000


def main(runs: int) -> None:
    """Print wall time and peak memory, whole processes' work included: reading, scoring, writing."""
    with tempfile.TemporaryDirectory() as folder:
        for missing in ("0", "0.05"):
            table = Path(folder) / f"patients-{missing}.parquet"
            _write_table(table, float(missing))
            ours, theirs = [], []
            for _ in range(runs):
                ours.append(in_own_process(__name__, "hepwatch", str(table), str(table.with_suffix(".out.parquet"))))
                theirs.append(in_own_process(__name__, "by-hand", str(table), str(table.with_suffix(".hand.parquet"))))
            line(f"by hand, {ROWS:,} complete rows only", medians(theirs))
            line(f"hepwatch score, {float(missing):.0%} of cells missing", medians(ours), against=medians(theirs))


def _write_table(table: Path, missing_share: float) -> None:
    """A table of a million, drawn once a tenth and repeated under other MRNs."""
    import polars as pl

    from scheduler.cohort import draw_cohort

    drawn = draw_cohort(
        DRAWN, seed=7, resected_between=(date(2020, 1, 1), date(2025, 1, 1)), missing_share=missing_share
    )
    copies = [drawn.with_columns(pl.format("{}-{}", "mrn", pl.lit(copy)).alias("mrn")) for copy in range(ROWS // DRAWN)]
    pl.concat(copies).write_parquet(table)


def _hepwatch(table: str, out: str) -> None:
    from scheduler.cli.root import run

    with measured():
        run(["score", table, "--out", out])


def _by_hand(table: str, out: str) -> None:
    """The two formulas and the nine factors, written out; no bounds, no checks, no reasons."""
    import polars as pl

    with measured():
        c = pl.col
        albi = (0.66 * c("bilirubin_umol_l").log10() - 0.085 * c("albumin_g_l")) > -2.60
        preop_beyond = (
            ~(
                ((c("imaging_tumor_count") == 1) & (c("imaging_largest_tumor_cm") <= 5))
                | ((c("imaging_tumor_count") <= 3) & (c("imaging_largest_tumor_cm") <= 3))
            )
            | c("imaging_macrovascular_invasion")
            | c("clinical_node_metastasis")
            | c("clinical_distant_metastasis")
        )
        beyond = ~(
            ((c("pathology_tumor_count") == 1) & (c("pathology_largest_tumor_cm") <= 5))
            | ((c("pathology_tumor_count") <= 3) & (c("pathology_largest_tumor_cm") <= 3))
        ) | c("macrovascular_invasion")
        stage = c("modified_uicc_stage").replace_strict({"I": 1, "II": 2, "III": 3, "IVA": 4, "IVB": 4})
        number = pl.when(c("pathology_tumor_count") == 1).then(0).when(c("pathology_tumor_count") <= 3).then(1)
        preop = -1.470 * c("age_years").log() + 0.806 * stage + 0.699 * preop_beyond + 0.663 * albi
        postop = (
            -1.139 * c("age_years").log()
            + 0.637 * number.otherwise(2)
            + 0.979 * c("microvascular_invasion")
            + 0.439 * c("tumor_necrosis")
            + 0.696 * beyond
            + 0.602 * albi
        )
        wang = (
            0.523 * (c("afp_ng_ml") > 400)
            + 0.939 * c("preoperative_rupture")
            + 0.888 * (c("pathology_largest_tumor_cm") > 5)
            + 0.328 * (c("pathology_tumor_count") > 1)
            + 1.236 * c("macrovascular_invasion")
            + 0.732 * c("microvascular_invasion")
            + 0.540 * c("satellite_nodules")
            + 0.503 * (c("resection_margin_mm") < 10)
            + 0.396 * c("intraoperative_transfusion")
        )
        frame = pl.read_parquet(table)
        parts = []
        for name, predictor, cuts in (
            ("ehr-preop", preop, [-2.59, -1.70]),
            ("ehr-postop", postop, [-3.96, -3.22]),
            ("wang-distant-metastasis", wang, [1.410843061, 2.626535774]),
        ):
            groups = predictor.round(9).cut(cuts, labels=["low", "intermediate", "high"], left_closed=True)
            parts.append(
                frame.select(
                    "mrn",
                    pl.lit(name).alias("model"),
                    predictor.round(9).alias("linear_predictor"),
                    groups.cast(pl.String).alias("risk_group"),
                )
            )
        pl.concat(parts).write_parquet(out)


if __name__ == "__main__":
    {"hepwatch": _hepwatch, "by-hand": _by_hand}[sys.argv[1]](*sys.argv[2:])
