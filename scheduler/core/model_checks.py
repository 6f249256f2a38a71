"""Whether what a model file says holds together.

Takes a `RiskModel` and the dictionary; gives problems at their places. The worked examples are run in
`model_examples`.
"""

from itertools import pairwise
from math import inf

from scheduler.core.compilation import DECIMALS
from scheduler.core.expression_check import Kind, check
from scheduler.core.models import GroupBand, RiskGroup, RiskGroups, RiskModel
from scheduler.core.problems import Problem
from scheduler.core.variables import CollectedAt, VariableDictionary


def wrong_meaning(model: RiskModel, dictionary: VariableDictionary) -> tuple[Problem, ...]:
    """What keeps a model from being computed: expressions, repeated terms, groups and cut-offs out of order."""
    return (
        *_wrong_expressions(model, dictionary),
        *_repeated_terms(model),
        *_wrong_groups(model.risk_groups),
    )


def incomplete(model: RiskModel) -> tuple[Problem, ...]:
    """What a model that can be computed still lacks: sources that it names, shares, examples."""
    return (*_unknown_sources(model), *_wrong_shares(model.risk_groups), *_missing_examples(model))


def _wrong_expressions(model: RiskModel, dictionary: VariableDictionary) -> list[Problem]:
    problems: list[Problem] = []
    for position, criterion in enumerate(model.population):
        found = check(criterion.must, dictionary, wants=(Kind.BOOLEAN,))
        problems += [problem.below("population", position, "must") for problem in found]
    for position, term in enumerate(model.linear_predictor.terms):
        found = check(term.value, dictionary, wants=(Kind.NUMBER, Kind.BOOLEAN))
        problems += [problem.below("linear_predictor", "terms", position, "value") for problem in found]
    if model.scored_at is CollectedAt.ENROLMENT:
        expected = "surgery or pathology"
        problems.append(Problem(location=("scored_at",), what="wrong stage", found="enrolment", expected=expected))
    return problems


def _unknown_sources(model: RiskModel) -> list[Problem]:
    named: list[tuple[tuple[str | int, ...], str]] = [
        (("population", position, "source"), criterion.source) for position, criterion in enumerate(model.population)
    ]
    named.append((("linear_predictor", "source"), model.linear_predictor.source))
    named.append((("risk_groups", "source"), model.risk_groups.source))
    if model.risk_groups.reference_population:
        place = ("risk_groups", "reference_population", "source")
        named.append((place, model.risk_groups.reference_population.source))
    known = f"one of {', '.join(model.sources)}"
    return [
        Problem(location=place, what="unknown source", found=source, expected=known)
        for place, source in named
        if source not in model.sources
    ]


def _repeated_terms(model: RiskModel) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for position, term in enumerate(model.linear_predictor.terms):
        if term.name in seen:
            place = ("linear_predictor", "terms", position, "name")
            problems.append(Problem(location=place, what="repeated term", found=term.name, expected="each name once"))
        seen.add(term.name)
    return problems


def _wrong_groups(groups: RiskGroups) -> list[Problem]:
    """Groups out of order or repeated, cut-offs missing, not rising or with more than 9 decimals."""
    bands = list(enumerate(groups.groups))
    problems = [problem for pair in pairwise(bands) for problem in _wrong_pair(*pair)]
    for position, band in bands:
        if band.below is not None and round(band.below, DECIMALS) != band.below:
            problems.append(_at_group(position, "below", "cut-off", str(band.below), f"at most {DECIMALS} decimals"))
    last, band = bands[-1]
    if band.below is not None:
        problems.append(_at_group(last, "below", "last group ends", str(band.below), "no cut-off on the last group"))
    return problems


def _wrong_pair(earlier: tuple[int, GroupBand], later: tuple[int, GroupBand]) -> list[Problem]:
    """Two neighbouring groups out of order, or without a cut-off that rises."""
    (first, lower), (second, upper) = earlier, later
    order = list(RiskGroup)
    problems = []
    if order.index(lower.group) >= order.index(upper.group):
        expected = "low, intermediate, high in this order, each once"
        problems.append(_at_group(second, "group", "order", f"{lower.group} then {upper.group}", expected))
    if lower.below is None:
        expected = "a cut-off (below) on every group but the last"
        problems.append(_at_group(first, "group", "cut-off missing", "none", expected))
    elif upper.below is not None and lower.below >= upper.below:
        found = f"{lower.below} then {upper.below}"
        problems.append(_at_group(second, "below", "cut-offs not rising", found, "each above the one before"))
    return problems


def _at_group(position: int, key: str, what: str, found: str, expected: str) -> Problem:
    return Problem(location=("risk_groups", "groups", position, key), what=what, found=found, expected=expected)


def _wrong_shares(groups: RiskGroups) -> list[Problem]:
    """Published shares that do not name the groups or do not sum to one."""
    shares = groups.published_shares
    if not shares:
        return []
    if set(shares) != set(groups.names) or abs(sum(shares.values()) - 1) > 1e-6:
        found = ", ".join(f"{group} {share}" for group, share in shares.items())
        return [
            Problem(
                location=("risk_groups", "published_shares"),
                what="shares",
                found=found,
                expected="one share per group, together 1",
            )
        ]
    return []


def _missing_examples(model: RiskModel) -> list[Problem]:
    """A group without a worked patient; a cut-off without an example below, on and above it."""
    groups, examples = model.risk_groups, model.worked_examples
    worked = {example.group for example in examples.patients}
    problems = [
        _no_example("patients", f"no patient in group {group}", "one worked patient per group")
        for group in groups.names
        if group not in worked
    ]
    edges = [-inf, *groups.cut_offs, inf]
    values = [example.linear_predictor for example in examples.cut_offs]
    for below, cut_off, above in zip(edges, edges[1:], edges[2:], strict=False):
        near = {
            "below": any(below <= value < cut_off for value in values),
            "on": cut_off in values,
            "above": any(cut_off < value < above for value in values),
        }
        if absent := [side for side, present in near.items() if not present]:
            found = f"none {' or '.join(absent)} the cut-off {cut_off}"
            problems.append(_no_example("cut_offs", found, "one example below, on and above each cut-off"))
    return problems


def _no_example(part: str, found: str, expected: str) -> Problem:
    return Problem(location=("worked_examples", part), what="example missing", found=found, expected=expected)
