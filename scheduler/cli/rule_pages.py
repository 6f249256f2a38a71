"""One rule as a page for people."""

from typing import TYPE_CHECKING

from scheduler.cli.reminder_policy_page import reminder_policy_page
from scheduler.cli.rule_parts import caveat_list, facts_grid, heading, sources_table
from scheduler.cli.showing import table
from scheduler.core.models import RiskModel
from scheduler.core.protocols import AfterwardsWhen, Stage, SurveillanceProtocol
from scheduler.core.scoring import CompiledModel
from scheduler.core.variables import VariableDictionary
from scheduler.rulebook import Rulebook

if TYPE_CHECKING:
    from rich.console import RenderableType


def page(rulebook: Rulebook, wanted: str) -> list["RenderableType"]:
    """The page of a model, a protocol, a reminder policy or the dictionary."""
    kind = rulebook.file(wanted).data["kind"]
    if kind == "risk_model":
        return _model_page(rulebook.model(wanted))
    if kind == "surveillance_protocol":
        return _protocol_page(rulebook.protocol(wanted), rulebook.file(wanted).digest)
    if kind == "reminder_policy":
        return reminder_policy_page(rulebook.reminder_policy(wanted), rulebook.file(wanted).digest)
    return _dictionary_page(rulebook.dictionary)


def _model_page(compiled: CompiledModel) -> list["RenderableType"]:
    model = compiled.model
    parts: list[RenderableType] = [
        heading(f"{model.title} ({model.reference})", model.description),
        facts_grid(
            {"predicts": f"{model.endpoint.event}: {model.endpoint.note}", "scored at": f"{model.scored_at} sign-off"}
        ),
        "",
        table(
            ("term", "value", "coefficient", "printed as"),
            [
                (term.name, term.value, f"{term.weight:+.9f}".rstrip("0"), _printed(term.hazard_ratio))
                for term in model.linear_predictor.terms
            ],
            title="Linear predictor: the sum of coefficient × value (a truth counts 1 or 0)",
        ),
        "",
        table(
            ("input", "unit", "hard range", "what it is"),
            [_input(compiled.dictionary, name) for name in compiled.inputs],
            title="Inputs",
        ),
        "",
        _groups(model),
        "",
        table(
            ("must hold", "because", "source"),
            [(each.must, each.because, each.source) for each in model.population],
            title="Population",
        ),
    ]
    parts += ["", *caveat_list(model.caveats)]
    notes = model.transparency
    parts += [
        "",
        facts_grid(
            {
                "intended use": notes.intended_use,
                "out of scope": notes.out_of_scope,
                "validation": notes.validation,
                "known limits": notes.known_limits,
            }
        ),
        "",
        sources_table(model.sources),
        "",
        table(
            ("worked patient", "linear predictor", "group"),
            [
                (
                    ", ".join(f"{name} {value}" for name, value in example.patient.items()),
                    f"{example.linear_predictor:.9f}",
                    example.group,
                )
                for example in model.worked_examples.patients
            ],
            title="Tests that ran when the file was loaded",
        ),
        table(
            ("linear predictor", "group"),
            [(f"{example.linear_predictor:.9f}", example.group) for example in model.worked_examples.cut_offs],
        ),
        f"digest {compiled.digest}",
    ]
    return parts


def _printed(hazard_ratio: float | None) -> str:
    return f"hazard ratio {hazard_ratio}" if hazard_ratio is not None else "coefficient"


def _input(dictionary: VariableDictionary, name: str) -> tuple[str, str, str, str]:
    variable = dictionary.recorded[name]
    limits = ", ".join(variable.choices) or ("true, false" if variable.type == "boolean" else "")
    if variable.minimum is not None:
        limits = f"{variable.minimum:g} to {variable.maximum:g}"
    return name, variable.unit, limits, variable.label


def _groups(model: RiskModel) -> "RenderableType":
    rows, start = [], None
    for band in model.risk_groups.groups:
        low = f"from {start}" if start is not None else ""
        high = f"below {band.below}" if band.below is not None else ""
        share = model.risk_groups.published_shares.get(band.group)
        rows.append((band.group, f"{low} {high}".strip(), f"{share:.0%}" if share is not None else "–"))
        start = band.below
    remark = f"; {model.risk_groups.remark}" if model.risk_groups.remark else ""
    title = (
        f"Risk groups ({model.risk_groups.basis} cut-offs{remark}); a value on a cut-off belongs to the higher group"
    )
    return table(("group", "linear predictor", "published share"), rows, title=title)


def _protocol_page(protocol: SurveillanceProtocol, digest: str) -> list["RenderableType"]:
    intensity = [
        (
            f"{row.at} signed",
            ", ".join(row.models),
            ", ".join(f"{group} → {followed}" for group, followed in row.intensities.items())
            + (f"; at least {row.at_least}" if row.at_least else ""),
            row.source,
        )
        if isinstance(row, Stage)
        else ("otherwise", "no model applies", f"→ {row.otherwise}", row.source)
        for row in protocol.intensity
    ]
    schedule = [
        (
            intensity_name,
            ", ".join(block.procedures),
            "; ".join(f"every {phase.every_months} until {phase.until_month}" for phase in block.phases),
            block.source,
        )
        for intensity_name, blocks in protocol.schedules.items()
        for block in blocks
    ]
    afterwards = [
        (
            row.when if isinstance(row, AfterwardsWhen) else "otherwise",
            ", ".join(row.procedures),
            f"every {row.every_months}",
            row.source,
        )
        for row in protocol.afterwards
    ]
    windows = [
        (f"up to {row.interval_up_to_months}", row.opens_days_before, row.closes_days_after, row.source)
        for row in protocol.windows
    ]
    return [
        heading(f"{protocol.title} ({protocol.reference})", protocol.description),
        table(("when", "models", "intensity", "source"), intensity, title="How closely to follow"),
        "",
        table(("intensity", "procedures", "months after resection", "source"), schedule, title="Schedules"),
        "",
        table(
            ("afterwards, when", "procedures", "months", "source"),
            afterwards,
            title="After the schedule's end, without end",
        ),
        "",
        table(("interval in months", "opens days before", "closes days after", "source"), windows, title="Windows"),
        f"the first visit opens on day {protocol.first_visit.opens_day}: {protocol.first_visit.because}",
        "",
        table(
            ("procedure", "answered by any of", "required"),
            [(each.title, each.any_of, each.required) for each in protocol.procedures.values()],
            title="Procedures",
        ),
        "",
        table(("no surveillance when", "because"), [(row.when, row.because) for row in protocol.no_surveillance]),
        *caveat_list(protocol.caveats),
        "",
        sources_table(protocol.sources),
        f"digest {digest}",
    ]


def _dictionary_page(dictionary: VariableDictionary) -> list["RenderableType"]:
    recorded = [
        (
            name,
            variable.unit,
            _input(dictionary, name)[2],
            ", ".join(f"{each.heading} ({each.unit})" for each in variable.accepts),
            variable.collected_at,
            variable.label,
        )
        for name, variable in dictionary.recorded.items()
    ]
    derived = [(name, variable.expression, variable.label) for name, variable in dictionary.derived.items()]
    return [
        table(
            ("column heading", "unit", "range or choices", "also accepted as", "form", "what it is"),
            recorded,
            title="Recorded",
        ),
        "",
        table(("variable", "expression", "what it is"), derived, title="Derived"),
        "",
        sources_table(dictionary.sources),
    ]
