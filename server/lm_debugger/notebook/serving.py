"""The page beside a notebook.

A cell is run again and again, and `serve(background=True, port=8000)` in it means the same each
time: the server that an earlier run of it left on that port is stopped, and a new one begins.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lm_debugger.api.registry import ModelRegistry, indexer
from lm_debugger.api.server import PortTaken, Server
from lm_debugger.settings_sources import load

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger

_in_background: list[Served] = []
"""The servers of this process that run in a thread."""

_lock = threading.Lock()


class Served:
    """A server of one model that is loaded already, in this process.

    It takes its port over from an earlier server of this process that runs in the background.

    >>> with debugger.serve(background=True) as served:
    ...     print(served.url)

    Attributes:
        url: where a browser on this machine finds the page.
        port: that of the address.
    """

    def __init__(self, debugger: Debugger, host: str, port: int) -> None:
        own = {"models": [debugger.info.id], "host": host, "port": port}
        settings = load(flags=own | asdict(debugger.limits)).settings
        self._registry = ModelRegistry.of(debugger, indexer(settings), hosted=settings.hosted)
        try:
            self._server = Server(settings, self._registry)
        except PortTaken:
            with _lock:
                earlier = [served for served in _in_background if served.port == port]
            if not earlier:
                raise
            for served in earlier:
                served.stop()
            self._server = Server(settings, self._registry)
        self._auto_index = settings.auto_index
        self._running = True
        self.url = self._server.url
        self.port: int = int(self.url.rpartition(":")[2])

    def start(self) -> None:
        """Serve in a background thread, and return at once."""
        self._index()
        self._server.start()
        with _lock:
            _in_background.append(self)

    def run(self) -> None:
        """Serve until Ctrl-C."""
        self._index()
        try:
            self._server.run()
        finally:
            self._registry.close()

    def stop(self) -> None:
        """End the server; the model stays loaded. Stopping twice is stopping once."""
        if self._running:
            self._running = False
            self._server.stop()
            self._registry.close()
            with _lock:
                if self in _in_background:
                    _in_background.remove(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<LM-Debugger at {self.url}{'' if self._running else ', stopped'}>"

    def _repr_html_(self) -> str:
        if not self._running:
            return "LM-Debugger, stopped"
        url = escape(self.url)
        return f'LM-Debugger: <a href="{url}" target="_blank" rel="noopener">{url}</a>'

    def _index(self) -> None:
        _, index = self._registry.loaded()
        if self._auto_index:
            index.start()
