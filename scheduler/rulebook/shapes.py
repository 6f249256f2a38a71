"""A file's values against the shape that its kind must have: pydantic's findings, as problems at their lines."""

from collections.abc import Iterable
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from scheduler.core.problems import Location
from scheduler.rulebook.places import FileProblem
from scheduler.rulebook.reading import RuleFile

Shape = TypeVar("Shape", bound=BaseModel)


def fit(file: RuleFile, shape: type[Shape]) -> tuple[Shape | None, tuple[FileProblem, ...]]:
    """The file as a value of its shape, or None and everything that does not fit."""
    try:
        return shape.model_validate_json(file.json), ()
    except ValidationError as error:
        errors = error.errors(include_url=False)
        problems = [_as_problem(file, shape, each) for each in errors if not _follows_from_another(each, errors)]
        return None, tuple(dict.fromkeys(problems))


def _follows_from_another(error: Any, errors: Iterable[Any]) -> bool:
    """Whether a list is only too short because one of its members does not fit."""
    around = error["loc"]
    return error["type"] == "too_short" and any(
        each["loc"][: len(around)] == around and len(each["loc"]) > len(around) for each in errors
    )


def _as_problem(file: RuleFile, shape: type[BaseModel], error: Any) -> FileProblem:
    location, key = tuple(error["loc"]), str(error["loc"][-1]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = sorted(set(_keys_at(shape, location[:-1])))
        near = get_close_matches(key, known, n=1)
        meant = f" (did you mean {near[0]}?)" if near else ""
        return file.problem(location, "unknown key", found=key, expected=f"one of {', '.join(known)}{meant}")
    if error["type"] == "missing":
        return file.problem(location, "missing key", found=f"no {key}", expected=f"the key {key}")
    if error["type"] == "value_error":
        found = _brief(error["input"])
        return file.problem(location, "does not fit together", found=found, expected=str(error["ctx"]["error"]))
    expected = error["msg"].removeprefix("Input should be ")
    if error["type"] == "too_short":
        expected = f"at least {error['ctx']['min_length']}"
    what = "wrong type" if "type" in error["type"] or "parsing" in error["type"] else "wrong value"
    return file.problem(location, what, found=_brief(error["input"]), expected=expected)


def _brief(value: object) -> str:
    """A value for a sentence; a long one is cut."""
    text = ", ".join(map(str, value)) if isinstance(value, dict) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _keys_at(shape: type[BaseModel], location: Location) -> Iterable[str]:
    """The keys that a part of the file may have."""
    shapes: list[Any] = [shape]
    for part in location:
        shapes = [inner for each in shapes for inner in _step(each, part)]
    return [
        field.alias or name for each in shapes for model in _models(each) for name, field in model.model_fields.items()
    ]


def _step(annotation: Any, part: str | int) -> list[Any]:
    """What stands below one part of a location; a part that only names a union's member changes nothing."""
    models = _models(annotation)
    fields = [
        field.annotation
        for model in models
        for name, field in model.model_fields.items()
        if (field.alias or name) == part
    ]
    if fields:
        return fields
    if models:
        return [model for model in models if part in _kinds(model)] or list(models)
    return [inner for inner in get_args(_bare(annotation)) if inner is not Ellipsis]


def _kinds(model: type[BaseModel]) -> tuple[Any, ...]:
    """The words by which a union tells a member."""
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation allows at this very place."""
    bare = _bare(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return [bare]
    if get_origin(bare) in (Union, UnionType):
        return [model for member in get_args(bare) for model in _models(member)]
    return []
