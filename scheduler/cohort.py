"""A synthetic cohort under hepwatch's column headings, drawn from what the papers print: for demos and tests.

Takes a number of patients and a seed; gives a table such as a hospital would import. It holds no real patient, and
knows no rule file: the models and the dictionary meet it as they meet any table.

Each patient is first given one of the three outcomes of Wang 2025, then each of that paper's factors with the share
that its Table 1 prints for the outcome, independently of the others. The outcome itself is not in the table. What
Wang does not print comes from Yoon 2022, a cohort of Lee 2025's group. The two cohorts differ: Wang has 48.6 % of
tumours above 5 cm, so here more than half exceed the Milan criteria, not Yoon's 28 %. A number without a source
beside it was made up to look like clinical data, and means nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

import polars as pl

WANG_PATIENTS = (1198, 1165, 342)  # Wang 2025, Table 1: no recurrence, only intrahepatic, distant metastasis

WANG_FACTORS = {  # Wang 2025, Table 1: patients with the factor, by outcome in the same order
    "male": (1033, 1030, 301),
    "hbv_positive": (981, 1040, 293),
    "hcv_positive": (23, 40, 8),
    "cirrhosis": (807, 879, 232),
    "portal_hypertension": (260, 286, 79),
    "child_pugh_b": (73, 120, 31),
    "preoperative_rupture": (20, 40, 40),
    "above_5_cm": (449, 601, 265),
    "multiple_tumors": (120, 280, 120),
    "macrovascular_invasion": (31, 121, 103),
    "microvascular_invasion": (343, 607, 245),
    "satellite_nodules": (103, 276, 137),
    "laparoscopic": (432, 555, 64),
    "narrow_margin": (518, 698, 212),
    "major_hepatectomy": (175, 298, 153),
    "blood_loss_above_600_ml": (157, 208, 120),
    "intraoperative_transfusion": (127, 162, 112),
}
WANG_AFP_ABOVE_400 = (0.265, 0.330, 0.508)  # Wang 2025, Table 1: share of the patients with a value
WANG_AGE = ((54, 11), (53, 12), (50, 11))  # Wang 2025, Table 1: mean and standard deviation

# Albumin and bilirubin are set so that 14.5 % have ALBI grade 2 or 3 (Yoon 2022, doi 10.3748/wjg.v28.i36.5351).
ALBUMIN_G_L = (42.4, 3.0)
MEDIAN_BILIRUBIN_UMOL_L, BILIRUBIN_SPREAD = 12.0, 0.39

# Sizes up to 5 cm are set so that about 15 % have modified UICC stage I (Yoon 2022); the mean excess above 5 cm,
# so that the mean size of each outcome is Wang's (4.7, 6.2 and 8.7 cm).
SMALL_TUMOUR_CM = (0.8, 5.0, 1.8)
EXCESS_ABOVE_5_CM = (3.2, 4.5, 5.4)

NECROSIS, BILE_DUCT_INVASION, SEROSAL_INVASION = 0.40, 0.03, 0.15
MISSED_ON_IMAGING = 0.10

NEVER_BLANK = frozenset({"mrn", "site", "name", "birth_date", "sex", "age_years", "resected_on"})


def draw_cohort(
    patients: int,
    *,
    seed: int,
    resected_between: tuple[date, date],
    missing_share: float = 0.0,
    sites: Sequence[str] = ("north", "south"),
) -> pl.DataFrame:
    """A row per synthetic patient (at least one), under names, units and choices of `rules/variables.yaml`.

    The same arguments give the same table. Operations fall on weekdays of `resected_between`, both days included.
    Each finding is left blank with the chance `missing_share`, whoever the patient is; who, where and when are
    never blank, and the findings that remain are those of `missing_share=0`. In every hundred patients one is an
    R1 resection and one was treated before: no model was made for them.

    >>> cohort = draw_cohort(2, seed=1, resected_between=(date(2025, 1, 1), date(2025, 12, 31)))
    >>> cohort["mrn"].to_list()
    ['SYN-000001', 'SYN-000002']
    """
    draw = _Draw.of(patients, Random(seed))
    columns = {
        **_people(draw, sites, resected_between),
        **_blood(draw),
        **_tumours(draw),
        **_operation(draw),
    }
    return _blank(pl.DataFrame(columns), missing_share, draw.random)


_Tumour = tuple[int, float, bool, bool]  # count, largest in cm, macrovascular invasion, bile duct invasion


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draw:
    """Ways to draw one column for all patients, some by the outcome that each was given."""

    random: Random
    outcomes: list[int]

    @classmethod
    def of(cls, patients: int, random: Random) -> "_Draw":
        return cls(random=random, outcomes=random.choices(range(3), weights=WANG_PATIENTS, k=patients))

    def factor(self, name: str) -> list[bool]:
        """Who has a factor of Wang's Table 1."""
        pairs = zip(WANG_FACTORS[name], WANG_PATIENTS, strict=True)
        return self.by_outcome([with_factor / patients for with_factor, patients in pairs])

    def by_outcome(self, shares: Sequence[float]) -> list[bool]:
        return [self.random.random() < shares[outcome] for outcome in self.outcomes]

    def share(self, share: float) -> list[bool]:
        return [self.random.random() < share for _ in self.outcomes]

    def normal(self, mean: float, deviation: float, *, within: tuple[float, float], decimals: int) -> list[float]:
        return [_held(self.random.gauss(mean, deviation), within, decimals) for _ in self.outcomes]

    def log_normal(self, median: float, spread: float, *, within: tuple[float, float]) -> list[float]:
        return [_held(median * math.exp(self.random.gauss(0, spread)), within, 1) for _ in self.outcomes]

    def every_hundredth(self, place: int) -> list[bool]:
        return [number % 100 == place for number in range(len(self.outcomes))]


def _people(draw: _Draw, sites: Sequence[str], between: tuple[date, date]) -> dict[str, Sequence[object]]:
    """Who they are, where and when they were operated on, and what liver disease they have."""
    numbers = range(1, len(draw.outcomes) + 1)
    ages = [round(_held(draw.random.gauss(*WANG_AGE[outcome]), (18, 95), 0)) for outcome in draw.outcomes]
    resected = draw.random.choices(_days(between), k=len(numbers))
    portal_hypertension = draw.factor("portal_hypertension")
    return {
        "mrn": [f"SYN-{number:06d}" for number in numbers],
        "site": draw.random.choices(sites, k=len(numbers)),
        "name": [f"Synthetic Patient {number:06d}" for number in numbers],
        "birth_date": [_born(draw.random, age, day) for age, day in zip(ages, resected, strict=True)],
        "sex": _words(draw.factor("male"), "male", "female"),
        "age_years": ages,
        "resected_on": resected,
        "cirrhosis": draw.factor("cirrhosis"),
        "hbv_positive": draw.factor("hbv_positive"),
        "hcv_positive": draw.factor("hcv_positive"),
        "child_pugh_class": _words(draw.factor("child_pugh_b"), "B", "A"),
        "portal_hypertension": portal_hypertension,
        "platelets_10e9_l": _platelets(draw, portal_hypertension),
    }


def _blood(draw: _Draw) -> dict[str, Sequence[object]]:
    """The laboratory before the operation."""
    return {
        "albumin_g_l": draw.normal(*ALBUMIN_G_L, within=(20, 55), decimals=1),
        "bilirubin_umol_l": draw.log_normal(MEDIAN_BILIRUBIN_UMOL_L, BILIRUBIN_SPREAD, within=(3, 350)),
        "afp_ng_ml": [_afp(draw.random, above) for above in draw.by_outcome(WANG_AFP_ABOVE_400)],
        "pivka_ii_mau_ml": draw.log_normal(150, 2.0, within=(10, 100_000)),
        "inr": draw.normal(1.08, 0.08, within=(0.8, 3), decimals=2),
    }


def _tumours(draw: _Draw) -> dict[str, Sequence[object]]:
    """The tumours as pathology found them, and as imaging had."""
    counts = [_count(draw.random) if multiple else 1 for multiple in draw.factor("multiple_tumors")]
    sides = zip(draw.outcomes, draw.factor("above_5_cm"), strict=True)
    sizes = [_size_cm(draw.random, outcome, above) for outcome, above in sides]
    macrovascular, bile_duct = draw.factor("macrovascular_invasion"), draw.share(BILE_DUCT_INVASION)
    microvascular = draw.factor("microvascular_invasion")
    return {
        **_imaging(draw, list(zip(counts, sizes, macrovascular, bile_duct, strict=True))),
        "pathology_tumor_count": counts,
        "pathology_largest_tumor_cm": sizes,
        "microvascular_invasion": microvascular,
        "mvi_grade": [draw.random.choice(("M1", "M2")) if present else "M0" for present in microvascular],
        "macrovascular_invasion": macrovascular,
        "bile_duct_invasion": bile_duct,
        "satellite_nodules": draw.factor("satellite_nodules"),
        "tumor_necrosis": draw.share(NECROSIS),
        "serosal_invasion": draw.share(SEROSAL_INVASION),
        "histology": ["hepatocellular_carcinoma"] * len(counts),
    }


def _imaging(draw: _Draw, tumours: Sequence[_Tumour]) -> dict[str, Sequence[object]]:
    """Imaging before the operation; in some patients it saw nothing but the largest tumour."""
    missed = draw.share(MISSED_ON_IMAGING)
    imaged = [_imaged(draw.random, tumour, miss) for tumour, miss in zip(tumours, missed, strict=True)]
    return {
        "imaging_tumor_count": [count for count, _, _, _ in imaged],
        "imaging_largest_tumor_cm": [size_cm for _, size_cm, _, _ in imaged],
        "imaging_macrovascular_invasion": [macrovascular for _, _, macrovascular, _ in imaged],
        "imaging_bile_duct_invasion": [bile_duct for _, _, _, bile_duct in imaged],
        "clinical_node_metastasis": [False] * len(imaged),
        "clinical_distant_metastasis": [False] * len(imaged),
        "modified_uicc_stage": [_stage(*tumour) for tumour in imaged],
    }


def _operation(draw: _Draw) -> dict[str, Sequence[object]]:
    """The operation, what it left behind, and whether it was the first treatment."""
    incomplete = draw.every_hundredth(17)
    margins = [_margin_mm(draw.random, narrow) for narrow in draw.factor("narrow_margin")]
    heavy_loss = draw.factor("blood_loss_above_600_ml")
    return {
        "preoperative_rupture": draw.factor("preoperative_rupture"),
        "intraoperative_transfusion": draw.factor("intraoperative_transfusion"),
        "intraoperative_blood_loss_ml": [_blood_loss_ml(draw.random, heavy) for heavy in heavy_loss],
        "surgical_approach": _words(draw.factor("laparoscopic"), "laparoscopic", "open"),
        "hepatectomy_extent": _words(draw.factor("major_hepatectomy"), "major", "minor"),
        "residual_tumor": _words(incomplete, "R1", "R0"),
        "resection_margin_mm": [0.0 if r1 else margin for r1, margin in zip(incomplete, margins, strict=True)],
        "prior_hcc_treatment": draw.every_hundredth(53),
        "concurrent_malignancy": [False] * len(draw.outcomes),
    }


def _blank(cohort: pl.DataFrame, missing_share: float, random: Random) -> pl.DataFrame:
    """The cohort with that share of its findings missing, column by column."""
    if not missing_share:
        return cohort
    findings = [name for name in cohort.columns if name not in NEVER_BLANK]
    kept = {name: [random.random() >= missing_share for _ in range(cohort.height)] for name in findings}
    return cohort.with_columns(pl.when(pl.Series(kept[name])).then(pl.col(name)).alias(name) for name in findings)


def _days(between: tuple[date, date]) -> list[date]:
    """The weekdays from the first day to the last, both included; every day where there is no weekday."""
    first, last = between
    days = list(accumulate([timedelta(1)] * (last - first).days, lambda day, one: day + one, initial=first))
    return [day for day in days if day.weekday() < 5] or days


def _born(random: Random, age_years: int, on: date) -> date:
    """A birth date that makes somebody that old, in completed years, on that day."""
    leap_day = (on.month, on.day) == (2, 29)
    birthday = date(on.year - age_years, on.month, 28 if leap_day else on.day)
    return birthday - timedelta(days=random.randrange(364))


def _platelets(draw: _Draw, portal_hypertension: Iterable[bool]) -> list[float]:
    """Platelets, few where there is portal hypertension."""
    return [_held(draw.random.gauss(*((85, 20) if low else (190, 50))), (30, 450), 0) for low in portal_hypertension]


def _afp(random: Random, above_400: bool) -> float:
    """AFP in ng/mL on its side of 400, spread over powers of ten."""
    if above_400:
        return _held(400 * math.exp(random.expovariate(0.7)), (400.1, 100_000), 1)
    return _held(math.exp(random.uniform(math.log(1.5), math.log(400))), (1, 400), 1)


def _count(random: Random) -> int:
    """How many tumours, where there are several."""
    return random.choices((2, 3, 4, 5, 6), weights=(60, 22, 10, 5, 3))[0]


def _size_cm(random: Random, outcome: int, above_5_cm: bool) -> float:
    """The largest tumour in cm on its side of 5.0."""
    if above_5_cm:
        return _held(5.1 + random.expovariate(1 / EXCESS_ABOVE_5_CM[outcome]), (5.1, 25), 1)
    return _held(random.triangular(*SMALL_TUMOUR_CM), (0.8, 5.0), 1)


def _imaged(random: Random, tumour: _Tumour, missed: bool) -> _Tumour:
    """What imaging saw of a tumour: the size not to the millimetre, and all else or none of it."""
    count, size_cm, macrovascular, bile_duct = tumour
    seen_cm = _held(size_cm * random.gauss(1, 0.06), (0.3, 25), 1)
    return (1, seen_cm, False, False) if missed else (count, seen_cm, macrovascular, bile_duct)


def _stage(count: int, size_cm: float, macrovascular: bool, bile_duct: bool) -> str:
    """The modified UICC stage of a tumour without spread (KLCA-NCC): three criteria, as many met."""
    met = (count == 1) + (size_cm <= 2) + (not (macrovascular or bile_duct))
    return ("IVA", "III", "II", "I")[met]


def _margin_mm(random: Random, narrow: bool) -> float:
    """The margin in mm on its side of 10; never 0, which is left to R1."""
    return float(random.randint(1, 9)) if narrow else _held(10 + random.expovariate(1 / 6), (10, 60), 0)


def _blood_loss_ml(random: Random, heavy: bool) -> float:
    """Blood loss in mL on its side of 600."""
    return _held(600 + random.expovariate(1 / 500), (610, 5000), -1) if heavy else float(random.randrange(50, 601, 10))


def _held(value: float, within: tuple[float, float], decimals: int) -> float:
    """The value rounded and kept between two ends."""
    lowest, highest = within
    return float(min(max(round(value, decimals), lowest), highest))


def _words(answers: Iterable[bool], if_true: str, otherwise: str) -> list[str]:
    return [if_true if answer else otherwise for answer in answers]
