"""The reference's clustering: agglomerative, complete linkage, cosine distance (rule 18).

It needs every pair's distance at once, N (N - 1) / 2 numbers, and so fits only small models. scipy
does the work; it is an optional dependency (`pip install lm-debugger[linkage]`).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.errors import InvalidInput, NotEnoughMemory

MAX_BYTES = 2 << 30
_BYTES_PER_PAIR = 16  # float64 distances, and scipy's working copy of them


def bytes_needed(n: int) -> int:
    """Peak memory in bytes for n vectors."""
    return n * (n - 1) // 2 * _BYTES_PER_PAIR


def complete_linkage(matrices: Sequence[Tensor], k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Cluster the rows of matrices [N_l, D] into at most k clusters.

    Returns:
        labels [N], cosines [N] with the own centre, centres [k', D] (normalised means).

    Raises:
        NotEnoughMemory: more than 2 GiB would be needed; says how much.
        InvalidInput: scipy is not installed.
    """
    n = sum(len(matrix) for matrix in matrices)
    needed = bytes_needed(n)
    if needed > MAX_BYTES:
        raise NotEnoughMemory(
            f"Complete linkage of {n:,} vectors would need "
            f"{needed / 2**30:.1f} GiB of memory (allowed: {MAX_BYTES / 2**30:.0f}); use the "
            "default method, spherical k-means.",
            bytes_needed=needed,
            maximum=MAX_BYTES,
        )
    try:
        from scipy.cluster import hierarchy  # type: ignore[import-untyped]
    except ImportError:
        raise InvalidInput(
            "Complete linkage needs scipy: pip install 'lm-debugger[linkage]'."
        ) from None
    vectors = torch.cat([matrix.float().cpu() for matrix in matrices])
    tree = hierarchy.linkage(vectors.numpy(), method="complete", metric="cosine")
    labels = torch.from_numpy(hierarchy.fcluster(tree, k, criterion="maxclust")).long() - 1
    unit = torch.nn.functional.normalize(vectors, dim=1)
    sums = torch.zeros(int(labels.max()) + 1, unit.shape[1]).index_add_(0, labels, unit)
    centres = torch.nn.functional.normalize(sums, dim=1)
    return labels.int(), (unit * centres[labels]).sum(dim=1), centres
