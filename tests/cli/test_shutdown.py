"""SIGTERM under load: whoever asked gets a whole answer or a clean 503; the program ends well."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

from tests.cli.conftest import Program
from tests.until import PATIENCE, until

Start = Callable[..., Program]
JSON = {"Content-Type": "application/json"}
PROMPT = "My wife is working as a"


@dataclass
class Clients:
    """Threads that ask without pause, until nobody answers."""

    address: str
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and code of every answer."""
    broken: list[str] = field(default_factory=list)
    """What went wrong between a request that was taken and its answer."""
    streams: list[str] = field(default_factory=list)
    """The last event of each stream."""

    def connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        connection.connect()
        return connection

    def trace(self) -> None:
        body = json.dumps({"prompt": PROMPT, "positions": "all"})
        while True:
            try:
                connection = self.connection()
            except OSError:
                return  # nobody listens any more
            try:
                while connection.sock:
                    connection.request("POST", "/api/v1/trace", body, JSON)
                    response = connection.getresponse()
                    reply = json.loads(response.read())
                    code = reply.get("error", {}).get("code", "")
                    self.answers.append((response.status, code))
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.broken.append(repr(error))
                return
            finally:
                connection.close()

    def stream(self) -> None:
        body = json.dumps({"prompt": PROMPT, "max_new_tokens": 200})
        connection = self.connection()
        try:
            connection.request("POST", "/api/v1/generate/stream", body, JSON)
            text = connection.getresponse().read().decode()
            self.streams.append(text[text.rindex("event: ") :])
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.broken.append(repr(error))
        finally:
            connection.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_well_under_load(start: Start, number: int) -> None:
    program = start("serve", "demo", "--port", "0", "--auto-index", "false")
    clients = Clients(program.address())
    program.line_with("demo: ready")
    threads = [threading.Thread(target=clients.trace) for _ in range(8)]
    threads += [threading.Thread(target=clients.stream) for _ in range(4)]
    for thread in threads:
        thread.start()
    until(lambda: len(clients.answers) >= 50)
    status, out, err = program.end(number)
    for thread in threads:
        thread.join(PATIENCE)
    assert (status, out) == (0, "Stopped.\n")
    assert "Traceback" not in err
    assert set(clients.answers) <= {(200, ""), (503, "shutting_down")}
    assert clients.broken == []
    assert len(clients.streams) == 4
    for last in clients.streams:
        assert last.startswith("event: end") or '"code":"shutting_down"' in last
