"""The tumour markers that are followed: each a procedure of the protocols, measured in a variable of the dictionary."""

from scheduler.core.variables import Recorded, VariableDictionary

VARIABLES = {"afp": "afp_ng_ml", "pivka_ii": "pivka_ii_mau_ml"}


def marker_variables(dictionary: VariableDictionary) -> dict[str, Recorded]:
    """Each marker's variable by its procedure, with unit and ranges; one that the dictionary has not is left out.

    >>> from scheduler.core.validation.example import DICTIONARY
    >>> marker_variables(DICTIONARY)
    {}
    """
    recorded = dictionary.recorded
    return {procedure: recorded[name] for procedure, name in VARIABLES.items() if name in recorded}
