"""The only file that registers hooks, inside a context manager: whatever raises, the model is as
before.

`attached` tells one listener what passes by the sites that it asks for, and lets it put something
else in its place. One path serves reading and editing, so an edited run is read exactly like an
unedited one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.attention import Sees, listening
from lm_debugger.engine.sites import ATTENTION, Site


@contextmanager
def attached(adapter: Adapter, sites: Iterable[tuple[Site, int]], sees: Sees) -> Iterator[None]:
    """Attach hooks for the duration of a `with`.

    Args:
        adapter: of the model that is about to run, in this thread.
        sites: with layers; those within the attention function are heard in every layer.
        sees: see `attention.Sees`.
    """
    wanted = list(dict.fromkeys(sites))
    within = frozenset(site for site, _ in wanted if site in ATTENTION)
    with ExitStack() as attachments:
        for site, layer in wanted:
            if site in within:
                continue
            module, side = adapter.place(site, layer)
            if side == "in":
                handle: Any = module.register_forward_pre_hook(_before(site, layer, sees))
            else:
                handle = module.register_forward_hook(_after(site, layer, sees))
            attachments.callback(handle.remove)
        if within:
            attachments.enter_context(listening(within, sees))
        yield


def _before(site: Site, layer: int, sees: Sees) -> Callable[[nn.Module, Any], Any]:
    def hook(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        instead = sees(site, layer, args[0])
        return None if instead is None else (instead, *args[1:])

    return hook


def _after(site: Site, layer: int, sees: Sees) -> Callable[[nn.Module, Any, Any], Any]:
    def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
        if isinstance(output, Tensor):
            return sees(site, layer, output)
        instead = sees(site, layer, output[0])
        return None if instead is None else (instead, *output[1:])

    return hook
