"""What led to a change of a plan, step by step: report → finding → contribution → predictor → group → intensity.

Takes what was signed, what differs, how the patient was scored before and now, and what was decided; gives steps as
JSON. The last steps, from the phase to the date, are each visit's own.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from scheduler.core.visit_changes import visit_name

CHAINS: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "steps": pl.String(),  # the steps as a JSON list without its brackets; empty where nothing led there
}
Rows = Mapping[int, Sequence[dict[str, Any]]]


def chains(
    decisions: pl.DataFrame,
    *,
    reports: pl.DataFrame,
    differences: pl.DataFrame,
    assessments: pl.DataFrame,
    before: pl.DataFrame,
    cut_offs: Mapping[str, Mapping[str, float]],
) -> pl.DataFrame:
    """The steps that led to each decision (`CHAINS`), in the order of `decisions`.

    `decisions` has `patient_id, old_intensity, intensity, because`; `reports` (`patient_id, stage, version, by`) were
    signed now; `differences` are `reports.DIFFERENCES`. `assessments` and `before` (the last ones of each model) have
    `patient_id, model, model_version, linear_predictor, lowest, highest, possible_groups, contributions` (JSON).
    `cut_offs` are each model's, by `id@version` and group. A model that says what it said before is left out.

    >>> decision = {"patient_id": 7, "old_intensity": "basic", "intensity": "intensive", "because": ["x"]}
    >>> none = pl.DataFrame(schema={"patient_id": pl.Int64})
    >>> nothing = {"reports": none, "differences": none, "assessments": none, "before": none, "cut_offs": {}}
    >>> chains(pl.DataFrame([decision]), **nothing)["steps"].item()
    '{"step": "intensity", "old": "basic", "new": "intensive", "because": ["x"]}'
    """
    signed, found, now = (_by_patient(frame) for frame in (reports, differences, assessments))
    earlier = {(row["patient_id"], row["model"]): row for row in before.iter_rows(named=True)}
    rows = []
    for decision in decisions.iter_rows(named=True):
        patient_id = decision["patient_id"]
        steps = [
            *({"step": "report", **_only(row, "stage", "version", "by")} for row in signed.get(patient_id, ())),
            *({"step": "finding", **_only(row, "variable", "old", "new")} for row in found.get(patient_id, ())),
            *_assessed(now.get(patient_id, ()), earlier, cut_offs),
            {
                "step": "intensity",
                "old": decision["old_intensity"],
                "new": decision["intensity"],
                "because": list(decision["because"]),
            },
        ]
        rows.append((patient_id, as_steps(steps)))
    return pl.DataFrame(rows, schema=CHAINS, orient="row")


def as_steps(steps: Iterable[Mapping[str, Any]]) -> str:
    """Steps as `CHAINS` holds them.

    >>> as_steps([{"step": "event", "event": "death"}, {"step": "visit"}])
    '{"step": "event", "event": "death"}, {"step": "visit"}'
    """
    return ", ".join(json.dumps(dict(step), ensure_ascii=False, default=str) for step in steps)


def with_visit_steps(changes: pl.DataFrame) -> pl.DataFrame:
    """The changes of visits with their whole `chain`, a JSON list: `steps`, then the phase and the date of each.

    Needs `steps`, `interval_months` (missing beside the grid), `origin`, `grid_month` and `due_on`.

    >>> from datetime import date
    >>> change = {"steps": "", "interval_months": 2, "origin": "grid", "grid_month": 6, "due_on": date(2026, 7, 31)}
    >>> with_visit_steps(pl.DataFrame([change]))["chain"].item()
    '[{"step":"phase","every_months":2},{"step":"visit","visit":"grid-6","due_on":"2026-07-31"}]'
    """
    phase = pl.when(pl.col("interval_months").is_not_null()).then(
        pl.struct(step=pl.lit("phase"), every_months="interval_months").struct.json_encode()
    )
    named = visit_name()
    due_on = pl.col("due_on").dt.to_string("%Y-%m-%d")
    visit = pl.struct(step=pl.lit("visit"), visit=named, due_on=due_on).struct.json_encode()
    steps = pl.when(pl.col("steps") != "").then("steps")
    whole = pl.concat_str(steps, phase, visit, separator=",", ignore_nulls=True)
    return changes.with_columns(chain=pl.concat_str(pl.lit("["), whole, pl.lit("]")))


def _by_patient(frame: pl.DataFrame) -> Rows:
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in frame.iter_rows(named=True):
        rows.setdefault(row["patient_id"], []).append(row)
    return rows


def _only(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def _assessed(
    now: Sequence[Mapping[str, Any]],
    earlier: Mapping[tuple[int, str], Mapping[str, Any]],
    cut_offs: Mapping[str, Mapping[str, float]],
) -> Iterator[dict[str, Any]]:
    """A step for each model that says something else than before."""
    for row in now:
        was = earlier.get((row["patient_id"], row["model"]))
        terms = _changed(_terms(was), _terms(row))
        if was is None or terms or _said(was) != _said(row):
            reference = f"{row['model']}@{row['model_version']}"
            yield {
                "step": "assessment",
                "model": reference,
                "contributions": terms,
                "linear_predictor": [_predictor(was), _predictor(row)],
                "cut_offs": dict(cut_offs.get(reference, {})),
                "group": [_group(was), _group(row)],
            }


def _terms(row: Mapping[str, Any] | None) -> dict[str, float | None]:
    contributions: dict[str, float | None] = json.loads(row["contributions"]) if row and row["contributions"] else {}
    return contributions


def _changed(old: Mapping[str, float | None], new: Mapping[str, float | None]) -> dict[str, list[float | None]]:
    """The terms whose contribution is another, old → new."""
    return {term: [old.get(term), value] for term, value in new.items() if old.get(term) != value}


def _said(row: Mapping[str, Any]) -> tuple[object, ...]:
    return _predictor(row), _group(row)


def _predictor(row: Mapping[str, Any] | None) -> object:
    """The linear predictor, or its bounds; None where the model says nothing."""
    if row is None:
        return None
    if row["linear_predictor"] is not None:
        return row["linear_predictor"]
    return [row["lowest"], row["highest"]] if row["lowest"] is not None else None


def _group(row: Mapping[str, Any] | None) -> str | None:
    return (" or ".join(row["possible_groups"]) or None) if row else None
