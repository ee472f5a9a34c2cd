"""One attention function for every architecture, registered with transformers'
`AttentionInterface`: it sees queries and keys after rotary positions, values, mask, scale and
softcap, and so all that heads do.

It is transformers' own scaled-dot-product attention unless the pattern is asked for, or the
architecture needs what that cannot do (a softcap, or GPT-2's upcast scores). Who looks at a pass is
known by thread, inside `listening` only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from lm_debugger.engine.sites import Site

NAME = "lm_debugger"
"""Of the function, among transformers' `attn_implementation`s."""

Sees: TypeAlias = Callable[[Site, int, Tensor], Tensor | None]
"""Told site, layer and what passes by; gives what is to go on instead, or None."""


class _Here(threading.local):
    sees: Sees | None = None
    sites: frozenset[Site] = frozenset()


_here = _Here()


@contextmanager
def listening(sites: frozenset[Site], sees: Sees) -> Iterator[None]:
    """Let `sees` have the sites of `sites.ATTENTION` of whatever this thread runs meanwhile."""
    before = _here.sees, _here.sites
    _here.sees, _here.sites = sees, sites
    try:
        yield
    finally:
        _here.sees, _here.sites = before


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **further: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attention as transformers' modules call it.

    Args:
        query: [B, H, t, d]; key, value: [B, G, T, d].

    Returns:
        z [B, t, H, d], and the pattern [B, H, t, T] where it was written out.
    """
    parts: Any = module
    query = _seen(Site.Q, parts, query)
    key = _seen(Site.K, parts, key)
    value = _seen(Site.V, parts, value)
    upcast = bool(getattr(parts, "reorder_and_upcast_attn", False))
    plain = further.get("softcap") is None and not upcast and Site.PATTERN not in _here.sites
    if plain:
        z, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **further
        )
        return z, None
    scores = scores_of(parts, query, key, attention_mask, scaling, further.get("softcap"), upcast)
    pattern = _seen(Site.PATTERN, parts, scores.softmax(dim=-1, dtype=torch.float32).to(value))
    z = pattern @ grouped(value, query.shape[1])
    return z.transpose(1, 2).contiguous(), pattern


def scores_of(
    module: Any,
    query: Tensor,
    key: Tensor,
    mask: Tensor | None,
    scaling: float | None,
    softcap: float | None = None,
    upcast: bool = False,
) -> Tensor:
    """What the softmax is taken of, [B, H, t, T]: scaled, capped and masked."""
    key = grouped(key, query.shape[1])
    if upcast:
        query, key = query.float(), key.float()
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    scores = query @ key.transpose(-1, -2) * scaling
    if softcap is not None:
        scores = (scores / softcap).tanh() * softcap
    t, n = scores.shape[-2:]
    if mask is None and t > 1 and getattr(module, "is_causal", True):
        mask = torch.ones(t, n, dtype=torch.bool, device=scores.device).tril(n - t)
    if mask is None:
        return scores
    if mask.dtype == torch.bool:
        return scores.masked_fill(~mask[..., :n], torch.finfo(scores.dtype).min)
    return scores + mask[..., :n]


def grouped(x: Tensor, heads: int) -> Tensor:
    """Keys or values [B, G, T, d], once for every head: [B, H, T, d]."""
    return x if x.shape[1] == heads else x.repeat_interleave(heads // x.shape[1], dim=1)


def _seen(site: Site, module: Any, x: Tensor) -> Tensor:
    if _here.sees is None or site not in _here.sites:
        return x
    instead = _here.sees(site, module.layer_idx, x)
    return x if instead is None else instead


AttentionInterface.register(NAME, attend)
AttentionMaskInterface.register(NAME, sdpa_mask)
