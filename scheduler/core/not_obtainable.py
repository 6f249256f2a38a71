"""What signers said cannot be had, as each report keeps it: a JSON object, variable → why.

Takes what was said before and what is said now; gives what holds. A finding that is there after all is no longer said
to be lost.
"""

import json
from collections.abc import Mapping

import polars as pl

NOTHING = "{}"


def said_of(before: pl.Series, found: pl.DataFrame, said: Mapping[str, str]) -> pl.Series:
    """What each report says cannot be had, as JSON: what it said `before` (JSON, missing where nothing) and `said` now.

    `found` has the findings of each report, in the same order; whatever has a value there is taken out.

    >>> before = pl.Series(['{"inr":"lost"}', None])
    >>> found = pl.DataFrame({"inr": [1.0, None], "tumor_necrosis": [None, None]})
    >>> said_of(before, found, {"tumor_necrosis": "block lost"}).to_list()
    ['{"tumor_necrosis":"block lost"}', '{"tumor_necrosis":"block lost"}']
    """
    stored = before.fill_null(NOTHING)
    if not said and (stored == NOTHING).all():
        return stored
    rows = zip(stored, found.iter_rows(named=True), strict=True)
    return pl.Series([_written(json.loads(old) | dict(said), known) for old, known in rows], dtype=pl.String)


def names_in(documents: pl.Series) -> pl.Series:
    """The variables that each of these JSON objects names.

    >>> names_in(pl.Series(['{"inr":"lost"}', "{}"])).to_list()
    [['inr'], []]
    """
    return pl.Series([sorted(json.loads(text)) for text in documents.fill_null(NOTHING)], dtype=pl.List(pl.String))


def _written(said: Mapping[str, str], known: Mapping[str, object]) -> str:
    kept = {name: why for name, why in said.items() if known.get(name) is None}
    return json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
