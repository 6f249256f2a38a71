"""Protocols and plans for tests: the shipped files as documents, changed in one place, and plain rows."""

import json
from copy import deepcopy
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from scheduler.core.calendar import WorkingDays
from scheduler.core.planning import ANCHORS, plan
from scheduler.core.problems import Problem
from scheduler.core.protocol_checks import check_protocol
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.variables import VariableDictionary

RULES = Path(__file__).parents[2] / "rules"
MODELS = ("ehr-postop@1", "ehr-preop@1", "wang-distant-metastasis@1")
WEEKENDS_ONLY = WorkingDays()
PROTOCOLS = ("bmj-best-practice", "lee-2025", "risk-adapted", "wang-2025")


@cache
def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def a_document(protocol_id: str = "risk-adapted") -> Any:
    """A shipped protocol as its file says it, to be changed at will."""
    return deepcopy(_read(RULES / "protocols" / f"{protocol_id}.v1.yaml"))


def a_dictionary() -> VariableDictionary:
    return VariableDictionary.model_validate_json(json.dumps(_read(RULES / "variables.yaml")))


def a_protocol(protocol_id: str = "risk-adapted", **parts: Any) -> SurveillanceProtocol:
    """A shipped protocol with whole parts replaced."""
    return SurveillanceProtocol.model_validate_json(json.dumps(a_document(protocol_id) | parts))


def with_part(document: Any, *path: Any, value: Any) -> SurveillanceProtocol:
    """The document as a protocol, with the value at one place replaced."""
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return SurveillanceProtocol.model_validate_json(json.dumps(document))


def problems_of(protocol: SurveillanceProtocol) -> tuple[Problem, ...]:
    return check_protocol(protocol, a_dictionary(), models=MODELS)


def a_block(*phases: tuple[int, int], procedures: tuple[str, ...] = ("liver_ct_mri", "afp", "pivka_ii")) -> Any:
    """A schedule's block; phases as (until_month, every_months)."""
    rows = [{"until_month": until, "every_months": every} for until, every in phases]
    return {"procedures": list(procedures), "phases": rows, "source": "policy"}


def anchors(*resected_on: date, intensity: str | None = "intensive", afterwards_months: int = 6) -> pl.DataFrame:
    rows = [(number, day, intensity, afterwards_months) for number, day in enumerate(resected_on, start=1)]
    return pl.DataFrame(rows, schema=ANCHORS, orient="row")


def a_plan(
    resected_on: date = date(2026, 1, 31),
    *,
    protocol: SurveillanceProtocol | None = None,
    intensity: str | None = "intensive",
    afterwards_months: int = 6,
    working_days: WorkingDays = WEEKENDS_ONLY,
    horizon_month: int = 120,
) -> pl.DataFrame:
    """One episode's visits, by the default protocol on a site that closes on weekends only."""
    rows = anchors(resected_on, intensity=intensity, afterwards_months=afterwards_months)
    return plan(rows, protocol or a_protocol(), working_days=working_days, horizon_month=horizon_month)
