"""The application factory: one Flask application for the API, LM-Debugger's routes and the page."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_cors import CORS

from lm_debugger.api import (
    errors,
    legacy,
    limits,
    middleware,
    routes_ask,
    routes_explore,
    routes_run,
    routes_server,
    spa,
)
from lm_debugger.api.counted import is_counted
from lm_debugger.api.limits import InFlight, Stopping
from lm_debugger.api.metrics import Metrics
from lm_debugger.api.proxy import BehindProxy
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.state import State, attach
from lm_debugger.settings import Settings

_CALLABLE_FROM_OTHER_ORIGINS = (r"/api/.*", *(rf"{path}(/.*)?$" for path in legacy.PATHS))


def create_app(settings: Settings, registry: ModelRegistry, web: Path = spa.WEB) -> Flask:
    """Build the application.

    Args:
        settings: limits, who may call.
        registry: the models; the caller starts it.
        web: folder of the built page.

    Raises:
        SettingsError: the settings ask for what is not installed, cannot be reached or is unsafe.
    """
    limits.refuse_unsafe(settings)
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # by a redirect, which would repeat what was asked for
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    in_flight = InFlight(
        settings.threads, settings.max_requests_at_once if settings.hosted else None
    )
    metrics = Metrics(registry, in_flight) if settings.metrics else None
    state = State(settings, registry, web, in_flight, metrics)
    attach(app.extensions, state)
    middleware.register(app)
    errors.register(app)
    limits.register(app, settings, errors.answer, is_counted)
    app.before_request(middleware.refuse_unknown_method)
    for module in (
        routes_ask,
        routes_run,
        routes_explore,
        routes_server,
        legacy,
        spa,
    ):
        app.register_blueprint(module.blueprint)
    if settings.cors_origins:
        origins = {"origins": settings.cors_origins}
        CORS(
            app,
            resources=dict.fromkeys(_CALLABLE_FROM_OTHER_ORIGINS, origins),
            expose_headers=["X-Request-Id", "Server-Timing", "Retry-After"],
            allow_headers=["Content-Type", "X-Request-Id"],  # or it repeats whatever is asked for
            max_age=600,
        )
    stoppable = Stopping(app.wsgi_app, settings.max_seconds, state.closing)
    app.wsgi_app = BehindProxy(stoppable, settings)  # type: ignore[method-assign]
    return app
