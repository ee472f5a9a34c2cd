"""Invariants of the partition, both methods; sums against the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import NoClusters, NotEnoughMemory, OutOfRange, UnknownCluster
from lm_debugger.index import ModelIndex
from lm_debugger.index.kmeans import spherical_kmeans
from lm_debugger.index.linkage import bytes_needed, complete_linkage
from lm_debugger.index.stages.clustering import clouds, default_number
from lm_debugger.index.stages.projections import LayerProjections
from tests.index.conftest import Built
from tests.reference import assert_ranked
from tests.reference_index import cloud


def vectors(built: Built) -> np.ndarray:
    return np.stack([built.library.oracle.values(la)[d] for la, d in built.library.vectors])


def test_members_are_a_partition(built: Built) -> None:
    everybody = [
        member.id
        for cluster in range(len(built.index.clusters.centres))
        for member in built.index.members(cluster)
    ]
    assert sorted(everybody) == [ValueId(*vector) for vector in built.library.vectors]
    for value in everybody[:50]:
        assert value in [m.id for m in built.index.members(built.index.cluster_of(value))]


def test_each_vector_is_nearest_its_own_centre(built: Built) -> None:
    rows = vectors(built)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    centres = built.index.clusters.centres.double().numpy()
    assert np.linalg.norm(centres, axis=1) == pytest.approx(1, abs=1e-6)
    similar = unit @ centres.T
    own = similar[np.arange(len(rows)), built.index.clusters.labels.numpy()]
    assert own == pytest.approx(similar.max(axis=1), abs=1e-6)
    assert built.index.clusters.cosines.numpy() == pytest.approx(own, abs=1e-5)


def test_a_cloud_sums_the_logits_within_the_members_lists(built: Built) -> None:
    everything = range(built.library.oracle.unembedding.shape[0])
    for cluster in range(len(built.index.clusters.centres)):
        members = [(m.id.layer, m.id.dim) for m in built.index.members(cluster)]
        weights = cloud(built.library, members)
        summary = built.index.summary(cluster)
        pairs = list(zip(summary.token_ids, summary.token_logits, strict=True))
        truth = np.array([weights.get(token, -np.inf) for token in everything])
        assert_ranked(pairs, truth, 30, atol=1e-4)


def test_a_cloud_worked_out_by_hand() -> None:
    """Cluster 0 has L0D0, L1D0 and L1D1, cluster 1 the other three; lists of three tokens."""
    first = listing(
        [[7, 2, 9], [4, 5, 6], [8, 10, 4]], [[3.0, 2.0, 1.0], [9.0, 8.0, 7.0], [1.0, 0.5, -4.0]]
    )
    second = listing(
        [[2, 7, 1], [9, 3, 0], [11, 5, 6]], [[4.0, 1.5, 0.5], [-1.0, -2.0, -3.0], [6.0, 5.0, 4.0]]
    )
    labels = torch.tensor([0, 1, 1, 0, 0, 1], dtype=torch.int32)
    ids, weights = clouds([first, second], labels, 2)
    # 9 has 1 - 1 = 0, less than 1, which a single member lists
    assert ids[0].tolist() == [2, 7, 1, 9, 3, 0]
    assert weights[0].tolist() == [6.0, 4.5, 0.5, 0.0, -2.0, -3.0]
    assert ids[1].tolist() == [5, 6, 11, 4, 8, 10]
    assert weights[1].tolist() == [13.0, 11.0, 6.0, 5.0, 1.0, 0.5]


def test_equal_weights_in_a_cloud_come_by_lower_id() -> None:
    lists = listing([[8, 3, 5], [5, 8, 1]], [[1.0, 1.0, 0.5], [0.5, 0.0, -1.0]])
    ids, weights = clouds([lists], torch.zeros(2, dtype=torch.int32), 1)
    assert ids.tolist() == [[3, 5, 8, 1]]
    assert weights.tolist() == [[1.0, 1.0, 1.0, -1.0]]


def listing(ids: list[list[int]], logits: list[list[float]]) -> LayerProjections:
    """A layer whose vectors promote these tokens, and suppress none that matter."""
    promoted, at = torch.tensor(ids, dtype=torch.int32), torch.tensor(logits)
    return LayerProjections(promoted, at, promoted[:, :0], at[:, :0])


def test_without_clusters_the_layers_are_there_and_who_asks_is_told(
    small: Debugger, tmp_path: Path
) -> None:
    index = ModelIndex(small, tmp_path, n_clusters=0)
    assert index.build().state == "ready"
    assert index.layers_ready == tuple(range(small.info.n_layers))
    assert index.n_clusters == 0
    names = {path.name for path in tmp_path.rglob("*.safetensors")}
    assert names == {f"layer-{layer:03d}.safetensors" for layer in index.layers_ready}
    for ask in (index.cluster_of, index.summary, index.members):
        with pytest.raises(NoClusters, match=r"n_clusters is 0.*--n-clusters N"):
            ask(ValueId(0, 0) if ask == index.cluster_of else 0)  # type: ignore[operator]


def test_ten_random_members_first_the_same_for_the_same_seed(built: Built) -> None:
    sizes = np.bincount(built.index.clusters.labels.numpy())
    largest = int(sizes.argmax())
    members = built.index.members(largest, seed=3)
    assert members == built.index.members(largest, seed=3)
    assert members[:10] != built.index.members(largest, seed=4)[:10]
    rest = [member.id for member in members[10:]]
    assert rest == sorted(rest)


def test_a_summary_counts_its_members(built: Built) -> None:
    for cluster in range(len(built.index.clusters.centres)):
        members = built.index.members(cluster)
        summary = built.index.summary(cluster)
        assert summary.size == len(members)
        layers = [member.id.layer for member in members]
        assert list(summary.layers) == [layers.count(la) for la in range(len(summary.layers))]
        assert summary.cohesion == pytest.approx(np.mean([m.score for m in members]), abs=1e-6)


def test_an_unknown_cluster_names_the_range(built: Built) -> None:
    last = len(built.index.clusters.centres) - 1
    for wrong in (-1, last + 1):
        with pytest.raises(UnknownCluster, match=f"0 to {last}"):
            built.index.members(wrong)


def test_well_separated_groups_are_found_exactly() -> None:
    """Three bundles around orthogonal axes; any sound method must tell them apart."""
    random = torch.Generator().manual_seed(1)
    axes = torch.eye(3, 8).repeat_interleave(20, dim=0)
    rows = (axes + 0.05 * torch.randn(60, 8, generator=random)) * torch.rand(
        60, 1, generator=random
    ).add(0.5)
    for labels, _, _ in (spherical_kmeans([rows[:30], rows[30:]], 3), complete_linkage([rows], 3)):
        groups = [set(labels[i : i + 20].tolist()) for i in (0, 20, 40)]
        assert all(len(group) == 1 for group in groups)
        assert len(set.union(*groups)) == 3


def test_more_clusters_than_vectors_gives_one_each() -> None:
    rows = torch.eye(4)
    labels, cosines, centres = spherical_kmeans([rows], 10)
    assert sorted(labels.tolist()) == [0, 1, 2, 3]
    assert cosines.tolist() == pytest.approx([1, 1, 1, 1])
    assert len(centres) == 4


def test_resuming_from_any_iteration_ends_at_the_same_bytes(small: Debugger) -> None:
    matrices = [small.adapter.value_matrix(layer) for layer in range(small.adapter.n_layers)]
    saved: list[tuple[torch.Tensor, int]] = []
    straight = spherical_kmeans(
        matrices, 9, after_iteration=lambda centres, done: saved.append((centres.clone(), done))
    )
    assert len(saved) > 2
    for start in saved:
        resumed = spherical_kmeans(matrices, 9, start=start)
        assert all(torch.equal(a, b) for a, b in zip(straight, resumed, strict=True))


def test_complete_linkage_refuses_what_does_not_fit_and_says_how_much() -> None:
    assert bytes_needed(98_304) == 98_304 * 98_303 // 2 * 16
    with pytest.raises(NotEnoughMemory, match=r"72\.0 GiB"):
        complete_linkage([torch.empty(98_304, 1)], 3000)


def test_complete_linkage_by_name(small: Debugger, tmp_path: Path) -> None:
    index = ModelIndex(small, tmp_path, n_clusters=7, method="complete-linkage")
    assert index.build().state == "ready"
    assert len(index.clusters.centres) == 7
    everybody = [v for cluster in range(7) for v in index.members(cluster)]
    assert len(set(everybody)) == len(everybody) == index.n_vectors


def test_the_number_of_clusters_has_limits(small: Debugger, tmp_path: Path) -> None:
    assert default_number(98_304) == 3072
    n_vectors = small.adapter.n_layers * small.adapter.ffn_width
    for wrong in (-1, n_vectors + 1):
        with pytest.raises(OutOfRange, match=f"from 1 to {n_vectors}, or 0 for none"):
            ModelIndex(small, tmp_path, n_clusters=wrong)
