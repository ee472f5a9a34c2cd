"""A finished partition, made ready to be asked: sizes, members, cohesion of each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from lm_debugger.engine.given import shown, whole
from lm_debugger.errors import UnknownCluster
from lm_debugger.index.bank import Bank
from lm_debugger.index.concepts import ScoredValue
from lm_debugger.index.stages.clustering import Clusters

FIRST_MEMBERS = 10


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


class Partition:
    """The clusters of one bank."""

    def __init__(self, bank: Bank, clusters: Clusters) -> None:
        self.clusters = clusters
        self._bank = bank
        labels, k = clusters.labels.long(), len(clusters.centres)
        layers = [labels[begin:end] for begin, end in pairwise(bank.offsets)]
        self._layer_counts = torch.stack(
            [own.bincount(minlength=k) for own in layers], dim=1
        )  # [k, L]
        self._sizes = self._layer_counts.sum(dim=1)
        self._cohesion = torch.bincount(labels, weights=clusters.cosines) / self._sizes
        self._by_cluster = torch.argsort(labels, stable=True)
        self._first = self._sizes.cumsum(0) - self._sizes

    def summary(self, cluster: int) -> ClusterSummary:
        """Size, layers, cohesion and tokens of a cluster. Raises: UnknownCluster."""
        cluster = self._check(cluster)
        return ClusterSummary(
            id=cluster,
            size=int(self._sizes[cluster]),
            layers=tuple(self._layer_counts[cluster].tolist()),
            cohesion=float(self._cohesion[cluster]),
            token_ids=tuple(self.clusters.token_ids[cluster].tolist()),
            token_logits=tuple(self.clusters.token_logits[cluster].tolist()),
        )

    def members(self, cluster: int, seed: int) -> list[ScoredValue]:
        """All members with their cosine to the centre: ten random ones first (rule 18), then the
        rest in order. Raises: UnknownCluster."""
        cluster = self._check(cluster)
        start = int(self._first[cluster])
        ordered = self._by_cluster[start : start + int(self._sizes[cluster])]
        random = torch.Generator().manual_seed(seed)
        shuffled = torch.randperm(len(ordered), generator=random)
        first, rest = shuffled[:FIRST_MEMBERS], shuffled[FIRST_MEMBERS:].sort().values
        numbers: Tensor = ordered[torch.cat([first, rest])]
        cosines = self.clusters.cosines[numbers]
        return [
            ScoredValue(self._bank.named(number), cosine)
            for number, cosine in zip(numbers.tolist(), cosines.tolist(), strict=True)
        ]

    def _check(self, cluster: int) -> int:
        n_clusters = len(self.clusters.centres)
        number = whole(cluster)
        if number is None or not 0 <= number < n_clusters:
            raise UnknownCluster(
                f"There is no cluster {shown(cluster)}; clusters are 0 to {n_clusters - 1}.",
                minimum=0,
                maximum=n_clusters - 1,
            )
        return number
