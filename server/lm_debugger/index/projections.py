"""What every value vector promotes and suppresses (rule 7), layer by layer.

The product E · v is formed for a few hundred vectors at a time and thrown away but for its
extremes; nothing of size [L * F, V] ever exists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.lens import Lens, top_k

N_PROMOTED = 50
N_SUPPRESSED = 20
_ROWS = 256  # vectors per product; part of the format, as rounding may depend on it


@dataclass(frozen=True, slots=True)
class LayerProjections:
    """One layer's readings; N_PROMOTED and N_SUPPRESSED are cut to V for tiny vocabularies.

    Attributes:
        promoted_ids: [F, 50], int32, largest logit first, ties by lower id.
        promoted_logits: [F, 50], fp32.
        suppressed_ids: [F, 20], int32, smallest logit first.
        suppressed_logits: [F, 20], fp32.
    """

    promoted_ids: Tensor
    promoted_logits: Tensor
    suppressed_ids: Tensor
    suppressed_logits: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name, for the store."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def project_layer(
    adapter: Adapter, lens: Lens, layer: int, pause: Callable[[], None]
) -> LayerProjections:
    """Project all F value vectors of a layer.

    Args:
        pause: is called between products; may wait, or raise to cancel.
    """
    with torch.inference_mode():
        parts = []
        for rows in _chunks(adapter.value_directions(layer)):
            pause()
            logits = lens.unembed(rows)  # [rows, V]
            highest, promoted = top_k(logits, N_PROMOTED)
            lowest, suppressed = top_k(logits.neg_(), N_SUPPRESSED)
            parts.append((promoted.int(), highest, suppressed.int(), lowest.neg_()))
        return LayerProjections(*(torch.cat(part).cpu() for part in zip(*parts, strict=True)))


def _chunks(matrix: Tensor) -> Iterator[Tensor]:
    yield from torch.split(matrix, _ROWS)
