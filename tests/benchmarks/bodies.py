"""Bodies that are wrong, or large, in as many places as their size allows; each a JSON text of
about so many bytes. `python -m tests.benchmarks.bodies` prints what the largest ones cost.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable
from contextlib import suppress

from pydantic import BaseModel

from lm_debugger.api.questions import QUESTIONS
from lm_debugger.api.schemas import CodeRequest
from lm_debugger.errors import InvalidInput
from lm_debugger.json_input import checked

RUN = '{"form": "lm_debugger", "run": %s}'
"""Around the body of a run."""

_EDIT = '{"layer":0,"dim":0,"kind":"off"}'


def _many(items: Iterable[str] | str, size: int, step: int) -> str:
    """`size` bytes of items of `step` bytes with their commas."""
    n = (size - 300) // step
    return ",".join([items] * n if isinstance(items, str) else [*items][:n])


def _list(name: str, item: str) -> Callable[[int], str]:
    return lambda size: f'{{"prompt":"a","{name}":[{_many(item, size, len(item) + 1)}]}}'


def _keys(value: str) -> Callable[[int], str]:
    def inside(size: int) -> str:
        return _many((f'"{n:06x}":{value}' for n in range(size)), size, len(value) + 10)

    return inside


def _nested(opening: str, closing: str) -> Callable[[int], str]:
    def body(size: int) -> str:
        n = (size - 300) // len(opening + closing)
        return f'{{"prompt":"a","interventions":{opening * n}{closing * n}}}'

    return body


def _positions(item: str, n_edits: int) -> Callable[[int], str]:
    def body(size: int) -> str:
        positions = _many(item, size // n_edits, len(item) + 1)
        edit = f'{{"layer":0,"dim":0,"kind":"off","positions":[{positions}]}}'
        return f'{{"prompt":"a","interventions":[{",".join([edit] * n_edits)}]}}'

    return body


BODIES: dict[str, Callable[[int], str]] = {
    "numbers for interventions": _list("interventions", "0"),
    "empty interventions": _list("interventions", "{}"),
    "interventions of unknown keys": _list("interventions", '{"a":0}'),
    "lists for interventions": _list("interventions", "[]"),
    "good interventions": _list("interventions", _EDIT),
    "texts for positions": _list("positions", '""'),
    "good positions": _list("positions", "0"),
    "texts for tokens": _list("tokens", '""'),
    "good tokens": _list("tokens", "0"),
    "texts for an edit's positions": _positions('""', 1),
    "good positions of 4 edits": _positions("0", 4),
    "unknown keys": lambda size: f'{{"prompt":"a",{_keys("0")(size)}}}',
    "an intervention of unknown keys": lambda size: (
        f'{{"prompt":"a","interventions":[{{{_keys("0")(size)}}}]}}'
    ),
    "numbers for names": lambda size: f'{{"prompt":"a","names":{{{_keys("0")(size)}}}}}',
    "good names": lambda size: f'{{"prompt":"a","names":{{{_keys(chr(34) * 2)(size)}}}}}',
    "a page of anything": lambda size: f'{{"prompt":"a","page":{{{_keys("[]")(size)}}}}}',
    "a long key": lambda size: f'{{"prompt":"a","{"p" * (size - 300)}":0}}',
    "a long kind": lambda size: (
        f'{{"prompt":"a","interventions":[{{"layer":0,"dim":0,"kind":"{"p" * (size - 300)}"}}]}}'
    ),
    "a long number": lambda size: f'{{"prompt":"a","top_k":{"9" * (size - 300)}}}',
    "nested lists": _nested("[", "]"),
    "nested objects": _nested('{"a":', "}"),
}


def main(size: int = 1_000_000) -> None:
    """Seconds and megabytes of each body, as what it costs the most."""
    asked = {route.name: route.body for route in QUESTIONS if route.body}
    models = ((asked["trace"], "%s"), (asked["follow"], "%s"), (CodeRequest, RUN))
    for name, body in BODIES.items():
        worst = (0.0, 0.0)
        for model, around in models:
            sent = (around % body(size)).encode()
            began = time.perf_counter()
            _check(model, sent)
            seconds = time.perf_counter() - began
            tracemalloc.start()
            _check(model, sent)
            worst = max(worst, (seconds, tracemalloc.get_traced_memory()[1] / 1e6))
            tracemalloc.stop()
        print(f"{name:32} {worst[0]:7.3f} s {worst[1]:7.1f} MB")


def _check(model: type[BaseModel], sent: bytes) -> None:
    with suppress(InvalidInput):
        checked(model, sent)


if __name__ == "__main__":
    main()
