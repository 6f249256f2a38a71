"""Reports as documents: what one form says of a patient, as canonical JSON text, and back.

Takes a findings frame and a stage; gives one JSON object per patient with the variables that are known, keys in
alphabetical order. The same findings always give the same text, so that texts can be compared and digested.
"""

from collections.abc import Sequence

import polars as pl

from scheduler.core.variables import CollectedAt, VariableDictionary

DIFFERENCES: dict[str, pl.DataType] = {
    "patient_id": pl.Int64(),
    "variable": pl.String(),
    "old": pl.String(),  # as in the document; missing where it was unknown
    "new": pl.String(),
}


def document(dictionary: VariableDictionary, stage: CollectedAt) -> pl.Expr:
    """The document of one form, over a frame with every recorded variable; `{}` where nothing is known.

    A number that is whole is written without decimals, so that 41.0 and 41 are the same finding.
    """
    names = sorted(dictionary.collected_at(stage))
    members = [
        pl.when(pl.col(name).is_not_null()).then(
            pl.struct(pl.col(name)).struct.json_encode().str.strip_prefix("{").str.strip_suffix("}")
        )
        for name in names
    ]
    whole = [
        member.str.replace(r"(:-?[0-9]+)\.0$", "${1}") if dictionary.column_types[name].is_float() else member
        for name, member in zip(names, members, strict=True)
    ]
    return (
        pl.concat_str(pl.lit("{"), pl.concat_str(whole, separator=",", ignore_nulls=True), pl.lit("}"))
        if names
        else pl.lit("{}")
    )


def read_documents(documents: pl.Series, dictionary: VariableDictionary, stage: CollectedAt) -> pl.DataFrame:
    """The findings of each document: a row each, a typed column per recorded variable of the form; unknown is missing.

    A missing document says nothing: all its findings are missing.
    """
    names = dictionary.collected_at(stage)
    fields = {name: dictionary.column_types[name] for name in names}
    if documents.is_empty():
        return pl.DataFrame(schema=fields)
    return documents.fill_null("{}").str.json_decode(pl.Struct(fields)).struct.unnest()


def differences(patients: pl.Series, old: pl.DataFrame, new: pl.DataFrame, *, columns: Sequence[str]) -> pl.DataFrame:
    """Old → new per patient and variable: `DIFFERENCES`, only where they differ; frames are aligned by row.

    >>> differences(pl.Series([7]), pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]}), columns=["a"]).row(0)
    (7, 'a', '1', '2')
    """
    parts = [pl.DataFrame(schema=DIFFERENCES)]
    for name in columns:
        if not old[name].equals(new[name], null_equal=True):
            changed = old[name].ne_missing(new[name])
            parts.append(
                pl.DataFrame(
                    {
                        "patient_id": patients.filter(changed),
                        "variable": [name] * int(changed.sum()),
                        "old": old[name].filter(changed).cast(pl.String),
                        "new": new[name].filter(changed).cast(pl.String),
                    },
                    schema=DIFFERENCES,
                )
            )
    return pl.concat(parts)


def as_json(column: str) -> pl.Expr:
    """A list column as JSON text."""
    return pl.struct(pl.col(column).alias("v")).struct.json_encode().str.slice(5).str.head(-1).alias(column)
