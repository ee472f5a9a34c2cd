"""The real nginx with config/nginx.conf, before servers of the tests, on this machine only."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.until import until
from tests.web.conftest import free_port

CONF = Path(__file__).parents[1] / "config" / "nginx.conf"
REPLICAS = ("172.30.7.11:8000", "172.30.7.12:8000")


def program() -> str:
    """Where nginx is. Without it these tests fail: what they hold is held by nothing else."""
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    assert found, "nginx is not installed (Debian: apt-get install nginx-light)"
    return found


def configured(folder: Path, port: int, ports: Sequence[int]) -> str:
    """config/nginx.conf with the addresses and folders of a test, and otherwise as it is."""
    text = CONF.read_text()
    changes = {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "pid /run/nginx.pid;": f"pid {folder}/nginx.pid;",
        "access_log /dev/stdout;": f"access_log {folder}/access.log;",
        "error_log /dev/stderr warn;": f"error_log {folder}/error.log warn;",
        "include /etc/nginx/mime.types;": "".join(
            f"{kind}_temp_path {folder}/{kind}; "
            for kind in ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        ),
        **{
            f"server {old} ": f"server 127.0.0.1:{new} "
            for old, new in zip(REPLICAS, ports, strict=True)
        },
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(
    folder: Path, ports: Sequence[int], change: Callable[[str], str] = lambda text: text
) -> Iterator[int]:
    """nginx in front of two ports; its own port.

    Args:
        change: what else is done to the configuration.
    """
    port = free_port()
    conf = folder / "nginx.conf"
    conf.write_text(change(configured(folder, port, ports)))
    command = [program(), "-e", str(folder / "error.log"), "-p", str(folder), "-c", str(conf)]
    process = subprocess.Popen([*command, "-g", "daemon off;"], stderr=subprocess.PIPE)
    try:
        until(lambda: process.poll() is not None or listens(port), 0.02)
        assert process.poll() is None, process.stderr and process.stderr.read().decode()
        yield port
    finally:
        process.terminate()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Replica:
    """A server that gives every request the same reply, and remembers what it was asked.

    Args:
        reply: its bytes; empty: it hangs up without one.
    """

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.asked: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as request:
                if not (line := request.readline()):
                    continue
                self.asked.append(line.decode().rsplit(" ", 1)[0])
                length = 0
                while (header := request.readline()) not in (b"\r\n", b""):
                    name, _, value = header.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                request.read(length)
                connection.sendall(self.reply)

    def close(self) -> None:
        # Closing alone does not wake the thread that waits in `accept`.
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


def replying(status: str, **headers: str) -> bytes:
    """A reply of two bytes."""
    lines = [f"HTTP/1.1 {status}", "Content-Length: 2", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\nok").encode()
