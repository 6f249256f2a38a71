"""A dictionary of a few variables, for the examples in this room's docstrings."""

from scheduler.core.variables import VariableDictionary, VariableType

_SAID = {"label": "as named", "unit": "none", "collected_at": "enrolment", "definition": "-", "source": "paper"}

DICTIONARY = VariableDictionary.model_validate(
    {
        "kind": "variable_dictionary",
        "version": 1,
        "sources": {"paper": {"citation": "an example", "locator": "this file"}},
        "recorded": {
            "mrn": {**_SAID, "type": VariableType.TEXT, "identity": True},
            "site": {**_SAID, "type": VariableType.TEXT},
            "birth_date": {**_SAID, "type": VariableType.DATE, "identity": True},
            "age_years": {**_SAID, "type": VariableType.INTEGER, "unit": "a", "minimum": 1.0, "maximum": 120.0},
            "resected_on": {**_SAID, "type": VariableType.DATE},
            "albumin_g_l": {
                **_SAID,
                "type": VariableType.NUMBER,
                "unit": "g/L",
                "accepts": ({"unit": "g/dL", "heading": "albumin_g_dl", "factor": 10.0},),
                "minimum": 10.0,
                "maximum": 70.0,
                "plausible": (20.0, 55.0),
            },
            "residual_tumor": {**_SAID, "type": VariableType.CHOICE, "choices": ("R0", "R1", "R2")},
            "cirrhosis": {**_SAID, "type": VariableType.BOOLEAN},
        },
        "derived": {},
    }
)
