"""A model's terms made ready for bounding: what is left of them when every continuous formula has one name.

`smoothness.analyse` makes a `Program`; `bounds` runs it. A *stretch* is a maximal arithmetic expression of continuous
inputs, such as the ALBI score; terms that share inputs form a *component*.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

Value = bool | int | str


@dataclass(kw_only=True)
class Stretch:
    """A maximal arithmetic expression of continuous inputs, which moves steadily over its range.

    `inputs` are the continuous inputs and `whole_inputs` the whole numbers in it. `cuts` are the constants that it is
    compared with; `valued` says that its value itself enters the sum, not only on which side of its cuts it lies. A
    stretch that is one bare input is `plain`.
    """

    name: str
    tree: exp.Expr
    inputs: tuple[str, ...]
    whole_inputs: tuple[str, ...]
    cuts: set[float] = field(default_factory=set)
    valued: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is one recorded variable as it stands."""
        return isinstance(self.tree, exp.Column)


@dataclass(frozen=True, kw_only=True)
class Component:
    """Terms (by position) that share inputs; the recorded inputs, in the dictionary's order, and derived variables
    that they rest on."""

    terms: tuple[int, ...]
    inputs: tuple[str, ...]
    derived: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Program:
    """A model's terms made ready for bounding.

    `terms` and `derived` (in the order of computing) are plain trees in which a stretch is a column of its name.
    `values` are, for each input that is not continuous, the values that stand for all others: its choices, both
    truths, or the whole numbers that differ in some comparison. `cuts` are, for each continuous input, the constants
    that it is itself compared with. An `optional` input has a fallback; its absence is no missing input.
    """

    terms: tuple[exp.Expr, ...]
    derived: Mapping[str, exp.Expr]
    stretches: tuple[Stretch, ...]
    components: tuple[Component, ...]
    values: Mapping[str, tuple[Value, ...]]
    cuts: Mapping[str, tuple[float, ...]]
    optional: frozenset[str]
