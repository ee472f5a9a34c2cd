"""The questions to a model, and a generation as it is found: read, ask, write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flask import Blueprint, Response, stream_with_context

from lm_debugger.api import parse, wire
from lm_debugger.api import schemas as server
from lm_debugger.api.errors import reply_of
from lm_debugger.api.limits import while_wanted
from lm_debugger.api.questions import GENERATE, QUESTIONS
from lm_debugger.api.replies import json_reply, unchanging
from lm_debugger.api.request_log import record
from lm_debugger.api.route_types import Route
from lm_debugger.api.state import computing, measured, state
from lm_debugger.engine.questions.generate import Generation
from lm_debugger.errors import ClientGone

blueprint = Blueprint("ask", __name__)


def _view(route: Route) -> Callable[..., Response]:
    """What answers the question of a route."""
    reply = unchanging if 304 in route.errors else json_reply

    def view(**path: str) -> Response:
        asked: Any
        if route.body is not None:
            asked = parse.body(route.body)
        else:
            assert route.query is not None
            asked = parse.parameters(route.query, **path)
        debugger = state().debugger(asked.model)
        with computing():
            answer = debugger.ask(parse.question(asked))
        if isinstance(answer, Generation):
            record().new_tokens = len(answer.steps)
        return reply(answer)

    return view


for _route in QUESTIONS:
    _address = _route.path.replace("{", "<").replace("}", ">")
    blueprint.add_url_rule(_address, _route.name, _view(_route), methods=[_route.method])


@blueprint.post("/api/v1/generate/stream")
def generate_stream() -> Response:
    assert GENERATE.body is not None
    asked: Any = parse.body(GENERATE.body)
    debugger = state().debugger(asked.model)
    with computing():  # everything is checked here, before a status is sent
        question: Any = parse.question(asked)
        stream = debugger.start(question)

    mine = record()

    def events() -> Iterator[bytes]:
        try:
            yield _event("start", server.GenerateStart(debugger.info.id, stream.tokens))
            for step in measured(while_wanted(stream)):
                mine.new_tokens = step.index + 1
                yield _event("step", step)
        except GeneratorExit:
            mine.outcome = ClientGone.code
            raise
        except Exception as error:  # the status is out: the client learns of it in the stream
            yield _event("error", reply_of(error))
            return
        result = stream.result
        yield _event("end", server.GenerateEnd(result.text, result.finish_reason))

    response = Response(stream_with_context(events()), mimetype="text/event-stream")
    response.headers["X-Accel-Buffering"] = "no"  # nginx: pass the events on as they come
    response.call_on_close(stream.close)  # also when the client goes away before the first event
    return response


def _event(name: str, data: Any) -> bytes:
    """One server-sent event; JSON has no raw line breaks, so one `data` line holds it."""
    return b"event: %s\ndata: %s\n\n" % (name.encode(), wire.dumped(data))
