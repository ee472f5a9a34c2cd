"""Every route of the server, described once.

`openapi.py` turns this table into the OpenAPI document and `docs.py` into the page at `/docs`; a
test compares it with the routes that the Flask application really has.
"""

from __future__ import annotations

from lm_debugger.api import legacy_schemas as old
from lm_debugger.api import schemas as wire
from lm_debugger.api import schemas_run as runs
from lm_debugger.api import schemas_why as why
from lm_debugger.api.route_table_explore import EXPLORE
from lm_debugger.api.route_types import (
    DIM,
    EVENTS,
    HTML,
    LAYER,
    MODEL,
    POST_ERRORS,
    TEXT,
    Param,
    Route,
)
from lm_debugger.runs.schema import FORMAT

_PROMPT = "My wife is working as a"

ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/api/v1/models",
        "listModels",
        "models",
        "The models served",
        "The default model comes first. A model is `loading`, then `ready` or `failed`.",
        reply=wire.ModelsReply,
    ),
    Route(
        "POST",
        "/api/v1/trace",
        "trace",
        "debugging",
        "How each layer changes the prediction",
        "Per layer: the tokens predicted before its FFN, the dominant sub-updates, and the tokens "
        "predicted after it (rules 1 to 7). With interventions the edited run comes too.",
        body=wire.TraceRequest,
        example={
            "prompt": _PROMPT,
            "interventions": [{"layer": 7, "dim": 44, "kind": "on"}],
            "top_k": 5,
        },
        reply=wire.TraceReply,
        errors=POST_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/tokens",
        "findTokens",
        "debugging",
        "The tokens that a text may mean",
        "First the text after a space, then the text itself, in other case, and what begins so.",
        params=(
            Param("q", "query", {"type": "string", "example": "nurse"}, "the text", required=True),
            MODEL,
            Param("n", "query", {"type": "integer", "minimum": 1, "default": 10}, "tokens listed"),
        ),
        reply=why.TokensReply,
        errors=(404, 422, 503),
    ),
    Route(
        "POST",
        "/api/v1/grid",
        "grid",
        "debugging",
        "What every state predicts, positions x layers",
        "The likeliest token, its probability and the entropy before and after every FFN (rule 4) "
        "at every position, in both runs, with their divergence.",
        body=why.GridRequest,
        example={"prompt": _PROMPT},
        reply=why.GridReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/sub_updates",
        "subUpdates",
        "debugging",
        "The sub-updates of one layer in detail",
        "As many as are wanted, with the tokens that each pushes up and down, its share of the "
        "layer's scores (rule 6) and its effect on a token (rule 16). With interventions, of the "
        "edited run.",
        body=why.SubUpdatesRequest,
        example={"prompt": _PROMPT, "layer": 5, "top_k": 20, "sort": "effect", "token": 300},
        reply=why.SubUpdatesReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/code",
        "code",
        "debugging",
        "A run as a Python program",
        "With this package, or with hooks on a plain transformers model; it prints the numbers "
        "that the page shows.",
        body=runs.CodeRequest,
        example={
            "form": "transformers",
            "run": {
                "format": FORMAT,
                "version": 1,
                "model": "demo",
                "prompt": _PROMPT,
                "interventions": [{"layer": 7, "dim": 44, "kind": "on"}],
            },
        },
        reply=runs.CodeReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/follow",
        "follow",
        "debugging",
        "Some tokens through all states",
        "Probability, logit and rank before and after every FFN, each state read through its own "
        "lens (rule 4), in both runs.",
        body=why.FollowRequest,
        example={"prompt": _PROMPT, "tokens": [300, 301]},
        reply=why.FollowReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/attribute",
        "attribute",
        "debugging",
        "What adds to a logit: why A, or why A rather than B",
        "Direct contributions with the final norm's statistics frozen (rule 16), so that they add "
        "up. With interventions, of the edited run.",
        body=why.AttributeRequest,
        example={"prompt": _PROMPT, "token": 300, "against": 301},
        reply=why.AttributeReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/generate",
        "generate",
        "debugging",
        "Continue a prompt",
        "Greedy unless `sampling` says otherwise (rule 14); interventions hold while generating.",
        body=wire.GenerateRequest,
        example={"prompt": _PROMPT, "max_new_tokens": 5},
        reply=wire.GenerateReply,
        errors=POST_ERRORS,
    ),
    Route(
        "POST",
        "/api/v1/generate/stream",
        "generateStream",
        "debugging",
        "Continue a prompt, token by token",
        "Server-sent events: one `start`, a `step` for every token, one `end`; `error` instead of "
        "`end` if something fails on the way. The request is checked before the first byte is "
        "sent. Closing the connection stops the generation.",
        body=wire.GenerateRequest,
        example={"prompt": _PROMPT, "max_new_tokens": 5},
        media=EVENTS,
        events=(
            ("start", wire.GenerateStart),
            ("step", wire.StepOut),
            ("end", wire.GenerateEnd),
            ("error", wire.ErrorReply),
        ),
        errors=POST_ERRORS,
    ),
    Route(
        "GET",
        "/api/v1/values/{layer}/{dim}",
        "readValue",
        "debugging",
        "The tokens that a value vector promotes and suppresses",
        "The extremes of E · v (rule 7). The answer never changes for a loaded model: it carries "
        "an `ETag`.",
        params=(
            LAYER,
            DIM,
            MODEL,
            Param(
                "top_k",
                "query",
                {"type": "integer", "minimum": 1, "default": 50},
                "tokens at each end",
            ),
        ),
        reply=wire.ValueReply,
        errors=(304, 404, 422, 503),
    ),
    *EXPLORE,
    Route(
        "GET",
        "/api/v1/settings",
        "readSettings",
        "server",
        "Limits and settings of this server",
        reply=wire.SettingsReply,
    ),
    Route(
        "GET",
        "/api/v1/examples",
        "listExamples",
        "server",
        'The prompts of "Select Example"',
        reply=wire.ExamplesReply,
    ),
    Route(
        "GET",
        "/get_projections/layer/{layer}/dim/{dim}",
        "legacyProjections",
        "LM-Debugger compatibility",
        "Reading of a value vector, as LM-Debugger gave it",
        "Raw vocabulary pieces of the default model.",
        params=(LAYER, DIM),
        reply=old.LegacyProjectionsReply,
        errors=(404, 422, 503),
        plain_errors=True,
    ),
    Route(
        "POST",
        "/get_data",
        "legacyTrace",
        "LM-Debugger compatibility",
        "Trace of the last position, as LM-Debugger gave it",
        "Default model. `coeff` is read by its sign; `score` of a prediction is its probability; "
        "unknown keys are ignored.",
        body=old.LegacyDataRequest,
        example={"prompt": _PROMPT, "interventions": [{"layer": 7, "dim": 44, "coeff": 1}]},
        reply=old.LegacyDataReply,
        errors=POST_ERRORS,
        plain_errors=True,
    ),
    Route(
        "POST",
        "/generate",
        "legacyGenerate",
        "LM-Debugger compatibility",
        "Continue a prompt, as LM-Debugger did",
        "Default model, greedy. Unknown keys are ignored.",
        body=old.LegacyGenerateRequest,
        example={"prompt": _PROMPT, "generate_k": 5, "interventions": []},
        reply=old.LegacyGenerateReply,
        errors=POST_ERRORS,
        plain_errors=True,
    ),
    Route(
        "GET",
        "/healthz",
        "health",
        "operations",
        "Is the process alive?",
        reply=wire.HealthReply,
    ),
    Route(
        "GET",
        "/readyz",
        "ready",
        "operations",
        "Does a model answer?",
        "200 as soon as one model is ready; 503 with `Retry-After` before.",
        reply=wire.ReadyReply,
        unready=wire.ReadyReply,
    ),
    Route(
        "GET",
        "/metrics",
        "metrics",
        "operations",
        "Counts and durations, for Prometheus",
        "404 unless the setting `metrics` is on.",
        media=TEXT,
        errors=(404,),
    ),
    Route(
        "GET",
        "/version",
        "version",
        "operations",
        "Version of the server and of its API",
        reply=wire.VersionReply,
    ),
    Route(
        "GET",
        "/openapi.json",
        "openapi",
        "operations",
        "This document",
        free_form=True,
    ),
    Route(
        "GET",
        "/docs",
        "docs",
        "operations",
        "This document, to read",
        media=HTML,
    ),
)
