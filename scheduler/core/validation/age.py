"""Age on the day of resection, from the birth date where one is given; a given age must agree with it."""

from dataclasses import dataclass

import polars as pl

from scheduler.core.validation.problems import as_faults

AGE, BIRTH, RESECTION = "age_years", "birth_date", "resected_on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """The ages, given or computed; where one was computed; and what is wrong with ages and with birth dates."""

    ages: pl.Series
    is_computed: pl.Series
    age_faults: pl.DataFrame
    birth_faults: pl.DataFrame


def completed_years(born: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Birthdays passed since birth, that day's included; missing where either date is.

    Who is born on 29 February has a birthday on 1 March in a common year.

    >>> from datetime import date
    >>> days = pl.DataFrame({"on": [date(2025, 2, 28), date(2025, 3, 1), date(2024, 2, 29)]})
    >>> days.select(age_years=completed_years(pl.lit(date(1960, 2, 29)), pl.col("on")))["age_years"].to_list()
    [64, 65, 64]
    """
    day_of_year = [day.dt.month().cast(pl.Int64) * 100 + day.dt.day() for day in (born, on)]
    years = on.dt.year().cast(pl.Int64) - born.dt.year()
    return years - (day_of_year[1] < day_of_year[0]).cast(pl.Int64)


def with_ages(values: pl.DataFrame, *, unread: pl.Series) -> Aged:
    """Each row's age: as given, else completed years from `birth_date` to `resected_on`, else missing.

    `unread` marks the rows whose given age could not be read or was refused: those stay missing. A given age
    that differs from the computed one is a fault of the age and becomes missing; a birth date after the
    resection is a fault of the birth date and gives no age. No sentence holds a birth date.

    >>> from datetime import date
    >>> dates = {"birth_date": [date(1960, 3, 3)] * 2, "resected_on": [date(2026, 3, 2)] * 2}
    >>> aged = with_ages(pl.DataFrame({"age_years": [None, 66], **dates}), unread=pl.Series([False, False]))
    >>> aged.ages.to_list(), aged.age_faults["problem"].to_list()
    ([65, None], ['is not the 65 that birth date and day of resection give'])
    """
    born, on = pl.col(BIRTH), pl.col(RESECTION)
    known = values.select(
        given=pl.col(AGE),
        is_late=(born > on).fill_null(False),
        computed=pl.when(born <= on).then(completed_years(born, on)),
        unread=pl.lit(unread),
    ).with_row_index("position")
    differs = (pl.col("given") != pl.col("computed")).fill_null(False)
    is_computed = pl.col("given").is_null() & pl.col("computed").is_not_null() & ~pl.col("unread")
    ages = pl.when(is_computed).then("computed").when(~differs).then("given")
    result = known.select(ages=ages.cast(values.schema[AGE]), is_computed=is_computed)
    return Aged(
        ages=result["ages"],
        is_computed=result["is_computed"],
        age_faults=as_faults(
            known.filter(differs),
            pl.format("is not the {} that birth date and day of resection give", "computed"),
            f"completed years on {RESECTION}; or leave {AGE} blank",
        ),
        birth_faults=as_faults(known.filter("is_late"), f"is after {RESECTION}", f"a day up to {RESECTION}"),
    )
