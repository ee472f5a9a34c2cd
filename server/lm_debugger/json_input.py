"""JSON that somebody wrote -> pydantic models; what is wrong with it, in words.

The reader is pydantic's own, strict: no number for a string, no true for 1, no NaN, no lone
surrogates, a limit on nesting, and an unknown key is an error.

What is wrong is looked for only until there is enough to tell, so that half a million faults cost
no more than a handful. Therefore lists are `ListOf`, texts by name `Named`, and models `Request`.

What the engine declares as a frozen dataclass is not declared again: `request_of` makes a model of
it, with its names, defaults and descriptions.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, asdict, fields, is_dataclass
from itertools import islice, pairwise
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    create_model,
    model_validator,
)
from pydantic_core import ErrorDetails

from lm_debugger.errors import InvalidInput
from lm_debugger.near import nearest

_SHOWN_PROBLEMS = 5
_LONGEST_NAME = 50


def _up_to_the_first_that_is_no_text(given: Any) -> Any:
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(value, str):
                return {key: value}
    return given


Item = TypeVar("Item")
Model = TypeVar("Model", bound=BaseModel)
Finite = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(strip_whitespace=False)]
ListOf = Annotated[list[Item], Field(fail_fast=True)]
"""A list that is read up to the first item that is wrong."""
Named = Annotated[dict[str, str], BeforeValidator(_up_to_the_first_that_is_no_text)]
"""Texts by name; of what is wrong in it, the first is told."""


class Request(BaseModel):
    """What we receive: an unknown key is an error, so that a typing mistake cannot pass."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _cut(cls, given: Any) -> Any:
        return _with_few_unknown(cls, given)


def made(asked: BaseModel, **instead: Any) -> Any:
    """The dataclass that a model was made of, see `request_of`; raises what that raises.

    Args:
        instead: values in place of those that were read.
    """
    kind = _DECLARED[type(asked)]
    names = (field.name for field in fields(kind) if field.name not in instead)
    return kind(**{name: _plain(getattr(asked, name)) for name in names}, **instead)


def _plain(value: Any) -> Any:
    """As the engine has it: lists as tuples, models as what they are of."""
    if isinstance(value, Request):
        return made(value)
    return tuple(map(_plain, value)) if isinstance(value, list) else value


_DECLARED: dict[type[BaseModel], type[Any]] = {}
"""Of a model, the dataclass that it is made of."""


def request_of(
    declared: type[Any], *, required: Sequence[str] = (), optional: Sequence[str] = ()
) -> Callable[[type[Model]], type[Model]]:
    """Give a model the fields of a frozen dataclass, after its own. What is a dataclass in it must
    have a model already.

    A field's description is the text in its `Annotated`; a dict there goes into the document as it
    is.

    Args:
        required: fields without a default here, though the dataclass has one.
        optional: fields that may be None or left out here, though the dataclass needs them.
    """

    def make(base: type[Model]) -> type[Model]:
        hints = get_type_hints(declared, include_extras=True)
        found: dict[str, Any] = {}
        for field in fields(declared):
            hint, told, extra = described(hints[field.name])
            default = ... if field.default is MISSING or field.name in required else field.default
            default = None if field.name in optional else default
            info: Any = Field(_as_sent(default), description=told, json_schema_extra=extra or None)
            strict = bool(base.model_config.get("strict"))
            kind = _read(hint) if strict else hint
            found[field.name] = (kind | None if field.name in optional else kind, info)
        model = create_model(
            base.__name__, __base__=base, __doc__=base.__doc__, __module__=base.__module__, **found
        )
        _DECLARED[model] = declared
        return model

    return make


def described(hint: Any) -> tuple[Any, str | None, dict[str, Any]]:
    """A type, what it is described by, and what else is said of it in the document."""
    if get_origin(hint) is not Annotated:
        return hint, None, {}
    kind, *more = get_args(hint)
    told = next((each for each in more if isinstance(each, str)), None)
    return kind, told, next((each for each in more if isinstance(each, dict)), {})


def _read(hint: Any) -> Any:
    """How something of this type is read from JSON."""
    kind, _, _ = described(hint)
    origin, parts = get_origin(kind), get_args(kind)
    if origin is tuple:
        return ListOf[_read(parts[0])]  # type: ignore[misc]
    if origin in (Union, types.UnionType):
        return Union[tuple(_read(part) for part in parts)]  # noqa: UP007
    if is_dataclass(kind):
        return next(model for model, declared in _DECLARED.items() if declared is kind)
    return {str: Text, float: Finite}.get(kind, kind)


def _as_sent(default: Any) -> Any:
    """A default as it would be read."""
    if is_dataclass(default) and not isinstance(default, type):
        return _read(type(default))(**asdict(default))
    return list(default) if isinstance(default, tuple) else default


def _with_few_unknown(model: type[BaseModel], given: Any) -> Any:
    """An object without most of its unknown keys, if it has more than are told."""
    if not isinstance(given, Mapping):
        return given
    known = model.model_fields
    most = len(known) + _SHOWN_PROBLEMS + 1
    if len(given) <= most:
        return given
    unknown = islice((name for name in given if name not in known), _SHOWN_PROBLEMS + 1)
    names = [*unknown, *(name for name in known if name in given)]
    return {name: given[name] for name in names}


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
        if model.model_config.get("extra") == "forbid":
            source = _with_few_unknown(model, source)
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
    more = len(problems) > len(shown)  # not how many: nobody has looked
    return InvalidInput(
        "; ".join(f"{field} {problem}" for field, problem in shown.items())
        + ("; and more" if more else "")
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
        name += f"[{part}]" if isinstance(part, int) else f".{part[:_LONGEST_NAME]}"
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
    near = nearest(name[:_LONGEST_NAME], known)
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
