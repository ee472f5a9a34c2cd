"""What every row of a bank promotes and suppresses (rule 7), layer by layer.

The product E · v is formed for a few hundred rows and a few thousand tokens at a time and thrown
away but for its extremes: neither the number of rows nor the size of the vocabulary has a say in
how much memory it takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial

import numpy as np
import torch
from torch import Tensor

from lm_debugger.engine.lens import top_k
from lm_debugger.engine.products import PackedProduct, can_pack
from lm_debugger.heap import let_go
from lm_debugger.index.bank import Bank
from lm_debugger.index.stages.base import Stage, Work

N_PROMOTED = 50
N_SUPPRESSED = 20
_ROWS = 256
_TOKENS = {"cpu": 8192}
"""With _ROWS, 8 MiB of fp32: small enough for a processor's cache and for a short wait of requests.
Part of the format, as rounding may depend on it."""
_TOKENS_ELSEWHERE = 65536

Product = Callable[[Tensor], Tensor]
Ranked = tuple[Tensor, Tensor]
"""Logits, largest first, and ids, both [S, k]."""


@dataclass(frozen=True, slots=True)
class LayerProjections:
    """One layer's readings; N_PROMOTED and N_SUPPRESSED are cut to V for tiny vocabularies.

    Attributes:
        promoted_ids: [N_l, 50], int32, largest logit first, ties by lower id.
        promoted_logits: [N_l, 50], fp32.
        suppressed_ids: [N_l, 20], int32, smallest logit first.
        suppressed_logits: [N_l, 20], fp32.
    """

    promoted_ids: Tensor
    promoted_logits: Tensor
    suppressed_ids: Tensor
    suppressed_logits: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name, for the store."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


class Projections(Stage[Sequence[LayerProjections]]):
    """One file a layer. Publishes (layer, its projections); its result is the list of them, for
    the layers that have rows."""

    name = "projections"
    files = "layer"

    def n_steps(self, bank: Bank) -> int:
        """One for each layer that has rows."""
        return len(bank.layers)

    def run(self, work: Work) -> Sequence[LayerProjections]:
        """Project what is not stored."""
        lists = []
        for done, layer in enumerate(work.bank.layers, start=1):
            tensors = work.once(f"{layer:03d}", partial(_tensors, work, layer))
            projections = LayerProjections(**tensors)
            work.pause()
            work.publish((layer, projections))
            lists.append(projections)
            work.step(done)
        return lists


def _tensors(work: Work, layer: int) -> dict[str, Tensor]:
    matrix, unembedding = work.bank.matrix(layer), work.source.unembedding
    projections = project(matrix, unembedding, work.pause)
    # Where they are a file's, the model itself hardly reads E there: see `engine.products`.
    let_go(weight.data_ptr() for weight in (matrix, unembedding) if weight.device.type == "cpu")
    return projections.tensors()


def project(
    matrix: Tensor, unembedding: Tensor, pause: Callable[[float], None] = lambda within: None
) -> LayerProjections:
    """Project all rows of a matrix [N_l, D] on E [V, D].

    Args:
        pause: is called between products with the share of them that is done; may wait, or raise
            to cancel.
    """
    with torch.inference_mode():
        blocks = torch.split(matrix, _ROWS)
        promoted: list[Ranked | None] = [None] * len(blocks)
        suppressed: list[Ranked | None] = [None] * len(blocks)
        for begin, end in _pieces(unembedding):
            product = _product(unembedding[begin:end])
            for at, rows in enumerate(blocks):
                through = begin * len(matrix) + (end - begin) * at * _ROWS
                pause(through / (len(unembedding) * len(matrix)))
                logits = product(rows)
                promoted[at] = _merged(promoted[at], logits, begin, N_PROMOTED)
                suppressed[at] = _merged(suppressed[at], logits.neg_(), begin, N_SUPPRESSED)
        (highest, most), (lowest, least) = _whole(promoted), _whole(suppressed)
        return LayerProjections(most, highest, least, lowest.neg_())


def _pieces(unembedding: Tensor) -> Iterator[tuple[int, int]]:
    """The vocabulary in parts of about the same size: first id, and the one after the last."""
    n_tokens = len(unembedding)
    most = _TOKENS.get(unembedding.device.type, _TOKENS_ELSEWHERE)
    n_pieces = math.ceil(n_tokens / most)
    for piece in range(n_pieces):
        yield n_tokens * piece // n_pieces, n_tokens * (piece + 1) // n_pieces


def _product(tokens: Tensor) -> Product:
    """rows [S, D] -> their logits [S, n], fp32, for n rows of E."""
    if can_pack(tokens):
        packed = PackedProduct(tokens)
        return lambda rows: packed(rows.float())
    transposed = tokens.float().T
    return lambda rows: rows.float() @ transposed


def _merged(best: Ranked | None, logits: Tensor, first: int, k: int) -> Ranked:
    """The k largest of those that were seen and of the logits [S, n] of the ids from `first` on,
    which are higher than all that were seen.

    A tie goes to the lower id, so only what is larger than the k-th can be among the k; after a
    few pieces that is hardly anything.
    """
    if best is None:
        values, ids = top_k(logits, k)
        return values, ids + first
    n_rows, n = logits.shape
    values, ids = best
    found = _larger(logits, values[:, -1:])
    if not len(found):
        return best
    row = found // n
    counts = row.bincount(minlength=n_rows)
    column = torch.arange(len(found), device=row.device) - (counts.cumsum(0) - counts)[row]
    width = (n_rows, int(counts.max()))
    more = logits.new_full(width, -math.inf).index_put_((row, column), logits.view(-1)[found])
    named = ids.new_zeros(width).index_put_((row, column), found % n + first)
    values, order = top_k(torch.cat([values, more], dim=1), k)
    return values, torch.cat([ids, named], dim=1).gather(1, order)


def _larger(logits: Tensor, bounds: Tensor) -> Tensor:
    """Where logits [S, n] exceed their row's bound [S, 1]: places in the flattened [S * n],
    ascending. numpy's loops take a sixth of the time of torch's."""
    if logits.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(logits.numpy() > bounds.numpy()))
    return (logits > bounds).view(-1).nonzero().flatten()


def _whole(blocks: list[Ranked | None]) -> Ranked:
    """All rows' logits and int32 ids, on the CPU."""
    ranked = [block for block in blocks if block is not None]
    values = torch.cat([values for values, _ in ranked])
    return values.cpu(), torch.cat([ids for _, ids in ranked]).int().cpu()
