"""Whether what a protocol file says makes sense: everything that its shape does not show.

Takes a `SurveillanceProtocol`; gives problems at their places. What its schedules add up to (density, windows) is
judged in `schedule_checks`; its worked examples are run in `protocol_examples`.
"""

from collections.abc import Collection, Iterator

from scheduler.core.expression_check import Kind, check
from scheduler.core.models import RiskGroup
from scheduler.core.problems import Location, Problem
from scheduler.core.protocols import (
    AfterwardsOtherwise,
    AfterwardsWhen,
    Intensity,
    Otherwise,
    Stage,
    SurveillanceProtocol,
)
from scheduler.core.schedule_checks import check_schedules
from scheduler.core.variables import VariableDictionary
from scheduler.errors import listed


def check_protocol(
    protocol: SurveillanceProtocol, dictionary: VariableDictionary, *, models: Collection[str]
) -> tuple[Problem, ...]:
    """Everything wrong with a protocol, all at once; `models` are the known ones, as `ehr-postop@1`."""
    return (
        *_wrong_intensity_rows(protocol, models),
        *_missing_schedules(protocol),
        *_wrong_conditions(protocol, dictionary),
        *_unknown_procedures(protocol),
        *_unknown_sources(protocol),
        *_wrong_afterwards(protocol),
        *check_schedules(protocol),
        *_missing_examples(protocol),
    )


def _wrong_intensity_rows(protocol: SurveillanceProtocol, models: Collection[str]) -> Iterator[Problem]:
    """Rows out of place, models that nobody knows, maps with a hole."""
    rows = protocol.intensity
    if not rows or not isinstance(rows[-1], Otherwise):
        yield Problem(
            location=("intensity",),
            what="no intensity for patients to whom no model applies",
            found="no otherwise row at the end",
            expected="a last row {otherwise: …, source: …}",
        )
    seen: list[str] = []
    for position, row in enumerate(rows):
        here = ("intensity", position)
        if isinstance(row, Otherwise):
            if position != len(rows) - 1:
                yield _row_without_effect(here, "otherwise", "the otherwise row once, and last")
            continue
        if row.at in seen or (row.at == "pathology" and "surgery" in seen):
            yield _row_without_effect(here, f"at: {row.at}", "pathology before surgery, each at most once")
        seen.append(row.at)
        yield from (problem.below(*here) for problem in _wrong_stage(row, models))


def _row_without_effect(location: Location, found: str, expected: str) -> Problem:
    return Problem(location=location, what="this row would never decide", found=found, expected=expected)


def _wrong_stage(stage: Stage, models: Collection[str]) -> Iterator[Problem]:
    """Unknown models, and risk groups that the map leaves out or turns upside down."""
    for position, model in enumerate(stage.models):
        if model not in models:
            known = f"one of {listed(sorted(models))}, with its version"
            yield Problem(location=("from", position), what="unknown model", found=model, expected=known)
    absent = [group for group in RiskGroup if group not in stage.intensities]
    if absent:
        yield Problem(
            location=("map",),
            what="a risk group without an intensity",
            found=f"nothing for {listed(absent)}",
            expected="an intensity for low, intermediate and high",
        )
    mapped = [stage.intensities[group].rank for group in RiskGroup if group in stage.intensities]
    if mapped != sorted(mapped):
        found = listed([f"{group}: {stage.intensities[group]}" for group in RiskGroup if group in stage.intensities])
        yield Problem(
            location=("map",),
            what="a higher risk group is followed less closely than a lower one",
            found=found,
            expected="intensities that do not fall from low to high",
        )


def _missing_schedules(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Intensities that the rows can give and that have no schedule."""
    for position, row in enumerate(protocol.intensity):
        if isinstance(row, Otherwise):
            possible: dict[Location, Intensity] = {("otherwise",): row.otherwise}
        else:
            possible = {("map", str(group)): intensity for group, intensity in row.intensities.items()}
            possible |= {("at_least",): row.at_least} if row.at_least else {}
        for place, intensity in possible.items():
            if intensity not in protocol.schedules:
                yield Problem(
                    location=("intensity", position, *place),
                    what="no schedule for this intensity",
                    found=intensity,
                    expected=f"one of the schedules {listed(list(protocol.schedules))}, or a new one",
                )


def _wrong_conditions(protocol: SurveillanceProtocol, dictionary: VariableDictionary) -> Iterator[Problem]:
    """Conditions that are no expression about recorded findings."""
    rows = [("no_surveillance", position, row.when) for position, row in enumerate(protocol.no_surveillance)]
    rows += [
        ("afterwards", position, row.when)
        for position, row in enumerate(protocol.afterwards)
        if isinstance(row, AfterwardsWhen)
    ]
    for part, position, when in rows:
        for problem in check(when, dictionary, wants=(Kind.BOOLEAN,)):
            yield problem.below(part, position, "when")


def _unknown_procedures(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Procedures that are named somewhere and described nowhere."""
    named: list[tuple[Location, tuple[str, ...]]] = [
        (("schedules", str(intensity), position, "procedures"), block.procedures)
        for intensity, blocks in protocol.schedules.items()
        for position, block in enumerate(blocks)
    ]
    named += [(("afterwards", i, "procedures"), row.procedures) for i, row in enumerate(protocol.afterwards)]
    named.append((("on_marker_rise", "markers"), protocol.on_marker_rise.markers))
    for place, procedures in named:
        for position, procedure in enumerate(procedures):
            if procedure not in protocol.procedures:
                yield _unknown_procedure((*place, position), procedure, protocol)
    if protocol.on_suspicious.procedure not in protocol.procedures:
        yield _unknown_procedure(("on_suspicious", "procedure"), protocol.on_suspicious.procedure, protocol)


def _unknown_procedure(location: Location, procedure: str, protocol: SurveillanceProtocol) -> Problem:
    known = f"one of {listed(list(protocol.procedures))}"
    return Problem(location=location, what="unknown procedure", found=procedure, expected=known)


def _unknown_sources(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Numbers whose source the file does not cite."""
    for place, source in _named_sources((), protocol.model_dump(mode="json", by_alias=True)):
        if source not in protocol.sources:
            known = f"one of {listed(list(protocol.sources))}"
            yield Problem(location=place, what="unknown source", found=source, expected=known)


def _named_sources(place: Location, part: object) -> Iterator[tuple[Location, str]]:
    """Every `source` key of a document, wherever it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "source" and isinstance(value, str):
                yield (*place, key), value
            else:
                yield from _named_sources((*place, key), value)
    elif isinstance(part, list):
        for position, value in enumerate(part):
            yield from _named_sources((*place, position), value)


def _wrong_afterwards(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Surveillance that ends, or branches that cannot be told apart."""
    rows = protocol.afterwards
    if not rows or not isinstance(rows[-1], AfterwardsOtherwise):
        yield Problem(
            location=("afterwards",),
            what="nothing said for patients whom no condition fits; surveillance does not stop",
            found="no otherwise row at the end",
            expected="a last row {otherwise: true, procedures: […], every_months: …, source: …}",
        )
    for position, row in enumerate(rows):
        here = ("afterwards", position)
        if isinstance(row, AfterwardsOtherwise) and position != len(rows) - 1:
            yield _row_without_effect(here, "otherwise", "the otherwise row once, and last")
        if row.every_months in [earlier.every_months for earlier in rows[:position]]:
            yield Problem(
                location=(*here, "every_months"),
                what="the same interval as a row above",
                found=f"every {row.every_months} months",
                expected="one row for each interval",
            )


def _missing_examples(protocol: SurveillanceProtocol) -> Iterator[Problem]:
    """Schedules that no worked example runs through."""
    shown = {example.intensity for example in protocol.worked_examples}
    for intensity in protocol.schedules:
        if intensity not in shown:
            yield Problem(
                location=("worked_examples",),
                what="example missing",
                found=f"none for {intensity}",
                expected="one worked example for each schedule",
            )
