"""What is sent. Answers are the engine's frozen dataclasses, and what the server says of itself are
pydantic models; both are declared once, and here become JSON and their description in the OpenAPI
document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter

from lm_debugger.json_input import described

Mode: TypeAlias = Literal["validation", "serialization"]

_PREFIX = "#/components/schemas/"


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """How a dataclass or a model is written and described."""
    return TypeAdapter(kind)


def dumped(body: Any, *, indent: int | None = None, exclude_unset: bool = False) -> bytes:
    """A dataclass or a model as JSON."""
    kind: Any = type(body)
    written: bytes = adapter(kind).dump_json(body, indent=indent, exclude_unset=exclude_unset)
    return written


def schemas(
    kinds: Iterable[tuple[Any, Mode]],
) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """A reference for every kind of body, and the definitions that they refer to."""
    wanted = dict(kinds)
    refs, top = TypeAdapter.json_schemas(
        [(kind, mode, adapter(kind)) for kind, mode in wanted.items()],
        ref_template=_PREFIX + "{model}",
    )
    components: dict[str, Any] = dict(sorted(top["$defs"].items()))
    for kind in {each for root in wanted for each in _dataclasses(root)}:
        _describe(kind, components[kind.__name__])
    return {kind: refs[kind, mode] for kind, mode in wanted.items()}, components


def parameters(query: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """The schema of each parameter of an address, its title left out."""
    properties = query.model_json_schema(mode="validation")["properties"]
    required = {name for name, field in query.model_fields.items() if field.is_required()}
    return {
        name: {**_plain(schema), "required": name in required}
        for name, schema in properties.items()
    }


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """As it is given in an address: it cannot be null, and left out is no default."""
    given = {name: value for name, value in schema.items() if name != "title"}
    if "anyOf" in given:
        given |= next(each for each in given.pop("anyOf") if each != {"type": "null"})
    if given.get("default", ...) is None:
        del given["default"]
    return given


def _describe(kind: type[Any], schema: dict[str, Any]) -> None:
    """Add to the description of a dataclass what pydantic does not read there. An answer always has
    all of its fields, and no others."""
    hints = get_type_hints(kind, include_extras=True)
    for name, property in schema["properties"].items():
        _, told, extra = described(hints[name])
        property |= ({"description": told} if told else {}) | extra
        property.pop("default", None)
    if "description" in schema:  # its paragraphs are lines there
        schema["description"] = re.sub(r"(?<!\n)\n(?!\n)", " ", schema["description"])
    schema["required"] = list(schema["properties"])
    schema["additionalProperties"] = False


def _dataclasses(kind: Any, seen: set[Any] | None = None) -> Iterator[type[Any]]:
    """All that a kind of body is made of, itself included."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and kind not in seen:
        seen.add(kind)
        if is_dataclass(kind):
            yield kind
            hints = get_type_hints(kind)
            for field in fields(kind):
                yield from _dataclasses(hints[field.name], seen)
        elif issubclass(kind, BaseModel):
            for info in kind.model_fields.values():
                yield from _dataclasses(info.annotation, seen)
    for part in get_args(kind):
        yield from _dataclasses(part, seen)
