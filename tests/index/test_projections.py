"""The stored readings against the oracle: exact sets, exact logits (rule 7)."""

from __future__ import annotations

from lm_debugger.engine.types import ValueId
from tests.index.conftest import Built
from tests.reference import assert_ranked


def test_every_vectors_promoted_tokens_and_logits(built: Built) -> None:
    for layer, dim in built.library.vectors:
        found = built.index.promoted(ValueId(layer, dim), 50)
        assert found is not None
        pairs = list(zip(*found, strict=True))
        assert_ranked(pairs, built.library.logits[layer, dim], 50, atol=1e-6)


def test_every_vectors_suppressed_tokens(built: Built) -> None:
    for layer in range(built.library.oracle.n_layer):
        stored = built.index.store.load(f"layer-{layer:03d}")
        assert stored is not None
        for dim in range(len(stored["suppressed_ids"])):
            ids = stored["suppressed_ids"][dim].tolist()
            logits = [-x for x in stored["suppressed_logits"][dim].tolist()]
            pairs = list(zip(ids, logits, strict=True))
            assert_ranked(pairs, -built.library.logits[layer, dim], 20, atol=1e-6)


def test_norm_ranks_count_the_larger_ones(built: Built) -> None:
    norms = [
        (float((built.library.oracle.values(layer)[dim] ** 2).sum() ** 0.5), (layer, dim))
        for layer, dim in built.library.vectors
    ]
    for rank, (_, (layer, dim)) in enumerate(sorted(norms, reverse=True), start=1):
        assert built.index.norm_rank(ValueId(layer, dim)) == rank
