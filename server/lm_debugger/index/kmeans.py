"""Groups of rows that point the same way (rule 18, at a scale the reference could not reach).

Spherical k-means (Dhillon and Modha, 2001): centres are unit vectors, a vector belongs to the
centre with the largest cosine, a centre is the normalised sum of its members' unit vectors.
Rows stay where they are, in the model: x · c / ||x|| and x · c have the same best c, so no
normalised copy is made, and products are formed a few thousand rows at a time.

The reference's own method, complete linkage, is in `linkage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

MAX_ITERATIONS = 25
SEED = 0
_ROWS = 4096
_TINY = torch.finfo(torch.float32).tiny


def spherical_kmeans(
    matrices: Sequence[Tensor],
    k: int,
    *,
    start: tuple[Tensor, int] | None = None,
    after_iteration: Callable[[Tensor, int], None] = lambda centres, iteration: None,
    pause: Callable[[float], None] = lambda within: None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Cluster the rows of some matrices.

    Args:
        matrices: [N_l, D], in the order of their rows' numbers; may be made anew whenever one is
            asked for.
        k: number of clusters, cut to the number of rows.
        start: centres [k, D] and number of iterations done, to resume.
        after_iteration: called with new centres and the number of iterations done.
        pause: called between products with the share of the iteration that is done; may wait, or
            raise to cancel.

    Returns:
        labels [N], cosines [N], centres [k', D]; every row is nearest its own centre. k' < k
        where clusters ran empty.
    """
    with torch.inference_mode():
        n = sum(len(matrix) for matrix in matrices)
        k = min(k, n)
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


def _seeds(matrices: Sequence[Tensor], n: int, k: int) -> Tensor:
    """k different rows, chosen by a fixed seed, as unit vectors."""
    chosen = torch.randperm(n, generator=torch.Generator().manual_seed(SEED))[:k]
    return _unit(_rows(matrices, chosen))


def _assign(
    matrices: Sequence[Tensor], centres: Tensor, pause: Callable[[float], None]
) -> tuple[Tensor, Tensor]:
    """Nearest centre by cosine, ties by lower number, and that cosine, of every row: [N], [N]."""
    labels, cosines = [], []
    for rows, _, through in _blocks(matrices):
        pause(through)
        best, which = (rows @ centres.T).max(dim=1)
        labels.append(which.cpu())
        cosines.append((best / rows.norm(dim=1).clamp_min(_TINY)).cpu())
    return torch.cat(labels), torch.cat(cosines)


def _move(matrices: Sequence[Tensor], centres: Tensor, labels: Tensor, cosines: Tensor) -> Tensor:
    """New centres [k, D]. An empty cluster takes the row that fits its own centre worst."""
    moved = torch.zeros_like(centres)
    for rows, at, _ in _blocks(matrices):
        moved.index_add_(0, labels[at : at + len(rows)].to(rows.device), _unit(rows))
    empty = (labels.bincount(minlength=len(centres)) == 0).nonzero().flatten()
    if len(empty):
        worst = cosines.argsort(stable=True)[: len(empty)]
        moved[empty.to(moved.device)] = _rows(matrices, worst)
    return _unit(moved)


def _blocks(matrices: Sequence[Tensor]) -> Iterator[tuple[Tensor, int, float]]:
    """(rows, number of the first row, share of all that came before), fp32."""
    at = 0
    for number, matrix in enumerate(matrices):
        begin = at
        for rows in torch.split(matrix, _ROWS):
            yield rows.float(), at, (number + (at - begin) / len(matrix)) / len(matrices)
            at += len(rows)


def _rows(matrices: Sequence[Tensor], numbers: Tensor) -> Tensor:
    """Those rows [n, D], fp32; each matrix is made once."""
    found, at = [], 0
    for matrix in matrices:
        here = ((numbers >= at) & (numbers < at + len(matrix))).nonzero().flatten()
        found.append((here, matrix[(numbers[here] - at).to(matrix.device)].float()))
        at += len(matrix)
    order = torch.cat([here for here, _ in found]).argsort()
    rows = torch.cat([rows for _, rows in found])
    return rows[order.to(rows.device)]


def _unit(rows: Tensor) -> Tensor:
    norms: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / norms.clamp_min(_TINY)
