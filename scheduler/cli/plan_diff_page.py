"""What changed between two versions of a plan: the steps that led there, then the visits, for people and programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from scheduler.actions.plans.diff_plan import PlanDiff, PlanVersion
from scheduler.cli.showing import table
from scheduler.errors import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

HEADINGS = ("change", "visit", "was due", "due", "why")
OF_EACH_VISIT = ("phase", "visit")
Step = dict[str, Any]


def page(found: PlanDiff) -> list["RenderableType"]:
    """The page for people."""
    title = f"[bold]the plan of {escape(found.patient.mrn)}[/]"
    if found.before is None:
        return [f"{title}: the first version", *_version(found.after), *_changes(found)]
    return [f"{title}: version {found.before.version} → {found.after.version}", *_both(found), *_changes(found)]


def as_value(found: PlanDiff) -> dict[str, Any]:
    """The same as a value for programs."""
    return {
        "mrn": found.patient.mrn,
        "site": found.patient.site,
        "before": asdict(found.before) if found.before else None,
        "after": asdict(found.after),
        "kept": found.kept,
        "changes": found.changes,
    }


def _both(found: PlanDiff) -> Iterator[str]:
    """What the two versions say, old → new."""
    assert found.before is not None
    for name in ("intensity", "protocol"):
        old, new = getattr(found.before, name), getattr(found.after, name)
        yield f"{name}: {old} → {new}" if old != new else f"{name}: {new}, as before"
    yield from _version(found.after)


def _version(version: PlanVersion) -> Iterator[str]:
    provisional = ", provisional" if version.provisional else ""
    yield (
        f"version {version.version}, {version.recorded_at:%Y-%m-%d %H:%M} UTC: {version.intensity} follow-up (policy)"
        f"{provisional} by {version.protocol}, because:"
    )
    yield from (f"  - {escape(sentence)}" for sentence in version.because)


def _changes(found: PlanDiff) -> Iterator["RenderableType"]:
    """The changes, together as far as the same steps led there."""
    yield ""
    for steps, changes in _by_steps(found.changes):
        yield from (f"  {escape(line)}" for line in map(_in_words, steps) if line)
        rows = [[row[name] for name in ("change", "visit", "was_due_on", "due_on", "reason")] for row in changes]
        yield table(HEADINGS, rows)
        yield ""
    if not found.changes:
        yield "no visit changed" if found.before else "every visit of it was new"
    if found.kept:
        yield f"{counted(found.kept, 'visit')} as before"


def _by_steps(changes: Sequence[Step]) -> list[tuple[list[Step], list[Step]]]:
    groups: list[tuple[list[Step], list[Step]]] = []
    for change in changes:
        steps = [step for step in change["chain"] if step["step"] not in OF_EACH_VISIT]
        if groups and groups[-1][0] == steps:
            groups[-1][1].append(change)
        else:
            groups.append((steps, [change]))
    return groups


def _in_words(step: Step) -> str:
    """One step as a sentence; a step that this release does not know is told as it is."""
    if step["step"] == "report":
        return f"{step['stage']} report version {step['version']}, signed by {step['by']}"
    if step["step"] == "finding":
        return f"→ {step['variable']}: {_said(step['old'])} → {_said(step['new'])}"
    if step["step"] == "assessment":
        return _assessment(step)
    if step["step"] == "intensity":
        return f"→ intensity {_said(step['old'])} → {_said(step['new'])}"
    rest = ", ".join(f"{name.replace('_', ' ')} {_said(value)}" for name, value in step.items() if name != "step")
    return f"{step['step'].replace('_', ' ')}: {rest}"


def _assessment(step: Step) -> str:
    """A model's step: contributions, predictor, cut-offs and group, old → new."""
    terms = "; ".join(f"{term} {_number(old)} → {_number(new)}" for term, (old, new) in step["contributions"].items())
    predictor = " → ".join(_number(value) for value in step["linear_predictor"])
    cut_offs = ", ".join(f"{group} below {value:g}" for group, value in step["cut_offs"].items())
    group = " → ".join(_said(value) for value in step["group"])
    parts = [terms, f"linear predictor {predictor}", f"cut-offs {cut_offs}" if cut_offs else "", f"group {group}"]
    return f"→ {step['model']}: {'; '.join(part for part in parts if part)}"


def _number(value: object) -> str:
    """A number with three decimals, bounds as a range."""
    if isinstance(value, list):
        return f"({' to '.join(map(_number, value))})"
    return f"{value:.3f}" if isinstance(value, float) else _said(value)


def _said(value: object) -> str:
    if value is None:
        return "unknown"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
