"""A model hub on this machine: enough of the Hugging Face hub's HTTP for its client to download a
model from it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.until import PATIENCE

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """`url` is its address; once `let` is set, the last quarter of the weights is sent, too."""

    url: str
    let: threading.Event = field(default_factory=threading.Event)
    downloaded: list[str] = field(default_factory=list)
    """Files that were asked for as a whole."""


@contextmanager
def hub(model: str, folder: Path) -> Iterator[Hub]:
    """A hub with one model, from the files of a folder."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            prefix = f"/{model}/resolve/"
            name = self.path.partition("?")[0].removeprefix(prefix).partition("/")[2]
            file = folder / name
            if not self.path.startswith(prefix) or not name or not file.is_file():
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            body = file.read_bytes()
            first, last = self.asked_range(len(body))
            self.send_response(200 if last - first == len(body) else 206)
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{len(body)}")
            self.send_header("Content-Length", str(last - first))
            self.end_headers()
            if self.command == "HEAD":
                return
            if last - first < len(body):
                self.wfile.write(body[first:last])
                return
            served.downloaded.append(name)
            most = len(body) * 3 // 4
            self.wfile.write(body[:most])
            if name.endswith(".safetensors"):
                self.wfile.flush()
                served.let.wait(PATIENCE)
            self.wfile.write(body[most:])

        def asked_range(self, size: int) -> tuple[int, int]:
            """[first, last) of the bytes that the client wants."""
            asked = self.headers.get("Range", "").removeprefix("bytes=")
            first, _, last = asked.partition("-")
            return int(first or 0), min(int(last) + 1 if last else size, size)

        do_GET = do_HEAD = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Hub(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.let.set()
        server.shutdown()
        server.server_close()
        thread.join()
