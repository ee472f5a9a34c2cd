"""A server among several that starts or ends: who connects, and who has connected already."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import PortTaken, Server
from lm_debugger.api.state import state_of
from lm_debugger.settings import Settings
from tests.api.restarting import Busy, Loading, connected, port_of
from tests.until import PATIENCE, until

BODY = json.dumps({"prompt": "a"})
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def loading(registry: ModelRegistry) -> Iterator[Loading]:
    loading = Loading(registry.get("demo"), ["demo", "second"])
    yield loading
    loading.go_on()
    loading.registry.close()


def trace(connection: http.client.HTTPConnection) -> tuple[int, str]:
    """Status and code of the error."""
    connection.request("POST", "/api/v1/trace", BODY, JSON)
    response = connection.getresponse()
    reply = json.loads(response.read())
    return response.status, reply.get("error", {}).get("code", "")


def is_refused(server: Server) -> bool:
    try:
        connected(server).close()
    except ConnectionRefusedError:
        return True
    return False


# --- starting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", [set(), {"second"}], ids=["all ready", "one failed"])
def test_connections_are_refused_until_no_model_loads(loading: Loading, failing: set[str]) -> None:
    loading.failing = failing
    with Server(Settings(port=0, listen_when_ready=True), loading.registry) as server:
        assert is_refused(server)
        loading.leave["demo"].set()
        until(lambda: loading.registry.state == "ready")
        assert not loading.registry.is_complete, "the second one would be answered 503"
        assert is_refused(server)
        loading.go_on()
        until(lambda: not is_refused(server))
        with closing(connected(server)) as connection:
            assert trace(connection) == (200, "")


def test_without_the_setting_it_answers_at_once(loading: Loading) -> None:
    with (
        Server(Settings(port=0), loading.registry) as server,
        closing(connected(server)) as connection,
    ):
        assert trace(connection) == (503, "model_loading")


def test_it_can_end_before_it_listens(loading: Loading, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(Settings(port=0, listen_when_ready=True), loading.registry)
    server.start()
    server.stop()
    assert not caplog.records
    with socket.create_server(("127.0.0.1", port_of(server))):
        pass


def test_who_listens_first_has_the_port(loading: Loading) -> None:
    """Two may be bound to it as long as none listens."""
    late = Server(Settings(port=0, listen_when_ready=True), loading.registry)
    with socket.create_server(("127.0.0.1", port_of(late))):
        loading.go_on()
        with pytest.raises(PortTaken, match=f"Port {port_of(late)} on 127.0.0.1 is taken"):
            late.run()


# --- ending --------------------------------------------------------------------------------------


def test_who_has_connected_before_the_end_is_answered(registry: ModelRegistry) -> None:
    """A proxy that has sent a question cannot send it to another server."""
    with (
        Server(Settings(port=0), registry) as server,
        closing(connected(server)) as old,
        closing(connected(server)) as new,
    ):
        assert trace(old) == (200, "")
        with Busy(server):
            server.end(grace=PATIENCE)
            until(lambda: state_of(server.app).closing.has_begun)
            assert is_refused(server)
            assert trace(new) == (200, "")
            assert trace(old) == (503, "shutting_down")
