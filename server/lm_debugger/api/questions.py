"""The questions to a model: a line for each, with the address, what is asked, what is answered, and
what the document says. `routes_ask` answers all of them alike.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model

from lm_debugger.api import queries
from lm_debugger.api.route_types import GET_ERRORS, POST_ERRORS, UNCHANGING_ERRORS, Route
from lm_debugger.engine.questions import (
    attribute,
    find_tokens,
    follow,
    generate,
    grid,
    project,
    sub_updates,
    trace,
)
from lm_debugger.engine.questions.base import Answer, Question
from lm_debugger.json_input import Request, request_of

PROMPT = "My wife is working as a"


class QuestionIn(Request):
    """What every body may name."""

    model: str | None = Field(default=None, description="default: the first model served")


def _asked(
    name: str,
    ask: type[Question[Any]],
    answer: type[Answer],
    summary: str,
    description: str,
    **example: Any,
) -> Route:
    """One that is sent as a body, to the address of its name."""
    title = "".join(part.capitalize() for part in name.split("_"))
    body = request_of(ask)(
        create_model(f"{title}Request", __base__=QuestionIn, __doc__=ask.__doc__)
    )
    return Route(
        "POST",
        f"/api/v1/{name}",
        f"{title[0].lower()}{title[1:]}",
        "debugging",
        summary,
        description,
        body=body,
        example={"prompt": PROMPT, **example},
        reply=answer,
        errors=POST_ERRORS,
    )


QUESTIONS: tuple[Route, ...] = (
    _asked(
        "trace",
        trace.Ask,
        trace.Trace,
        "How each layer changes the prediction",
        "Per layer: the tokens predicted before its FFN, the dominant sub-updates, and the tokens "
        "predicted after it (rules 1 to 7). With interventions the edited run comes too.",
        interventions=[{"layer": 7, "dim": 44, "kind": "on"}],
        top_k=5,
    ),
    Route(
        "GET",
        "/api/v1/tokens",
        "findTokens",
        "debugging",
        "The tokens that a text may mean",
        "First the text after a space, then the text itself, in other case, and what begins so.",
        query=queries.TokensQuery,
        reply=find_tokens.Tokens,
        errors=GET_ERRORS,
    ),
    _asked(
        "grid",
        grid.Ask,
        grid.Grid,
        "What every state predicts, positions x layers",
        "The likeliest token, its probability and the entropy before and after every FFN (rule 4) "
        "at every position, in both runs, with their divergence.",
    ),
    _asked(
        "sub_updates",
        sub_updates.Ask,
        sub_updates.SubUpdates,
        "The sub-updates of one layer in detail",
        "As many as are wanted, with the tokens that each pushes up and down, its share of the "
        "layer's scores (rule 6) and its effect on a token (rule 16). With interventions, of the "
        "edited run.",
        layer=5,
        top_k=20,
        sort="effect",
        token=300,
    ),
    _asked(
        "follow",
        follow.Ask,
        follow.Following,
        "Some tokens through all states",
        "Probability, logit and rank before and after every FFN, each state read through its own "
        "lens (rule 4), in both runs.",
        tokens=[300, 301],
    ),
    _asked(
        "attribute",
        attribute.Ask,
        attribute.Attribution,
        "What adds to a logit: why A, or why A rather than B",
        "Direct contributions with the final norm's statistics frozen (rule 16), so that they add "
        "up. With interventions, of the edited run.",
        token=300,
        against=301,
    ),
    _asked(
        "generate",
        generate.Ask,
        generate.Generation,
        "Continue a prompt",
        "Greedy unless `sampling` says otherwise (rule 14); interventions hold while generating.",
        max_new_tokens=5,
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}",
        "readValue",
        "debugging",
        "The tokens that a value vector promotes and suppresses",
        "The extremes of E · v (rule 7). The answer never changes for a loaded model: it carries "
        "an `ETag`.",
        query=queries.ValueQuery,
        reply=project.Projection,
        errors=UNCHANGING_ERRORS,
    ),
)

GENERATE = next(route for route in QUESTIONS if route.name == "generate")
