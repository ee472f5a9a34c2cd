"""Clients that ask without pause, each over a connection of its own, and what they are told."""

from __future__ import annotations

import http.client
import random
import socket
import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit

from tests.load.asked import Ask
from tests.until import PATIENCE


@dataclass
class Told:
    """What happened to all clients together.

    Attributes:
        seconds: by kind, from sending a request to the last byte of its reply.
        wrong: what was wrong with replies.
        unexpected: statuses that were not the right ones, and broken connections.
    """

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(map(len, self.seconds.values()))

    def add(self, other: Told) -> None:
        for kind, seconds in other.seconds.items():
            self.seconds[kind] += seconds
        self.wrong += other.wrong
        self.unexpected += other.unexpected

    def table(self) -> str:
        """Markdown: count and percentiles of each kind."""
        lines = ["| kind | requests | p50 ms | p95 ms | p99 ms |", "|---|---:|---:|---:|---:|"]
        everything = [second for seconds in self.seconds.values() for second in seconds]
        for kind, seconds in [*sorted(self.seconds.items()), ("all", everything)]:
            p50, p95, p99 = (1000 * percentile(seconds, p) for p in (50, 95, 99))
            lines.append(f"| {kind} | {len(seconds)} | {p50:.0f} | {p95:.0f} | {p99:.0f} |")
        return "\n".join(lines)


def percentile(values: Sequence[float], p: int) -> float:
    """The p-th percentile, p from 1 to 99."""
    if len(values) < 2:
        return values[0]
    return statistics.quantiles(values, n=100, method="inclusive")[p - 1]


def crowd(address: str, asks: Sequence[Ask], n_clients: int, seconds: float) -> Told:
    """Let n clients ask at once, in different orders, for so long; on a slow machine longer, until
    something of every kind is answered, or a client has asked everything."""
    until = time.monotonic() + seconds
    kinds = {ask.kind for ask in asks}
    start = threading.Barrier(n_clients)
    told = [Told() for _ in range(n_clients)]

    def answered() -> set[str]:
        return {kind for one in told for kind in list(one.seconds)}

    def work(number: int) -> None:
        client = Client(address, told[number])
        order = list(asks)
        random.Random(number).shuffle(order)
        start.wait()
        for n_asked, ask in enumerate(cycle(order)):
            if time.monotonic() >= until and (answered() == kinds or n_asked >= len(order)):
                break
            client.ask(ask)
        client.close()

    with ThreadPoolExecutor(n_clients) as pool:
        list(pool.map(work, range(n_clients)))
    together = Told()
    for one in told:
        together.add(one)
    return together


class Client:
    """One browser: it keeps its connection, as long as the server does."""

    def __init__(self, address: str, told: Told) -> None:
        parts = urlsplit(address)
        self._place = parts.hostname or "", parts.port or 80
        self._told = told
        self._connection: http.client.HTTPConnection | None = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def ask(self, ask: Ask) -> None:
        """Ask, compare the reply, note how long it took."""
        began = time.perf_counter()
        try:
            status, text = self._send(ask)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._told.unexpected.append(f"{ask.kind}: {error!r}")
            return
        self._told.seconds[ask.kind].append(time.perf_counter() - began)
        faults = [f"{ask.kind} {ask.path}: {fault}" for fault in ask.faults(status, text)]
        (self._told.wrong if status == ask.status else self._told.unexpected).extend(faults)

    def _send(self, ask: Ask) -> tuple[int, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self._place, timeout=PATIENCE)
        headers = {} if ask.body is None else {"Content-Type": "application/json"}
        self._connection.request(ask.method, ask.path, ask.content, headers)
        if self._connection.sock is not None:
            self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        response = self._connection.getresponse()
        if ask.cut is None or response.status != 200:
            return response.status, response.read().decode()
        text = ""
        for _ in range(ask.cut):
            event = b"".join(response.readline() for _ in range(3))
            text += event.decode()
        response.close()
        self.close()  # in the middle of the stream
        return response.status, text
