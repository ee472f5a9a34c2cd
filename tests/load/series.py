"""Traces in a row, as somebody who works with the page makes them: what they cost as they go on."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from tests.load.mixed import clean
from tests.load.process import Served

N_TRACES = 2000
WARM_UP = 200
"""Traces after which caches are full and memory is expected to stay."""

PROMPTS = ("My wife is working as a", "She plays the", "In the month of", "It was the first time")


def asked(number: int, n_layers: int = 8) -> dict[str, Any]:
    """Three in four are one of 20 steps of a slider on a prompt, the rest are new prompts."""
    if number % 4 == 0:
        return {"prompt": f"{PROMPTS[number % 3]} number {number % 997}", "interventions": []}
    edits = [
        {"layer": n_layers // 4, "dim": 5, "kind": "on"},
        {"layer": n_layers - 2, "dim": number // 100 % 32, "kind": "set", "value": number % 20 / 4},
    ]
    return {"prompt": PROMPTS[number // 20 % 4], "interventions": edits}


@dataclass
class Series:
    """What happened.

    Attributes:
        seconds: of each trace.
        resident: bytes before the first trace and after each hundred.
        clean: the reply to a clean trace afterwards.
    """

    seconds: list[float]
    resident: list[int]
    clean: Any

    @classmethod
    def of(cls, served: Served, n: int) -> Series:
        seconds, resident = [], [served.resident]
        for number in range(n):
            began = time.perf_counter()
            reply = json.loads(served.post("/api/v1/trace", asked(number)))
            seconds.append(time.perf_counter() - began)
            assert (reply["edited"] is None) == (number % 4 == 0)
            if number % 100 == 99:
                resident.append(served.resident)
        return cls(seconds, resident, clean(served, "demo"))
