"""LM-Debugger's successor: look inside a transformer language model while it predicts.

    from lm_debugger import Debugger, Intervention

    debugger = Debugger.load("demo")
    debugger.trace("The king and his", [Intervention.off("L5D939")])

Importing this package is cheap: torch and transformers are imported when `Debugger` is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lm_debugger.engine.types import Intervention, Sampling
    from lm_debugger.index import ModelIndex
    from lm_debugger.notebook.debugger import Debugger

__version__ = "0.2.0"
__all__ = ["Debugger", "Intervention", "ModelIndex", "Sampling", "__version__"]

_HOMES = {
    "Debugger": "lm_debugger.notebook.debugger",
    "Intervention": "lm_debugger.engine.types",
    "ModelIndex": "lm_debugger.index",
    "Sampling": "lm_debugger.engine.types",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
