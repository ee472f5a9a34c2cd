"""Behind a post-norm, search and clusters are of what value vectors add: gain * v (rule 20)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.index import ModelIndex
from tests.families import save_family
from tests.models import edit_weights


@dataclass(frozen=True)
class Gemma:
    """A random one, and from its plain weights gain * v of every layer, [L, F, D], and E."""

    index: ModelIndex
    directions: Tensor
    embedding: Tensor


@pytest.fixture(scope="module")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Gemma:
    root = tmp_path_factory.mktemp("directions")
    folder: Path = save_family("gemma3", root / "model")
    index = ModelIndex(Debugger.load(folder, device="cpu"), root / "cache", n_clusters=5)
    assert index.build().state == "ready"
    plain: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        directions = [
            block.mlp.down_proj.weight.T * (1 + block.post_feedforward_layernorm.weight)
            for block in plain.model.layers
        ]
        return Gemma(index, torch.stack(directions), plain.lm_head.weight.clone())


@pytest.mark.parametrize("at", [ValueId(0, 3), ValueId(2, 40)])
def test_the_tokens_that_are_indexed(gemma: Gemma, at: ValueId) -> None:
    found = gemma.index.promoted(at, 50)
    assert found is not None
    logits, ids = (gemma.embedding @ gemma.directions[at.layer, at.dim]).topk(50)
    assert found[0] == ids.tolist()
    assert found[1] == pytest.approx(logits.tolist(), rel=1e-4)


def test_concepts(gemma: Gemma) -> None:
    words = gemma.index.concepts.words("music")
    mean = gemma.embedding[[token.id for token in words[0].tokens]].mean(0)
    scores = (gemma.directions @ mean).flatten()
    found = gemma.index.concepts.search(words, 5)
    assert [at.id.layer * 48 + at.id.dim for at in found] == scores.topk(5).indices.tolist()
    assert [at.score for at in found] == pytest.approx(scores.topk(5).values.tolist(), rel=1e-4)


def test_neighbours_and_clusters(gemma: Gemma) -> None:
    unit = gemma.directions / gemma.directions.norm(dim=-1, keepdim=True)
    cosines = (unit @ unit[1, 7]).flatten()
    cosines[48 + 7] = -2
    found = gemma.index.concepts.neighbours(ValueId(1, 7), 5)
    assert [at.id.layer * 48 + at.id.dim for at in found] == cosines.topk(5).indices.tolist()
    centre = gemma.index.clusters.centres[gemma.index.cluster_of(ValueId(1, 7))]
    (mine,) = [
        member.score for member in gemma.index.members(gemma.index.cluster_of(ValueId(1, 7)))
        if member.id == ValueId(1, 7)
    ]  # fmt: skip
    assert mine == pytest.approx(float(unit[1, 7] @ centre / centre.norm()), rel=1e-4)


def test_another_post_norm_is_another_index(gemma: Gemma, tmp_path: Path) -> None:
    def stronger(weights: dict[str, Tensor]) -> None:
        weights["model.layers.1.post_feedforward_layernorm.weight"] += 1.0

    folder = save_family("gemma3", tmp_path / "model")
    same = ModelIndex(Debugger.load(folder, device="cpu"), tmp_path)
    edit_weights(folder, stronger)
    other = ModelIndex(Debugger.load(folder, device="cpu"), tmp_path)
    assert same.store.folder.name == gemma.index.store.folder.name
    assert other.store.folder.name != gemma.index.store.folder.name
