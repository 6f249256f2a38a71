"""What patients are scored and planned by, as the actions are handed it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from scheduler.core.calendar import WorkingDays
from scheduler.core.protocols import SurveillanceProtocol
from scheduler.core.scoring import CompiledModel
from scheduler.rulebook import Rulebook


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What patients are scored and planned by: the rulebook, one protocol of it, and each site's working days."""

    rulebook: Rulebook
    protocol_id: str
    working_days: Callable[[str], WorkingDays]

    @cached_property
    def protocol(self) -> SurveillanceProtocol:
        """The protocol that plans follow."""
        return self.rulebook.protocol(self.protocol_id)

    @cached_property
    def protocol_digest(self) -> str:
        """The digest of the protocol's file."""
        return self.rulebook.files[self.protocol.reference].digest

    @cached_property
    def models(self) -> tuple[CompiledModel, ...]:
        """The newest version of every model, and those that the protocol names."""
        named = {reference for stage in self.protocol.stages for reference in stage.models}
        newest = {compiled.model.reference for compiled in self.rulebook.newest_models()}
        return tuple(self.rulebook.models[reference] for reference in sorted(named | newest))

    @cached_property
    def texts(self) -> pl.DataFrame:
        """The text of every rule that is used, to be kept once: `digest, kind, rule_id, version, text`."""
        references = [*(compiled.model.reference for compiled in self.models), self.protocol.reference]
        variables = next(reference for reference in self.rulebook.files if reference.startswith("variables@"))
        rows = []
        for reference in (variables, *references):
            file = self.rulebook.files[reference]
            rule_id, version = reference.split("@")
            rows.append((file.digest, file.data["kind"], rule_id, int(version), file.text))
        return pl.DataFrame(rows, schema=["digest", "kind", "rule_id", "version", "text"], orient="row")

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Reference → digest of every rule that is used."""
        return {f"{row[2]}@{row[3]}": row[0] for row in self.texts.iter_rows()}

    @cached_property
    def digests_text(self) -> str:
        """The same as JSON, as an audit row keeps it."""
        return json.dumps(self.digests, sort_keys=True, separators=(",", ":"))
