"""The adapters, found by looking into this folder: adding a file adds a family."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from lm_debugger.engine.adapters.base import Adapter
from lm_debugger.errors import UnsupportedModel

__all__ = ["Adapter", "adapter_for", "adapters"]


@cache
def adapters() -> dict[str, type[Adapter]]:
    """Every adapter class by the `model_type` it reads."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return {name: cls for cls in _below(Adapter) for name in vars(cls).get("model_types", ())}


def _below(cls: type[Adapter]) -> list[type[Adapter]]:
    return [each for sub in cls.__subclasses__() for each in (sub, *_below(sub))]


def adapter_for(model_type: str | None) -> type[Adapter]:
    """The adapter class for a config's `model_type`.

    Raises:
        UnsupportedModel: there is none; the sentence lists those that exist.
    """
    known = adapters()
    if not model_type:
        raise UnsupportedModel(
            "config.json names no model_type, so it does not say which architecture this is; "
            f"supported are: {', '.join(sorted(known))}.",
            model_type=None,
            supported=sorted(known),
        )
    if model_type not in known:
        raise UnsupportedModel(
            f"Models of type {model_type!r} are not supported; these are: "
            f"{', '.join(sorted(known))}.",
            model_type=model_type,
            supported=sorted(known),
        )
    return known[model_type]
