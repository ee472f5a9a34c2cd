"""What is written down about each request: one line in the log, never what was typed.

The line names the route by its rule, not by its address, and the model by the name that it is
served under; prompts, searches, interventions and replies are never in it.
"""

from __future__ import annotations

import json
import logging
import re
import time
from dataclasses import dataclass, field
from typing import Any

from flask import g

access = logging.getLogger("lm_debugger.access")

_PLAIN = re.compile(r"[^\s\"=]+")


@dataclass(slots=True)
class Record:
    """One request.

    Attributes:
        method: `other` where it is none of HTTP's usual ones.
        route: its rule (`/api/v1/trace`), `page` for the page and its files, `none` for what is
            nowhere.
        prompt_tokens, new_tokens: read and generated.
        queue, compute: seconds spent waiting for the model, and working.
        outcome: `ok`, or the code of the error that the client was told.
    """

    id: str
    method: str
    route: str
    model: str | None = None
    prompt_tokens: int | None = None
    new_tokens: int | None = None
    queue: float = 0.0
    compute: float = 0.0
    status: int = 500
    outcome: str = "ok"
    started: float = field(default_factory=time.perf_counter)

    @property
    def total(self) -> float:
        """Seconds since it came."""
        return time.perf_counter() - self.started

    def fields(self) -> dict[str, str | int | float]:
        """What the log says of it; what does not apply is left out."""
        known: dict[str, str | int | float | None] = {
            "id": self.id,
            "method": self.method,
            "route": self.route,
            "model": self.model,
            "prompt_tokens": self.prompt_tokens,
            "new_tokens": self.new_tokens,
            "queue_ms": _ms(self.queue),
            "compute_ms": _ms(self.compute),
            "total_ms": _ms(self.total),
            "status": self.status,
            "outcome": self.outcome,
        }
        return {name: value for name, value in known.items() if value is not None}


def record() -> Record:
    """That of the request at hand."""
    found = g.record
    assert isinstance(found, Record)
    return found


def write(finished: Record, *, quiet: bool) -> None:
    """Log one line; one that nobody reads (`quiet`: probes, files of the page) at level debug."""
    fields = finished.fields()
    line = " ".join(f"{name}={_text(value)}" for name, value in fields.items())
    access.log(logging.DEBUG if quiet else logging.INFO, "%s", line, extra={"request": fields})


class JsonFormatter(logging.Formatter):
    """One JSON object per line; of a request its fields, of anything else its message."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        request = getattr(record, "request", None)
        line |= request if isinstance(request, dict) else {"message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _text(value: str | int | float) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
