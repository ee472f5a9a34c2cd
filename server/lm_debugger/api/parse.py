"""Bodies and parameters of the request at hand -> checked values. How they are read, and what is
wrong with them in words, is `json_input`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from flask import request
from werkzeug.exceptions import UnsupportedMediaType

from lm_debugger.api.request_log import record
from lm_debugger.api.state import state
from lm_debugger.engine.checks import check_count
from lm_debugger.engine.types import Intervention, Sampling
from lm_debugger.errors import InvalidInput, PromptTooLong
from lm_debugger.json_input import Model, checked
from lm_debugger.runs.schema import InterventionIn, SamplingIn, checked_interventions

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger

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


def prompt(text: str, debugger: Debugger) -> str:
    """A prompt, if it is not too long for this server; its length goes into the log.

    Raises:
        EmptyPrompt, PromptTooLong: also more tokens than the setting `max_prompt_tokens`.
    """
    n_tokens = len(debugger.tokenize(typed(text)))
    limit = state().settings.max_prompt_tokens
    if limit is not None and n_tokens > limit:
        raise PromptTooLong(
            f"The prompt has {n_tokens} tokens; at most {limit} are allowed (the setting "
            "max_prompt_tokens).",
            n_tokens=n_tokens,
            maximum=limit,
            limit="max_prompt_tokens",
        )
    record().prompt_tokens = n_tokens
    return text


def not_too_many(items: Sequence[Item]) -> Sequence[Item]:
    """Interventions, if they are few enough to be looked at one by one.

    Raises:
        TooManyInterventions: more than the setting `max_interventions`.
    """
    check_count(len(items), state().settings.max_interventions)
    return items


def interventions(items: Sequence[InterventionIn]) -> list[Intervention]:
    """The engine's interventions; it raises InvalidIntervention, InvalidPosition, and as
    `not_too_many` does."""
    return checked_interventions(not_too_many(items))


def sampling(item: SamplingIn) -> Sampling:
    """The engine's sampling; it raises OutOfRange."""
    return item.checked()
