"""Laws of validation, for any table."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.core.validation import screen, validate
from tests.core.validation_tables import DICTIONARY, TODAY, a_table

MARK = "Ⓚ"  # in every identity cell below, and nowhere else
TEXT = st.text("aR0 19.,-=<>\t\n\"'\x00é김/", max_size=8)
NAMES = TEXT.map(lambda text: MARK + text)
TOLD = ["NA", "4.1", "41", "4,1", "<1", "R0", "r1", "true", "0", "2026-03-04", "03/04/2026", "=x", "nan"]
CELLS = st.one_of(st.none(), TEXT, st.sampled_from(TOLD))
FINDINGS = ("age_years", "albumin_g_dl", "afp_ng_ml", "pathology_tumor_count", "residual_tumor", "cirrhosis")
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "mrn": st.sampled_from(["1", "2", "3", "", None]),
            "site": st.sampled_from(["north", "south"]),
            "resected_on": st.sampled_from(["2026-03-02", "2025-03-03", "spring", ""]),
            **dict.fromkeys(FINDINGS, CELLS),
            "name": st.one_of(st.none(), NAMES, NAMES.map(lambda text: "=" + text)),
            "birth_date": st.one_of(st.none(), NAMES, st.sampled_from(["1960-03-03", "2026-05-05"])),
        }
    ),
    max_size=6,
)
VALUES = st.fixed_dictionaries(
    {
        "age_years": st.one_of(st.none(), st.integers(18, 95)),
        "albumin_g_l": st.one_of(st.none(), st.floats(20, 55)),
        "afp_ng_ml": st.one_of(st.none(), st.floats(0, 100_000)),
        "residual_tumor": st.sampled_from([None, "R0", "R1", "R2"]),
        "cirrhosis": st.sampled_from([None, True, False]),
        "resected_on": st.dates(date(1990, 1, 1), TODAY),
    }
)


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_every_row_is_clean_or_refused_or_a_repetition_and_never_two_of_them(rows: list[dict[str, object]]) -> None:
    table = a_table({}, *rows)

    result = validate(table, DICTIONARY, today=TODAY)

    parts = [*result.clean["row"], *result.refused_rows, *result.repeated]
    assert sorted(parts) == table["row"].to_list()


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_no_identity_cell_ever_appears_in_a_problem(rows: list[dict[str, object]]) -> None:
    table = a_table({}, *rows)

    told = validate(table, DICTIONARY, today=TODAY).problems.write_csv()

    assert MARK not in told
    assert "1960-03-03" not in told
    assert "2026-05-05" not in told


@settings(max_examples=25, deadline=None)
@given(ROWS)
def test_a_screened_cell_has_a_value_or_a_problem_or_was_missing(rows: list[dict[str, object]]) -> None:
    table = a_table({}, *rows)

    result = screen(table, DICTIONARY, today=TODAY)

    errors = set(result.errors.select("row", "variable").rows())
    assert result.clean["row"].to_list() == table["row"].to_list()
    assert all(result.clean.row(row - 2, named=True)[variable] is None for row, variable in errors)


@settings(max_examples=25, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=5))
def test_a_typed_table_says_the_same_when_it_has_been_through_csv(rows: list[dict[str, object]]) -> None:
    typed = pl.DataFrame(rows, schema={name: DICTIONARY.column_types[name] for name in rows[0]})
    typed = typed.with_row_index("row", offset=2).with_columns(mrn=pl.format("M{}", "row"))
    text = pl.read_csv(typed.write_csv().encode(), infer_schema=False).with_columns(pl.col("row").cast(pl.Int64))

    from_types, from_text = (validate(table, DICTIONARY, today=TODAY) for table in (typed, text))

    assert from_types.problems.rows() == []
    assert from_text.clean.equals(from_types.clean)


@settings(max_examples=25, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=8))
def test_a_column_is_read_the_same_alone_and_among_other_rows(cells: list[str | None]) -> None:
    together = screen(a_table(*({"albumin_g_dl": cell} for cell in cells)), DICTIONARY, today=TODAY)

    alone = [screen(a_table({"albumin_g_dl": cell}), DICTIONARY, today=TODAY).clean["albumin_g_l"][0] for cell in cells]

    assert together.clean["albumin_g_l"].to_list() == alone
