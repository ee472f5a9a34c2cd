"""JSON that somebody wrote -> pydantic models; what is wrong with it, in words.

The reader is pydantic's own, strict: no number for a string, no true for 1, no NaN, no lone
surrogates, a limit on nesting, and an unknown key is an error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from lm_debugger.errors import InvalidInput
from lm_debugger.near import nearest

Model = TypeVar("Model", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=False)]

_SHOWN_PROBLEMS = 5


class Request(BaseModel):
    """What we receive: an unknown key is an error, so that a typing mistake cannot pass."""

    model_config = ConfigDict(extra="forbid", strict=True)


class BrokenJson(InvalidInput):
    """It is not JSON at all."""

    code = "broken_json"


def checked(model: type[Model], source: bytes | Mapping[str, str], what: str = "the body") -> Model:
    """JSON, or values by name, as `model`.

    Args:
        what: what sentences call the whole.

    Raises:
        BrokenJson, InvalidInput: it cannot be read, or does not fit the model.
    """
    try:
        if isinstance(source, bytes):
            return model.model_validate_json(source)
        return model.model_validate(source)
    except ValidationError as error:
        raise _readable(error, model, what) from error


def _readable(error: ValidationError, model: type[BaseModel], what: str) -> InvalidInput:
    """Pydantic's findings as sentences: which field, what is wrong, what is allowed."""
    found = error.errors(include_url=False, include_context=True)
    if found[0]["type"] == "json_invalid":
        return BrokenJson(_broken(found[0], what))
    problems: dict[str, str] = {}
    for item in found:
        problems.setdefault(_field(item["loc"]) or what, _problem(item, model))
    shown = dict(list(problems.items())[:_SHOWN_PROBLEMS])
    more = len(problems) - len(shown)
    return InvalidInput(
        "; ".join(f"{field} {problem}" for field, problem in shown.items())
        + (f"; and {more} more" if more else "")
        + ".",
        fields=shown,
        **_about_one([item["loc"] for item in found]),
    )


def _about_one(locations: Sequence[tuple[str | int, ...]]) -> dict[str, int]:
    """The detail `intervention` of `errors.about_intervention`, if all that is wrong is in one."""
    place, *others = {_place(location) for location in locations}
    return {} if others or place is None else {"intervention": place}


def _place(location: tuple[str | int, ...]) -> int | None:
    """("interventions", 0, "layer") -> 0."""
    for name, place in pairwise(location):
        if name == "interventions" and isinstance(place, int):
            return place
    return None


def _broken(item: ErrorDetails, what: str) -> str:
    subject = f"{what[:1].upper()}{what[1:]}"
    reason = str(item.get("ctx", {}).get("error", "it cannot be read"))
    if not item["input"]:
        return f"{subject} is empty; it must be a JSON object."
    if "hex escape" in reason:
        reason += " (a \\u escape must be a character, not half of a surrogate pair)"
    return f"{subject} is not valid JSON: {reason}."


def _field(location: tuple[str | int, ...]) -> str:
    """("interventions", 0, "layer") -> "interventions[0].layer"."""
    name = ""
    for part in location:
        name += f"[{part}]" if isinstance(part, int) else f".{part[:50]}"
        if part == "positions":  # what follows are pydantic's names of the union's branches
            break
    return name.removeprefix(".")


_MUST_BE = {
    "int": "must be an integer",
    "float": "must be a number",
    "string": "must be a string",
    "bool": "must be true or false",
    "list": "must be a list",
    "model": "must be a JSON object",
    "dict": "must be a JSON object",
}


def _problem(item: ErrorDetails, model: type[BaseModel]) -> str:
    kind = item["type"]
    context = item.get("ctx", {})
    if item["loc"] and "positions" in item["loc"]:
        return 'must be "all", "last" or a list of integers'
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is not known here{_nearest(str(item['loc'][-1]), item['loc'], model)}"
        case "finite_number":
            return "must be a finite number, not NaN or infinite"
        case "literal_error":
            return f"must be {context['expected']}, not {_shown(item['input'])}"
        case "string_unicode":
            return "must be valid Unicode text, without lone surrogates"
    for start, sentence in _MUST_BE.items():
        if kind.startswith(f"{start}_") and (kind.endswith(("_type", "_parsing", "_from_float"))):
            return f"{sentence}, not {_shown(item['input'])}"
    return f"is not allowed: {item['msg'][:1].lower()}{item['msg'][1:]}"


def _nearest(name: str, location: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """The nearest known key at that place, as a hint."""
    known = list(_model_at(location[:-1], model).model_fields)
    near = nearest(name, known)
    return f" (did you mean {near}?)" if near else f" (known are {', '.join(known)})"


def _model_at(location: Sequence[str | int], model: type[BaseModel]) -> type[BaseModel]:
    """Which model a location leads to: ("interventions", 0) -> InterventionIn."""
    for part in location:
        if isinstance(part, str) and part in model.model_fields:
            inner: Any = model.model_fields[part].annotation
            for candidate in (inner, *getattr(inner, "__args__", ())):
                if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                    model = candidate
    return model


def _shown(value: Any) -> str:
    """A value as the client wrote it, cut to a length that fits a sentence."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:57]}…"
