"""A small reverse proxy, for tests: one prefix, one server behind it.

It takes the prefix away or leaves it, tells of itself in `X-Forwarded-*` headers as nginx does with
the lines of config/nginx.conf, passes bodies on as they come, and answers 502 when nobody is there.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.until import PATIENCE

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"}


@contextmanager
def proxying(
    port: int, prefix: str = "", *, strip: bool = True, forwarded: dict[str, str] | None = None
) -> Iterator[str]:
    """Yields the address under which `http://127.0.0.1:port/` is to be had.

    Args:
        prefix: such as "/lm"; everything else is 404.
        strip: whether the server behind gets the path without it.
        forwarded: headers to send beside X-Forwarded-For and X-Forwarded-Host.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            if not self.path.startswith(prefix + "/"):
                self.send_error(404)
                return
            path = self.path[len(prefix) :] if strip else self.path
            length = int(self.headers.get("Content-Length", 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            headers |= {
                "X-Forwarded-For": self.client_address[0],
                "X-Forwarded-Host": self.headers["Host"],
                **(forwarded or {}),
            }
            behind = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            try:
                behind.request(self.command, path, self.rfile.read(length), headers)
                reply = behind.getresponse()
            except OSError:
                self.send_error(502)
                return
            self.send_response(reply.status)
            for name, value in reply.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                while part := reply.read1(65536):
                    self.wfile.write(part)
                    self.wfile.flush()
            except OSError:
                pass  # either end went away
            finally:
                behind.close()

        do_GET = do_POST = do_HEAD = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{prefix}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
