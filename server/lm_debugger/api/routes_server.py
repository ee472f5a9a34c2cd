"""What the server says about itself: models, settings, examples, health, version, documentation."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from lm_debugger import __version__, settings_table
from lm_debugger.api import docs, openapi, spa
from lm_debugger.api import schemas as wire
from lm_debugger.api.examples import examples
from lm_debugger.api.limits import is_private
from lm_debugger.api.metrics import MEDIA
from lm_debugger.api.proxy import DIRECT
from lm_debugger.api.registry import RETRY_AFTER
from lm_debugger.api.replies import html_reply, json_reply
from lm_debugger.api.state import state

blueprint = Blueprint("server", __name__)


@blueprint.get("/api/v1/models")
def models() -> Response:
    registry = state().registry
    listed = [wire.model_out(entry) for entry in registry.entries]
    return json_reply(wire.ModelsReply(default=registry.default, models=listed))


@blueprint.get("/api/v1/settings")
def settings() -> Response:
    current = state().settings
    limits = {name: getattr(current, name) for name in wire.LimitsOut.model_fields}
    rows = [
        wire.SettingOut(
            name=row.name,
            value=_value(row),
            default=row.default,
            description=row.description,
            flag=row.flag,
            environment=row.environment,
        )
        for row in settings_table.table()
    ]
    return json_reply(wire.SettingsReply(limits=wire.LimitsOut(**limits), settings=rows))


def _value(row: settings_table.Setting) -> Any:
    """What a setting is here, as far as it is told; models by what they are called."""
    if row.is_private:
        return None
    if row.name == "models":
        return [entry.id for entry in state().registry.entries]
    return getattr(state().settings, row.name)


@blueprint.get("/api/v1/examples")
def list_examples() -> Response:
    return json_reply(examples({entry.id for entry in state().registry.entries}))


@blueprint.get("/healthz")
def health() -> Response:
    return json_reply(wire.HealthReply(status="alive"))


@blueprint.get("/readyz")
def ready() -> Response:
    registry = state().registry
    reply = wire.ReadyReply(
        status=registry.state, models={entry.id: entry.state for entry in registry.entries}
    )
    if reply.status == "ready":
        return json_reply(reply)
    response = json_reply(reply, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


@blueprint.get("/metrics")
def metrics() -> Response:
    found = state().metrics
    if found is None:
        raise NotFound("Metrics are off here; start the server with --metrics.")
    asking = request.environ.get(DIRECT)
    if asking is None or not is_private(asking):
        raise NotFound(
            "Metrics are for machines that ask this server itself, without a proxy, from a private "
            "address."
        )
    return Response(found.text(), content_type=MEDIA)


@blueprint.get("/version")
def version() -> Response:
    current = state()
    reply = wire.VersionReply(
        version=__version__,
        api="v1",
        page=spa.build_of(current.web),
        instance=current.instance,
    )
    return json_reply(reply)


@blueprint.get("/openapi.json")
def openapi_document() -> Response:
    return Response(openapi.document_text(), mimetype="application/json")


@blueprint.get("/docs")
def documentation() -> Response:
    return html_reply(docs.page())
