"""Does the engine understand this model? Asked of every model when it is loaded, on a short text:
the identities that all numbers rest on (METHODS 9), with how far they are off.

An adapter that names a wrong module, forgets a post-norm or takes a gated FFN for a plain one gives
plausible numbers, and no exception. These sums do not come out then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.attention import grouped
from lm_debugger.engine.equalities import MEANING, Equality, SelfCheck
from lm_debugger.engine.hooks import attached
from lm_debugger.engine.sites import Site
from lm_debugger.errors import UnsupportedModel

TEXT = "The cat sat on the mat, and then it looked up at me."


def self_check(adapter: Adapter, model: Any, ids: Sequence[int]) -> SelfCheck:
    """Check a model that was just loaded.

    Args:
        model: transformers' own, which `adapter` looks at.
        ids: of a short text.

    Raises:
        UnsupportedModel: an identity does not hold; it names which.
    """
    start = time.perf_counter()
    with torch.inference_mode():
        tokens = torch.tensor([list(ids)], device=adapter.unembedding.device)
        plain = _Seen(adapter, model, tokens, [s for s in _LOOKED_AT if adapter.has(s)])
        walked = _Walk(adapter, tokens)
        checks: dict[str, Callable[[], float]] = {
            "walk": lambda: _off(walked.after, plain[Site.RESID_POST][-1]),
            "blocks": lambda: _blocks(adapter, plain),
            "coefficients": lambda: _coefficients(adapter, plain),
            "values": lambda: _values(adapter, plain),
            "pattern": lambda: _pattern(adapter, plain, walked.patterns),
            "heads": lambda: _heads(adapter, plain),
            "prediction": lambda: _prediction(adapter, plain),
        }
        found = tuple(Equality(name, MEANING[name], check()) for name, check in checks.items())
    tolerance = _tolerance(adapter.unembedding.dtype)
    for each in found:
        if not each.error <= tolerance:  # no number is no equality either
            raise UnsupportedModel(
                f"The engine does not understand this {model.config.model_type} model: "
                f"{MEANING[each.name]}; here they differ by {each.error:.1e} of the largest value "
                f"(allowed: {tolerance:.0e}).",
                identity=each.name,
                error=each.error,
                allowed=tolerance,
            )
    worst = max(each.error for each in found)
    return SelfCheck(worst, found, time.perf_counter() - start)


_LOOKED_AT = (Site.RESID_PRE, Site.V, Site.Z, Site.ATTN_RAW, Site.ATTN_OUT, Site.RESID_MID,
              Site.PRE, Site.UP, Site.COEFFICIENTS, Site.FFN_OUT, Site.RESID_POST)  # fmt: skip


class _Seen:
    """What passed by in one pass of transformers' own, without B."""

    def __init__(self, adapter: Adapter, model: Any, ids: Tensor, sites: Sequence[Site]) -> None:
        self._at: dict[Site, list[Tensor]] = {site: [] for site in sites}
        places = [(site, layer) for site in sites for layer in range(adapter.n_layers)]
        with attached(adapter, places, self._sees):
            # One row of logits: of V = 262,144 all of them would take longer than all else.
            self.logits = model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[0].float()

    def _sees(self, site: Site, _layer: int, value: Tensor) -> None:
        self._at[site].append(value[0].float())

    def __getitem__(self, site: Site) -> list[Tensor]:
        return self._at[site]


class _Walk:
    """The engine's own way through the blocks, with the patterns written out."""

    def __init__(self, adapter: Adapter, ids: Tensor) -> None:
        self.patterns: list[Tensor] = []  # [H, T, T] each
        layers = range(adapter.n_layers)
        x, calls = adapter.enter(ids)
        with attached(adapter, [(Site.PATTERN, layer) for layer in layers], self._sees):
            for layer in layers:
                x = adapter.run_block(layer, x, calls)
        self.after = x[0].float()

    def _sees(self, _site: Site, _layer: int, value: Tensor) -> None:
        self.patterns.append(value[0].float())


def _blocks(adapter: Adapter, seen: _Seen) -> float:
    errors = []
    for layer in range(adapter.n_layers):
        after_attention = seen[Site.RESID_PRE][layer] + seen[Site.ATTN_OUT][layer]
        if not adapter.is_parallel:
            errors.append(_off(after_attention, seen[Site.RESID_MID][layer]))
        after = after_attention + seen[Site.FFN_OUT][layer]
        errors.append(_off(after, seen[Site.RESID_POST][layer]))
    return max(errors)


def _coefficients(adapter: Adapter, seen: _Seen) -> float:
    errors = []
    for layer, pre in enumerate(seen[Site.PRE]):
        m = adapter.activation(layer)(pre)
        m = m * seen[Site.UP][layer] if adapter.is_gated else m
        errors.append(_off(m, seen[Site.COEFFICIENTS][layer]))
    return max(errors)


def _values(adapter: Adapter, seen: _Seen) -> float:
    errors = []
    for layer, m in enumerate(seen[Site.COEFFICIENTS]):
        scale = adapter.value_scale(layer, m).unsqueeze(-1)
        found = (m * scale) @ adapter.value_directions(layer).float()
        bias, norm = adapter.value_bias(layer), adapter.ffn_post_norm(layer)
        if bias is not None:
            found = found + scale * (bias.float() if norm is None else norm.push(bias))
        if norm is not None and norm.bias is not None:
            found = found + norm.bias.float()
        errors.append(_off(found, seen[Site.FFN_OUT][layer]))
    return max(errors)


def _pattern(adapter: Adapter, seen: _Seen, patterns: Sequence[Tensor]) -> float:
    errors = []
    for pattern, v, z in zip(patterns, seen[Site.V], seen[Site.Z], strict=True):
        heads = pattern @ grouped(v.unsqueeze(0), adapter.n_heads)[0]  # [H, T, d]
        errors.append(_off(heads.transpose(0, 1).flatten(1), z))
    return max(errors)


def _heads(adapter: Adapter, seen: _Seen) -> float:
    errors = []
    for layer, z in enumerate(seen[Site.Z]):
        by_head = z.view(len(z), adapter.n_heads, -1)
        found = torch.einsum("thd,hde->te", by_head, adapter.head_matrix(layer).float())
        bias = adapter.head_bias(layer)
        found = found if bias is None else found + bias.float()
        errors.append(_off(found, seen[Site.ATTN_RAW][layer]))
    return max(errors)


def _prediction(adapter: Adapter, seen: _Seen) -> float:
    state = adapter.final(seen[Site.RESID_POST][-1][-1:])
    logits = state @ adapter.unembedding.float().T
    if adapter.unembedding_bias is not None:
        logits = logits + adapter.unembedding_bias.float()
    return _off(adapter.cap(logits), seen.logits[-1:])


def _off(found: Tensor, truth: Tensor) -> float:
    return float((found - truth).abs().max() / truth.abs().max().clamp_min(1e-30))


def _tolerance(dtype: torch.dtype) -> float:
    """Far above rounding, far below what a wrong part leaves."""
    return 1e-3 if dtype == torch.float32 else 0.1
