"""Every route of the server, described once.

`openapi.py` turns this table into the OpenAPI document and `docs.py` into the page at `/docs`; a
test compares it with the routes that the Flask application really has.
"""

from __future__ import annotations

from lm_debugger.api import legacy_schemas as old
from lm_debugger.api import schemas as wire
from lm_debugger.api.questions import GENERATE, PROMPT, QUESTIONS
from lm_debugger.api.route_table_explore import EXPLORE
from lm_debugger.api.route_types import EVENTS, GET_ERRORS, HTML, POST_ERRORS, TEXT, Route
from lm_debugger.engine.questions.generate import GenerationStep
from lm_debugger.runs.schema import FORMAT

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
    *QUESTIONS,
    Route(
        "POST",
        "/api/v1/generate/stream",
        "generateStream",
        "debugging",
        "Continue a prompt, token by token",
        "Server-sent events: one `start`, a `step` for every token, one `end`; `error` instead of "
        "`end` if something fails on the way. The request is checked before the first byte is "
        "sent. Closing the connection stops the generation.",
        body=GENERATE.body,
        example=GENERATE.example,
        media=EVENTS,
        events=(
            ("start", wire.GenerateStart),
            ("step", GenerationStep),
            ("end", wire.GenerateEnd),
            ("error", wire.ErrorReply),
        ),
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
        body=wire.CodeRequest,
        example={
            "form": "transformers",
            "run": {
                "format": FORMAT,
                "version": 1,
                "model": "demo",
                "prompt": PROMPT,
                "interventions": [{"layer": 7, "dim": 44, "kind": "on"}],
            },
        },
        reply=wire.CodeReply,
        errors=POST_ERRORS,
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
        query=old.LegacyValueQuery,
        reply=old.LegacyProjectionsReply,
        errors=GET_ERRORS,
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
        example={"prompt": PROMPT, "interventions": [{"layer": 7, "dim": 44, "coeff": 1}]},
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
        example={"prompt": PROMPT, "generate_k": 5, "interventions": []},
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
