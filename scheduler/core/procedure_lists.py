"""The few different lists of procedures that many visits have, each known by a number.

Takes frames with `procedures`; gives numbers in their place, and back. Comparing and joining lists by the million
costs many times what numbers cost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

PROCEDURES = pl.List(pl.String())


@dataclass(frozen=True, kw_only=True)
class ProcedureLists:
    """Every different list of some visits, in the order of their numbers, which count from 0.

    The same procedures in another order are another list.
    """

    lists: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, *visits: pl.DataFrame) -> "ProcedureLists":
        """The lists of these frames (`procedures`).

        >>> ProcedureLists.of(pl.DataFrame({"procedures": [["afp", "ct"], ["afp", "ct"]]})).lists
        (('afp', 'ct'),)
        """
        return cls(lists=()).and_those_of(*visits)

    def and_those_of(self, *visits: pl.DataFrame) -> "ProcedureLists":
        """These lists, numbered as before, and those of more frames."""
        found = [row for frame in visits for row in frame.select(_typed()).unique()["procedures"].to_list()]
        return ProcedureLists(lists=tuple(dict.fromkeys([*self.lists, *map(tuple, found)])))

    def numbered(self, visits: pl.DataFrame) -> pl.DataFrame:
        """The visits, in their order, with `list_id` in place of `procedures`.

        >>> visits = pl.DataFrame({"grid_month": [2, 4], "procedures": [["afp"], ["afp"]]})
        >>> ProcedureLists.of(visits).numbered(visits).rows()
        [(2, 0), (4, 0)]
        """
        typed = visits.with_columns(_typed())
        return typed.join(self._table, on="procedures", how="left", maintain_order="left").drop("procedures")

    def written_out(self, numbers: str) -> pl.Expr:
        """The lists that a column of numbers stands for; missing where the number is.

        >>> lists = ProcedureLists(lists=(("afp",),))
        >>> pl.DataFrame({"list_id": [0, None]}).select(lists.written_out("list_id"))["list_id"].to_list()
        [['afp'], None]
        """
        return pl.lit(self._table["procedures"]).gather(pl.col(numbers)).alias(numbers)

    def holds(self, procedure: str, numbers: str = "list_id") -> pl.Expr:
        """Whether the list that a number stands for holds a procedure.

        >>> lists = ProcedureLists(lists=(("afp", "ct"), ("afp",)))
        >>> pl.DataFrame({"list_id": [0, 1]}).filter(lists.holds("ct"))["list_id"].to_list()
        [0]
        """
        return pl.col(numbers).is_in([number for number, row in enumerate(self.lists) if procedure in row])

    def has_same(self, numbers: str, others: str) -> pl.Expr:
        """Whether two columns of numbers stand for the same procedures, in any order.

        >>> lists = ProcedureLists(lists=(("afp", "ct"), ("ct", "afp")))
        >>> pl.DataFrame({"a": [0], "b": [1]}).select(lists.has_same("a", "b")).item()
        True
        """
        first: dict[frozenset[str], int] = {}
        sets = pl.Series([first.setdefault(frozenset(row), number) for number, row in enumerate(self.lists)])
        return pl.lit(sets).gather(pl.col(numbers)) == pl.lit(sets).gather(pl.col(others))

    def with_common(self, visits: pl.DataFrame, one: str, other: str) -> pl.DataFrame:
        """The visits with `procedures`: what two lists have in common, in the first one's order.

        Where there is no other list it is the first one.

        >>> lists = ProcedureLists(lists=(("ct", "chest_ct", "afp"), ("afp", "ct")))
        >>> lists.with_common(pl.DataFrame({"a": [0], "b": [1]}), "a", "b")["procedures"].to_list()
        [['ct', 'afp']]
        """
        rows = [
            (first, second, [name for name in self.lists[first] if second is None or name in self.lists[second]])
            for first, second in visits.select(one, other).unique().iter_rows()
        ]
        return _joined(visits, rows, {one: pl.Int64(), other: pl.Int64(), "procedures": PROCEDURES})

    def with_differences(self, visits: pl.DataFrame, before: str, after: str) -> pl.DataFrame:
        """The visits with `differences`: which procedures are new and which are gone; missing where none is.

        Also missing where there is no list before or after.

        >>> lists = ProcedureLists(lists=(("ct", "afp"), ("ct", "chest_ct")))
        >>> lists.with_differences(pl.DataFrame({"was": [0], "is": [1]}), "was", "is")["differences"].item()
        'now with chest_ct; no longer with afp'
        """
        rows = [
            (first, second, self._difference(first, second))
            for first, second in visits.select(before, after).unique().iter_rows()
        ]
        return _joined(visits, rows, {before: pl.Int64(), after: pl.Int64(), "differences": pl.String()})

    def _difference(self, before: int | None, after: int | None) -> str | None:
        if before is None or after is None:
            return None
        was, now = set(self.lists[before]), set(self.lists[after])
        said = [("now with", now - was), ("no longer with", was - now)]
        return "; ".join(f"{words} {', '.join(sorted(names))}" for words, names in said if names) or None

    @cached_property
    def _table(self) -> pl.DataFrame:
        columns = {"procedures": PROCEDURES, "list_id": pl.Int64()}
        return pl.DataFrame({"procedures": self.lists, "list_id": range(len(self.lists))}, schema=columns)


def _typed() -> pl.Expr:
    return pl.col("procedures").cast(PROCEDURES)


def _joined(visits: pl.DataFrame, rows: Sequence[tuple[object, ...]], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """The visits with the last column of the rows, found by the first two."""
    known = pl.DataFrame(rows, schema=schema, orient="row")
    return visits.join(known, on=list(schema)[:2], how="left", nulls_equal=True, maintain_order="left")
