"""Trace, generate, read a value vector: parse, call the Debugger, dump."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request, stream_with_context
from pydantic import BaseModel

from lm_debugger.api import dump, parse
from lm_debugger.api import schemas as wire
from lm_debugger.api.errors import reply_of
from lm_debugger.api.limits import while_wanted
from lm_debugger.api.replies import json_reply
from lm_debugger.api.request_log import record
from lm_debugger.api.state import computing, measured, state
from lm_debugger.errors import ClientGone

blueprint = Blueprint("debug", __name__, url_prefix="/api/v1")


@blueprint.post("/trace")
def trace() -> Response:
    asked = parse.body(wire.TraceRequest)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.trace(
            parse.prompt(asked.prompt, debugger),
            parse.interventions(asked.interventions),
            positions=asked.positions,
            top_k=asked.top_k,
        )
    return json_reply(dump.trace(found))


@blueprint.post("/generate")
def generate() -> Response:
    asked = parse.body(wire.GenerateRequest)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.generate(
            parse.prompt(asked.prompt, debugger),
            parse.interventions(asked.interventions),
            max_new_tokens=asked.max_new_tokens,
            sampling=parse.sampling(asked.sampling),
            alternatives=asked.alternatives,
        )
    record().new_tokens = len(found.steps)
    return json_reply(dump.generation(found))


@blueprint.post("/generate/stream")
def generate_stream() -> Response:
    asked = parse.body(wire.GenerateRequest)
    debugger = state().debugger(asked.model)
    with computing():  # everything is checked here, before a status is sent
        stream = debugger.stream(
            parse.prompt(asked.prompt, debugger),
            parse.interventions(asked.interventions),
            max_new_tokens=asked.max_new_tokens,
            sampling=parse.sampling(asked.sampling),
            alternatives=asked.alternatives,
        )
        tokens = [dump.token(token) for token in debugger.tokenize(asked.prompt)]

    mine = record()

    def events() -> Iterator[str]:
        try:
            yield _event("start", wire.GenerateStart(model=debugger.info.id, tokens=tokens))
            for step in measured(while_wanted(stream)):
                mine.new_tokens = step.index + 1
                yield _event("step", dump.step(step))
        except GeneratorExit:
            mine.outcome = ClientGone.code
            raise
        except Exception as error:  # the status is out: the client learns of it in the stream
            yield _event("error", reply_of(error))
            return
        result = stream.result
        yield _event("end", wire.GenerateEnd(text=result.text, finish_reason=result.finish_reason))

    response = Response(stream_with_context(events()), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx: pass the events on as they come
    response.call_on_close(stream.close)  # also when the client goes away before the first event
    return response


@blueprint.get("/values/<layer>/<dim>")
def value(layer: str, dim: str) -> Response:
    asked = parse.parameters(wire.ValueQuery, layer=layer, dim=dim)
    debugger = state().debugger(asked.model)
    with computing():
        found = debugger.project(asked.layer, asked.dim, top_k=asked.top_k)
    response = json_reply(dump.projection(debugger.info.id, found))
    response.add_etag()
    response.make_conditional(request)
    return response


def _event(name: str, data: BaseModel) -> str:
    """One server-sent event; JSON has no raw line breaks, so one `data` line holds it."""
    return f"event: {name}\ndata: {data.model_dump_json()}\n\n"
