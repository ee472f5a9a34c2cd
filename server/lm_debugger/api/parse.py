"""Bodies and parameters of the request at hand -> checked values. How they are read, and what is
wrong with them in words, is `json_input`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from flask import request
from pydantic import BaseModel
from werkzeug.exceptions import UnsupportedMediaType

from lm_debugger.api.state import state
from lm_debugger.engine.checks import check_count
from lm_debugger.engine.questions.base import Question
from lm_debugger.errors import InvalidInput, PromptTooLong
from lm_debugger.json_input import Model, checked, made
from lm_debugger.runs.schema import checked_interventions

Item = TypeVar("Item")


def body(model: type[Model]) -> Model:
    """The request's body as `model`.

    Raises:
        UnsupportedMediaType: it is not sent as JSON.
        RequestEntityTooLarge: it is larger than the setting `max_body_bytes`.
        BrokenJson, InvalidInput: it cannot be read, or does not fit the model.
    """
    if not request.is_json:
        sent = f"it was sent as {request.mimetype[:100]}" if request.mimetype else "it names none"
        raise UnsupportedMediaType(
            f"The body must be JSON, sent with Content-Type: application/json; {sent}."
        )
    return checked(model, request.get_data(cache=False))


def parameters(model: type[Model], **path: str) -> Model:
    """Path and query parameters as `model`; a parameter may be given once.

    Raises:
        InvalidInput: one is unknown, missing or not what it should be.
    """
    values: dict[str, str] = dict(path)
    for name, given in request.args.lists():
        if len(given) > 1 or name in path:
            raise InvalidInput(f"The parameter {name[:50]} is given more than once.", field=name)
        values[name] = given[0]
    return checked(model, values)


def typed(text: str) -> str:
    """A text, if it is not too long to be worth tokenising.

    Raises:
        PromptTooLong: more characters than the setting `max_prompt_chars`.
    """
    limit = state().settings.max_prompt_chars
    if len(text) > limit:
        raise PromptTooLong(
            f"The prompt has {len(text)} characters; at most {limit} are allowed (the setting "
            "max_prompt_chars).",
            characters=len(text),
            allowed=limit,
            limit="max_prompt_chars",
        )
    return text


def not_too_many(items: Sequence[Item]) -> Sequence[Item]:
    """Interventions, if they are few enough to be looked at one by one.

    Raises:
        TooManyInterventions: more than the setting `max_interventions`.
    """
    check_count(len(items), state().settings.max_interventions)
    return items


def question(asked: BaseModel) -> Question[Any]:
    """What a body or an address asks of the model.

    Raises:
        InvalidInput: its texts are too long, its interventions too many, or the engine has no such
            values.
    """
    given: Any = asked
    for name in {"prompt", "q"} & type(asked).model_fields.keys():
        typed(getattr(given, name))
    edits = {}
    if "interventions" in type(asked).model_fields:
        known = checked_interventions(not_too_many(given.interventions))
        edits = {"interventions": tuple(known)}
    found: Question[Any] = made(asked, **edits)
    return found
