"""From residual states to tokens: the final norm, the unembedding, softmax, top-k (rules 4, 5, 7).

All arithmetic here is fp32, whatever the model's dtype. Two readings exist and are never mixed
(rule 16): this is the *lens*, each state with its own final-norm statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.products import PackedProduct, can_pack

_MAX_ELEMENTS = 1 << 23  # largest [S, V] block: 32 MiB of fp32, a few of which are held at once
_CAST_ROWS = 8192  # rows of E cast to fp32 at a time where the model is in half precision


class Lens:
    """Reads residual states of one model as distributions over its vocabulary."""

    def __init__(self, adapter: Adapter) -> None:
        self._norm = adapter.final_norm
        self._unembedding = adapter.unembedding
        self._bias, self._cap = adapter.unembedding_bias, adapter.cap
        self._packed = PackedProduct(self._unembedding) if can_pack(self._unembedding) else None

    @property
    def vocab_size(self) -> int:
        """V."""
        return int(self._unembedding.shape[0])

    def logits(self, states: Tensor) -> Tensor:
        """The model's own logits, E · ln_f(x), bias and softcap included: [S, D] -> [S, V], fp32
        (rule 4)."""
        logits = self.unembed(self._norm(states))
        return self._cap(logits if self._bias is None else logits + self._bias.float())

    def distributions(self, states: Tensor) -> Distributions:
        """softmax of `logits`: states [S, D], as many as one of `blocks` has (rule 4)."""
        return Distributions.of(self.logits(states))

    def unembed(self, vectors: Tensor) -> Tensor:
        """The raw product E · x: [S, D] -> [S, V], fp32 (rule 7)."""
        x, unembedding = vectors.float(), self._unembedding
        if self._packed is not None:
            return self._packed(x)
        if unembedding.dtype == torch.float32:
            return x @ unembedding.T
        parts = [x @ rows.float().T for rows in torch.split(unembedding, _CAST_ROWS)]
        return torch.cat(parts, dim=1)

    @property
    def max_rows(self) -> int:
        """How many rows of logits may be held at once."""
        return max(1, _MAX_ELEMENTS // self.vocab_size)

    def blocks(self, states: Tensor) -> tuple[Tensor, ...]:
        """States [S, *] in pieces of at most `max_rows`."""
        return torch.split(states, self.max_rows)


@dataclass(frozen=True, slots=True, eq=False)
class Distributions:
    """softmax of logits (rule 4), without writing it out: exp(logits - largest) / total.

    Not torch's own softmax, which is quicker, but was measured to be off by up to 7.5e-6 relative
    in fp32 on the CPU; this stays within a few units in the last place.

    Attributes:
        logits: [S, V], fp32.
        largest: [S, 1], of each row.
        total: [S, 1], the sum of exp(logits - largest).
        entropies: [S], nats.
    """

    logits: Tensor
    largest: Tensor
    total: Tensor
    entropies: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> Distributions:
        """Of logits [S, V], fp32."""
        largest = logits.amax(dim=-1, keepdim=True)
        shifted = logits - largest
        exp = shifted.exp()
        total = exp.sum(dim=-1, keepdim=True)
        # -sum p log p, with log p = shifted - log total
        mean = exp.mul_(shifted).sum(dim=-1, keepdim=True) / total
        return cls(logits, largest, total, (total.log() - mean).squeeze(-1).clamp_min(0))

    def at(self, logits: Tensor) -> Tensor:
        """Probabilities of some of the logits: [S, n] -> [S, n]."""
        return (logits - self.largest).exp_().div_(self.total)

    def probs(self) -> Tensor:
        """All probabilities, [S, V]."""
        return self.at(self.logits)

    def top(self, k: int) -> tuple[Tensor, Tensor]:
        """Probabilities and ids of the k likeliest tokens, [S, k'] each (rule 5)."""
        values, ids = top_k(self.logits, k)
        return self.at(values), ids

    @property
    def normalisers(self) -> Tensor:
        """log sum exp of the logits, [S, 1]."""
        return self.largest + self.total.log()

    def divergences(self, other: Distributions) -> Tensor:
        """KL(self || other) in nats, [S], clamped at 0 against rounding."""
        ratio = self.logits - other.logits
        ratio -= self.normalisers - other.normalisers
        return self.probs().mul_(ratio).sum(dim=-1).clamp_min(0)

    def __getitem__(self, rows: slice) -> Distributions:
        return Distributions(
            self.logits[rows], self.largest[rows], self.total[rows], self.entropies[rows]
        )

    def copy(self) -> Distributions:
        """In memory of its own."""
        return Distributions(
            self.logits.clone(), self.largest.clone(), self.total.clone(), self.entropies.clone()
        )


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
