"""What the tests of the page need to know of the bundled model, read from its own files: it may be
replaced by one of another size, with other vectors and another vocabulary.

Vectors of the first four layers and of the first 64 dimensions are there in every such model;
what they do is for the API to tell.
"""

from __future__ import annotations

import json
from typing import Any

from tests.models import DEMO
from tests.web.conftest import Server

_CONFIG = json.loads((DEMO / "config.json").read_text("utf-8"))
N_LAYERS: int = _CONFIG["n_layer"]
LAST = N_LAYERS - 1
FFN_WIDTH: int = _CONFIG["n_inner"] or 4 * _CONFIG["n_embd"]
N_POSITIONS: int = _CONFIG["n_positions"]
BEYOND = N_LAYERS + 12
"""A layer that it does not have."""


def too_long() -> str:
    """A prompt of more tokens than it reads."""
    return "word " * (N_POSITIONS + 1)


def dominant(server: Server, prompt: str, layer: int = LAST) -> dict[str, Any]:
    """The strongest sub-update of a layer at the last position of a prompt."""
    reply = server.post("/api/v1/trace", {"prompt": prompt})
    first: dict[str, Any] = reply["unedited"]["positions"][0]["layers"][layer]["sub_updates"][0]
    return first
