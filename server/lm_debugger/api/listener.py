"""A listening socket: waitress' server, with our connections, and with few descriptors. It may be
told to listen later."""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

from lm_debugger.api.channel import Channel
from lm_debugger.api.unread import Unread

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

log = logging.getLogger(__name__)

_USED_UP = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_DEAF_SECONDS = 1.0
"""How long nobody is let in after the system had no descriptor for him: he is still there, so to
ask again at once would be to ask without end."""

_SAY_SECONDS = 60.0
_LOOK_SECONDS = 0.2


class Listener(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    """Serves an application on a socket that is bound to an address.

    Args:
        map: the sockets of the loop that is to run it.
        max_unread: bytes of replies that may wait to be read (`Unread`).
        at_once: does it listen, or only once it is told to (`open`)? Until then the system refuses
            whoever connects.
        is_many: is it the address of a proxy, which asks for others?
        settings: of waitress (`Adjustments`).
    """

    channel_class = Channel

    def __init__(
        self,
        application: WSGIApplication,
        map: dict[int, object],
        listening: socket.socket,
        is_many: Callable[[str], bool] = lambda address: False,
        *,
        max_unread: int,
        at_once: bool = True,
        **settings: Any,
    ) -> None:
        self.unread = Unread(lambda: list(self.active_channels.values()), is_many, max_unread)
        self._deaf_until = self._said = self._looked = float("-inf")
        adj = Adjustments(
            # Nothing goes to a folder for temporary files: `unread` bounds what waits in memory.
            outbuf_overflow=1 << 40,
            outbuf_high_watermark=1 << 20,
            max_request_header_size=1 << 16,
            clear_untrusted_proxy_headers=False,  # BehindProxy does, for those not trusted
            **settings,
        )
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(adj.threads)
        where = (listening.family, listening.type, listening.proto, listening.getsockname())
        super().__init__(
            application, map, at_once, listening, dispatcher, adj, where, bind_socket=False
        )

    def open(self) -> None:
        """Listen from now on.

        Raises:
            OSError: another program, bound to the address as this one was, listens there by now.
        """
        self.socket.listen(self.adj.backlog)
        self.accepting = True

    def readable(self) -> bool:
        """Is somebody to be let in? Asked in each round of the loop, and so also the place for what
        time brings."""
        now = time.monotonic()
        if now >= self._looked + _LOOK_SECONDS:
            self._looked = now
            for channel in list(self.active_channels.values()):
                channel.look(now)
            self.unread.cut_the_slow()
        return bool(super().readable()) and now >= self._deaf_until

    def accept(self) -> tuple[socket.socket, Any] | None:
        if not self.accepting:
            return None
        try:
            found: tuple[socket.socket, Any] | None = super().accept()
            return found
        except OSError as error:
            if error.errno not in _USED_UP:
                raise
            now = time.monotonic()
            self._deaf_until = now + _DEAF_SECONDS
            if now >= self._said + _SAY_SECONDS:
                self._said = now
                log.warning(
                    "The system has no room for another connection (%s); those that there are go "
                    "on, others wait.",
                    error.strerror,
                )
            return None
