"""From residual states to tokens: the final norm, the unembedding, softmax, top-k (rules 4, 5, 7).

All arithmetic here is fp32, whatever the model's dtype. Two readings exist and are never mixed
(rule 16): this is the *lens*, each state with its own final-norm statistics.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter

_MAX_ELEMENTS = 1 << 23  # largest [S, V] block: 32 MiB of fp32, a few of which are held at once
_CAST_ROWS = 8192  # rows of E cast to fp32 at a time where the model is in half precision


class Lens:
    """Reads residual states of one model as distributions over its vocabulary."""

    def __init__(self, adapter: Adapter) -> None:
        self._norm = adapter.final_norm
        self._unembedding = adapter.unembedding

    @property
    def vocab_size(self) -> int:
        """V."""
        return int(self._unembedding.shape[0])

    def logits(self, states: Tensor) -> Tensor:
        """E · ln_f(x): [S, D] -> [S, V], fp32 (rule 4)."""
        return self.unembed(self._norm(states))

    def unembed(self, vectors: Tensor) -> Tensor:
        """The raw product E · x: [S, D] -> [S, V], fp32 (rule 7)."""
        x, unembedding = vectors.float(), self._unembedding
        if unembedding.dtype == torch.float32:
            return x @ unembedding.T
        parts = [x @ rows.float().T for rows in torch.split(unembedding, _CAST_ROWS)]
        return torch.cat(parts, dim=1)

    def blocks(self, states: Tensor) -> tuple[Tensor, ...]:
        """States [S, *] in pieces whose logits [s, V] may be held at once."""
        return torch.split(states, max(1, _MAX_ELEMENTS // self.vocab_size))


def softmax(logits: Tensor) -> Tensor:
    """softmax over the last axis.

    Written out because torch's own, which is quicker, was measured to be off by up to 7.5e-6
    relative in fp32 on the CPU; this stays within a few units in the last place.
    """
    exp = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    return exp / exp.sum(dim=-1, keepdim=True)


def is_sound(states: Tensor) -> Tensor:
    """Which states [*, D] fp32 can hold: [*], bool.

    The squared norm counts: where it overflows, the final norm divides by infinity and gives
    finite nonsense.
    """
    return states.float().square().sum(dim=-1).isfinite()


def top_k(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row of x [S, N], largest first, ties by lower index (rules 5 and 6).

    `torch.topk` leaves the order of ties, and which of them make the cut, undefined.

    Returns:
        values [S, k'] and indices [S, k'], k' = min(k, N).
    """
    k = min(k, x.shape[-1])
    values, indices = torch.topk(x, min(k + 1, x.shape[-1]), dim=-1)
    tied_at_cut = values[:, k - 1] == values[:, -1] if values.shape[-1] > k else None
    indices, order = indices[:, :k].sort(dim=-1)
    values, order = values[:, :k].gather(-1, order).sort(dim=-1, descending=True, stable=True)
    indices = indices.gather(-1, order)
    if tied_at_cut is not None:
        for row in tied_at_cut.nonzero().flatten().tolist():
            candidates = (x[row] >= values[row, -1]).nonzero().flatten()
            ranked = x[row, candidates].argsort(descending=True, stable=True)[:k]
            values[row], indices[row] = x[row, candidates[ranked]], candidates[ranked]
    return values, indices
