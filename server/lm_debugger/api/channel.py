"""One connection: waitress' channel, with the ends of it that strangers pull at.

What waitress answers by itself (it cannot read the request) has the one error body. A client that
shuts its writing side after the request gets its reply. Replies that wait to be read stay in
memory, where `unread` bounds them, and never go to a folder for temporary files, which may be full.

Of waitress this uses more than it documents: the methods that are replaced here, `requests` (those
read whole), `requests_lock`, `outbufs` with `outbuf_lock`, and `total_outbufs_len` (bytes still to
be sent). `tests/api/test_channel.py` holds what comes of it.
"""

from __future__ import annotations

import contextlib
import io
import socket
import time
import uuid
from typing import Any

from waitress.buffers import ReadOnlyFileBasedBuffer
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask

from lm_debugger.api import request_log
from lm_debugger.api.limits import FIRST
from lm_debugger.api.request_log import Record
from lm_debugger.api.route_types import EVENTS
from lm_debugger.api.schemas import ErrorBody, ErrorReply
from lm_debugger.api.security import SECURITY_HEADERS, content_security_policy

_SHARED = 1 << 16
"""Bytes from which on a part of a reply is not copied to be sent."""

_LINGER_SECONDS = 2.0
"""How long what a refused client still sends is read and thrown away. Whoever closes at once resets
the connection, and the client never reads why."""

_PROBE_SECONDS = 0.25
"""How long a request may still take after its client has shut its writing side, before it is looked
whether the client is there at all."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_CODES = {
    400: "bad_request",
    413: "body_too_large",
    431: "headers_too_large",
    500: "internal_error",
    501: "not_implemented",
}


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """waitress' parser, which lets some numbers and addresses end in a ValueError."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("a number or an address in it is none") from error


class _Answer(WSGITask):  # type: ignore[misc]
    """The application's reply. The connection remembers which request it is for."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[FIRST] = self.channel.begun == 1
        return environ

    def build_response_header(self) -> bytes:
        named = (value for name, value in self.response_headers if name == "X-Request-Id")
        self.channel.request_id = next(named, None)
        header: bytes = super().build_response_header()
        types = (value for name, value in self.response_headers if name == "Content-Type")
        if next(types, "").startswith(EVENTS):
            self.channel.comment = b"3\r\n:\n\n\r\n" if self.chunked_response else b":\n\n"
        return header

    def finish(self) -> None:
        self.channel.comment = b""
        super().finish()


class _Refusal(ErrorTask):  # type: ignore[misc]
    """What waitress says by itself, in the one form, and as a line in the log."""

    def execute(self) -> None:
        """Answer, and close the connection."""
        error = self.request.error
        code = _CODES.get(error.code, "http_error")
        record = Record(id=uuid.uuid4().hex, method="none", route="none", status=error.code)
        record.outcome = code
        body = ErrorReply(
            error=ErrorBody(code=code, message=self._sentence(), details={}, request_id=record.id)
        )
        text = body.model_dump_json().encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(
            {
                "Content-Type": "application/json",
                "X-Request-Id": record.id,
                "Cache-Control": "no-cache",
                "Content-Security-Policy": content_security_policy(),
                **SECURITY_HEADERS,
            }.items()
        )
        self.set_close_on_finish()
        self.content_length = len(text)
        self.channel.lingers = True
        self.write(text)
        request_log.write(record, quiet=False)

    def _sentence(self) -> str:
        adj = self.channel.adj
        match self.request.error.code:
            case 400:
                return f"The request cannot be read as HTTP: {self.request.error.body[:200]}."
            case 413:
                return f"The body is too large; {adj.max_request_body_size} bytes are not read."
            case 431:
                return (
                    f"The headers are too large; {adj.max_request_header_size} bytes are not read."
                )
            case 501:
                return "The transfer coding of the body is not known; chunked is."
            case _:
                return "The server failed to answer this request."


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection.

    Attributes:
        request_id: of the request whose reply is sent or was sent last; None: it has none.
        since: when its client began to have something to read (`time.monotonic`).
        progress: when its client last read any of it.
        taken: bytes that it has read since then.
        begun: requests whose answer was begun.
        comment: what says nothing between the events of the stream that is sent; empty: none is.
    """

    task_class = _Answer
    error_task_class = _Refusal
    parser_class = _Parser

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.request_id: str | None = None
        self.comment = b""
        self.lingers = False
        self.since = self.progress = 0.0
        self.taken = self.begun = 0
        self._lingers_until: float | None = None
        self._half_closed: float | None = None
        self._has_begun = False
        self._is_gone = self._is_cut = False
        super().__init__(*args, **kwargs)

    # --- what is to be sent ----------------------------------------------------------------------

    def write_soon(self, data: Any) -> int:
        """Send part of a reply, now or later. A large one is shared with the caller, not copied."""
        if isinstance(data, bytes) and len(data) >= _SHARED:
            data = ReadOnlyFileBasedBuffer(io.BytesIO(data))
            data.prepare()
        with self.outbuf_lock:
            self._has_begun = True
            if not self.total_outbufs_len:
                self.since = self.progress = time.monotonic()
                self.taken = 0
            written: int = super().write_soon(data)
        if self.total_outbufs_len:
            self.server.unread.make_room()
        return written

    def send(self, data: bytes, do_close: bool = True) -> int:
        sent: int = super().send(data, do_close)
        if sent:
            self.taken += sent
            self.progress = time.monotonic()
        return sent

    def service(self) -> None:
        """Answer one request."""
        self._has_begun = False
        self.begun += 1
        super().service()

    def cut(self) -> None:
        """Close it the next time that the loop looks, whatever is still to be sent; any thread."""
        self._is_cut = self.will_close = True

    def writable(self) -> bool:
        has_ended = self._half_closed is not None and not self.requests
        return bool(super().writable() or has_ended)

    def handle_write(self) -> None:
        if self._half_closed is not None and not self.requests:
            self.close_when_flushed = True
        is_over = self.close_when_flushed and not self.total_outbufs_len and not self.will_close
        if is_over and self.lingers and self._lingers_until is None:
            self.close_when_flushed = False
            self._lingers_until = time.monotonic() + _LINGER_SECONDS
            with contextlib.suppress(OSError):
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_write()

    # --- what is read ----------------------------------------------------------------------------

    def readable(self) -> bool:
        if self._lingers_until is not None:
            return True
        return self._half_closed is None and bool(super().readable())

    def handle_read(self) -> None:
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            self.handle_close()
            return
        if data and self._lingers_until is None:
            self.last_activity = time.time()
            self.received(data)
        elif not data and self.requests and self._lingers_until is None:
            self._half_closed = time.monotonic()  # it may still read: it has asked for something
        elif not data:
            self.handle_close()

    def look(self, now: float) -> None:
        """What time brings; called now and then by the loop's thread."""
        if self._is_cut or (self._lingers_until is not None and now >= self._lingers_until):
            self.handle_close()  # `will_close` alone waits until something can be sent
            return
        if self._half_closed is not None and now >= self._half_closed + _PROBE_SECONDS:
            self._half_closed = float("inf")  # once
            self._probe()

    def _probe(self) -> None:
        """Is the client still there? Both who has hung up and who only shut his writing side look
        the same from here, until they are sent something. HTTP/1.1 knows replies that say nothing
        and may come at any time before the real one (RFC 9110, section 15.2), and a stream of
        events may have comments. Older clients can be sent nothing before their reply: its work is
        ended, as for one that has hung up, and what comes of it is still sent to them."""
        requests = list(self.requests)
        # Whoever holds the lock is sending something, which will do as well.
        if requests and self.outbuf_lock.acquire(blocking=False):
            try:
                if not self._has_begun and requests[0].version != "1.1":
                    self._is_gone = True
                elif self.connected and not self.total_outbufs_len:
                    nothing = self.comment if self._has_begun else _CONTINUE
                    with contextlib.suppress(OSError):
                        self.socket.send(nothing)
            finally:
                self.outbuf_lock.release()

    def check_client_disconnected(self) -> bool:
        """Has whoever asked hung up? Asked by the thread that works for him."""
        if self._half_closed is not None and not self._is_gone and self.connected:
            try:
                self._is_gone = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0
            except (OSError, AttributeError):  # closed meanwhile
                self._is_gone = True
        return self._is_gone or not self.connected
