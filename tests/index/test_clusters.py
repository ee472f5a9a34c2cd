"""Invariants of the partition, both methods; sums against the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import NotEnoughMemory, OutOfRange, UnknownCluster
from lm_debugger.index import ModelIndex
from lm_debugger.index.clusters import default_number, spherical_kmeans
from lm_debugger.index.linkage import bytes_needed, complete_linkage
from tests.index.conftest import Built
from tests.reference import assert_ranked


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


def test_a_clusters_tokens_have_the_largest_summed_logits(built: Built) -> None:
    clusters = built.index.clusters
    for cluster in range(len(clusters.centres)):
        total = sum(
            built.library.logits[m.id.layer, m.id.dim] for m in built.index.members(cluster)
        )
        pairs = zip(
            built.index.summary(cluster).token_ids,
            built.index.summary(cluster).token_logits,
            strict=True,
        )
        assert_ranked(list(pairs), np.asarray(total), 30, atol=1e-4)


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
    for wrong in (-1, 0, n_vectors + 1):
        with pytest.raises(OutOfRange, match=f"from 1 to {n_vectors}"):
            ModelIndex(small, tmp_path, n_clusters=wrong)
