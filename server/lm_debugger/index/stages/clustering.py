"""Which rows of a bank belong together, and the tokens that stand for each cluster (rule 18).

How rows are told apart is left to `kmeans` and `linkage`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from lm_debugger.engine.lens import top_k
from lm_debugger.index.bank import Bank
from lm_debugger.index.kmeans import MAX_ITERATIONS, spherical_kmeans
from lm_debugger.index.linkage import complete_linkage
from lm_debugger.index.stages.base import Stage, Work
from lm_debugger.index.stages.projections import LayerProjections, Projections

N_TOKENS = 30


@dataclass(frozen=True, slots=True)
class Clusters:
    """A partition of the N rows of a bank into k clusters, none empty.

    Attributes:
        labels: [N], int32, by the rows' numbers (`bank`).
        cosines: [N], fp32, of each row with its centre.
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


def default_number(n_rows: int) -> int:
    """About 32 rows a cluster, which is what the reference's 3,000 for gpt2-medium comes to."""
    return max(1, round(n_rows / 32))


class Clustering(Stage[Clusters]):
    """One file for each method and number of clusters. Publishes its Clusters, which are its
    result. k-means leaves its centres in the store after each iteration, to go on from."""

    name = "clusters"
    files = "clusters"
    unit = "iteration"
    inputs = (Projections,)

    @property
    def is_wanted(self) -> bool:
        """Are there to be clusters?"""
        return self.options.n_clusters > 0

    def n_steps(self, bank: Bank) -> int:
        """As many as there may be iterations."""
        return MAX_ITERATIONS

    def run(self, work: Work) -> Clusters:
        """Cluster all rows, unless that is stored."""
        key = f"{self.options.method}-{self.options.n_clusters}"
        clusters = Clusters(**work.once(key, lambda: self._made(work, f"{key}.partial").tensors()))
        work.delete(f"{key}.partial")
        work.publish(clusters)
        work.step(MAX_ITERATIONS)
        return clusters

    def _made(self, work: Work, partial: str) -> Clusters:
        labels, cosines, centres = self._partition(work, partial)
        ids, logits = clouds(work.result(Projections), labels, len(centres), work.pause)
        return Clusters(labels, cosines.cpu(), centres.cpu(), ids, logits)

    def _partition(self, work: Work, partial: str) -> tuple[Tensor, Tensor, Tensor]:
        """labels, cosines, centres."""
        n_clusters = self.options.n_clusters
        if self.options.method == "complete-linkage":
            return complete_linkage(work.bank.matrices, n_clusters)

        def after_iteration(centres: Tensor, done: int) -> None:
            work.save(partial, {"centres": centres.cpu(), "done": torch.tensor([done])})
            work.step(done)

        known = work.load(partial)
        start = None
        if known is not None:
            device = work.source.unembedding.device
            start = (known["centres"].to(device), int(known["done"]))
        return spherical_kmeans(
            work.bank.matrices,
            n_clusters,
            start=start,
            after_iteration=after_iteration,
            pause=work.pause,
        )


def clouds(
    lists: Sequence[LayerProjections],
    labels: Tensor,
    k: int,
    pause: Callable[[float], None] = lambda within: None,
) -> tuple[Tensor, Tensor]:
    """The 30 tokens of each cluster's cloud: ids and weights [k, 30], largest first, ties by lower
    id (rule 18).

    A token's weight is the sum of its logits in the members' lists of 50 (rule 7); a member that
    does not list it adds nothing, however large its logit is. Only what is listed can be in a
    cloud, so nothing of size [k, V] is needed.

    Args:
        lists: of the layers that have rows, each with what these promote.
        labels: [N], the cluster of each row; none of the k is empty.
        pause: called between clusters with the share that is done; may wait, or raise to cancel.
    """
    listed = torch.cat([layer.promoted_ids for layer in lists])  # [N, 50]
    logits = torch.cat([layer.promoted_logits for layer in lists])
    ids, weights = [], []
    sizes = labels.long().bincount(minlength=k).tolist()
    for done, members in enumerate(torch.split(labels.argsort(stable=True), sizes)):
        pause(done / k)
        tokens, place = torch.unique(listed[members], return_inverse=True)  # by rising id
        sums = torch.zeros(len(tokens), dtype=torch.float64)
        sums.index_add_(0, place.flatten(), logits[members].flatten().double())
        best, at = top_k(sums.float()[None], N_TOKENS)
        ids.append(tokens[at[0]])
        weights.append(best[0])
    return torch.stack(ids).int(), torch.stack(weights)
