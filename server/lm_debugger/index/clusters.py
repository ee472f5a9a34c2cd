"""Groups of value vectors that point the same way (rule 18, at a scale the reference could not
reach).

Spherical k-means (Dhillon and Modha, 2001): centres are unit vectors, a vector belongs to the
centre with the largest cosine, a centre is the normalised sum of its members' unit vectors.
Vectors stay where they are, in the model: x · c / ||x|| and x · c have the same best c, so no
normalised copy is made, and products are formed a few thousand rows at a time.

The reference's own method, complete linkage, is in `linkage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lm_debugger.engine.lens import top_k
from lm_debugger.index.projections import LayerProjections

N_TOKENS = 30
MAX_ITERATIONS = 25
SEED = 0
_ROWS = 4096
_TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True, slots=True)
class Clusters:
    """A partition of the N = L * F value vectors into k clusters, none empty.

    Attributes:
        labels: [N], int32; vector (l, i) is number l * F + i.
        cosines: [N], fp32, of each vector with its centre.
        centres: [k, D], unit vectors.
        token_ids: [k, 30], int32, the tokens of the cluster's cloud (`clouds`), largest first.
        token_logits: [k, 30], fp32, their summed logits.
    """

    labels: Tensor
    cosines: Tensor
    centres: Tensor
    token_ids: Tensor
    token_logits: Tensor

    def tensors(self) -> dict[str, Tensor]:
        """By name, for the store."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class ClusterSummary:
    """A cluster without its members.

    `layers`: members in each of the L layers. `cohesion`: mean cosine of the members with the
    centre. `token_ids`, `token_logits`: the 30 tokens of its cloud, with the sums of their logits
    in the members' lists of 50 (rule 18).
    """

    id: int
    size: int
    layers: tuple[int, ...]
    cohesion: float
    token_ids: tuple[int, ...]
    token_logits: tuple[float, ...]


def default_number(n_vectors: int) -> int:
    """About 32 vectors a cluster, which is what the reference's 3,000 for gpt2-medium comes to."""
    return max(1, round(n_vectors / 32))


def spherical_kmeans(
    matrices: Sequence[Tensor],
    k: int,
    *,
    start: tuple[Tensor, int] | None = None,
    after_iteration: Callable[[Tensor, int], None] = lambda centres, iteration: None,
    pause: Callable[[], None] = lambda: None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Cluster the rows of some matrices.

    Args:
        matrices: L tensors [F, D].
        k: number of clusters, cut to the number of rows.
        start: centres [k, D] and number of iterations done, to resume.
        after_iteration: called with new centres and the number of iterations done.
        pause: called between products; may wait, or raise to cancel.

    Returns:
        labels [N], cosines [N], centres [k', D]; every vector is nearest its own centre. k' < k
        where clusters ran empty.
    """
    n = sum(matrix.shape[0] for matrix in matrices)
    k = min(k, n)
    with torch.inference_mode():
        centres, done = start or (_seeds(matrices, n, k), 0)
        labels, cosines = _assign(matrices, centres, pause)
        while done < MAX_ITERATIONS:
            moved = _move(matrices, centres, labels, cosines)
            done += 1
            after_iteration(moved, done)
            if torch.equal(moved, centres):
                break
            centres = moved
            labels, cosines = _assign(matrices, centres, pause)
        used, labels = torch.unique(labels, return_inverse=True)
        return labels.int(), cosines, centres[used]


def clouds(
    lists: Sequence[LayerProjections],
    labels: Tensor,
    k: int,
    pause: Callable[[], None] = lambda: None,
) -> tuple[Tensor, Tensor]:
    """The 30 tokens of each cluster's cloud: ids and weights [k, 30], largest first, ties by lower
    id (rule 18).

    A token's weight is the sum of its logits in the members' lists of 50 (rule 7); a member that
    does not list it adds nothing, however large its logit is. Only what is listed can be in a
    cloud, so nothing of size [k, V] is needed.

    Args:
        lists: of the L layers, each with what its F vectors promote.
        labels: [N], the cluster of each vector, numbered layer by layer; none of the k is empty.
        pause: called between clusters; may wait, or raise to cancel.
    """
    listed = torch.cat([layer.promoted_ids for layer in lists])  # [N, 50]
    logits = torch.cat([layer.promoted_logits for layer in lists])
    ids, weights = [], []
    sizes = labels.long().bincount(minlength=k).tolist()
    for members in torch.split(labels.argsort(stable=True), sizes):
        pause()
        tokens, place = torch.unique(listed[members], return_inverse=True)  # by rising id
        sums = torch.zeros(len(tokens), dtype=torch.float64)
        sums.index_add_(0, place.flatten(), logits[members].flatten().double())
        best, at = top_k(sums.float()[None], N_TOKENS)
        ids.append(tokens[at[0]])
        weights.append(best[0])
    return torch.stack(ids).int(), torch.stack(weights)


def _seeds(matrices: Sequence[Tensor], n: int, k: int) -> Tensor:
    """k different rows, chosen by a fixed seed, as unit vectors."""
    chosen = torch.randperm(n, generator=torch.Generator().manual_seed(SEED))[:k]
    width = matrices[0].shape[0]
    rows = [matrices[i // width][i % width].float() for i in chosen.tolist()]
    return _unit(torch.stack(rows))


def _assign(
    matrices: Sequence[Tensor], centres: Tensor, pause: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    """Nearest centre by cosine, ties by lower number, and that cosine, of every row: [N], [N]."""
    labels, cosines = [], []
    for rows, _ in _blocks(matrices):
        pause()
        best, which = (rows @ centres.T).max(dim=1)
        labels.append(which.cpu())
        cosines.append((best / rows.norm(dim=1).clamp_min(_TINY)).cpu())
    return torch.cat(labels), torch.cat(cosines)


def _move(matrices: Sequence[Tensor], centres: Tensor, labels: Tensor, cosines: Tensor) -> Tensor:
    """New centres [k, D]. An empty cluster takes the vector that fits its own centre worst."""
    moved = torch.zeros_like(centres)
    for rows, at in _blocks(matrices):
        moved.index_add_(0, labels[at : at + len(rows)].to(rows.device), _unit(rows))
    empty = (labels.bincount(minlength=len(centres)) == 0).nonzero().flatten()
    worst = cosines.argsort(stable=True)[: len(empty)].tolist()
    width = matrices[0].shape[0]
    for cluster, vector in zip(empty.tolist(), worst, strict=True):
        moved[cluster] = matrices[vector // width][vector % width].float()
    return _unit(moved)


def _blocks(matrices: Sequence[Tensor]) -> Iterator[tuple[Tensor, int]]:
    """(rows, number of the first row), fp32."""
    at = 0
    for matrix in matrices:
        for rows in torch.split(matrix, _ROWS):
            yield rows.float(), at
            at += len(rows)


def _unit(rows: Tensor) -> Tensor:
    norms: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / norms.clamp_min(_TINY)
