"""Projections and clusters do not depend on the pieces that they are computed in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex
from lm_debugger.index.bank import values
from lm_debugger.index.build import Progress
from lm_debugger.index.kmeans import spherical_kmeans
from lm_debugger.index.source import Source
from lm_debugger.index.stages import base, projections
from lm_debugger.index.stages.clustering import Clustering
from lm_debugger.index.stages.projections import project
from lm_debugger.index.store import Store
from tests.reference import ranked

ROWS, TOKENS, WIDTH = 300, 1000, 6


def whole_numbers(n: int, seed: int) -> Tensor:
    """[n, WIDTH]: their products are exact in any order of summation, and often equal."""
    random = torch.Generator().manual_seed(seed)
    return torch.randint(-2, 3, (n, WIDTH), generator=random).float()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [51, 64, 333, 1000, 8192])
def test_ties_across_pieces_go_to_the_lower_id(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, tokens: int
) -> None:
    monkeypatch.setattr(projections, "_TOKENS", {"cpu": tokens})
    matrix, unembedding = whole_numbers(ROWS, 1), whole_numbers(TOKENS, 2)
    found = project(matrix.to(dtype), unembedding.to(dtype))
    truth = matrix.double().numpy() @ unembedding.double().numpy().T
    assert sum(np.sort(logits)[-50] == np.sort(logits)[-51] for logits in truth) > ROWS / 2
    for row, logits in enumerate(truth):
        most, least = ranked(logits, 50), ranked(-logits, 20)
        assert found.promoted_ids[row].tolist() == most
        assert found.promoted_logits[row].tolist() == logits[most].tolist()
        assert found.suppressed_ids[row].tolist() == least
        assert found.suppressed_logits[row].tolist() == logits[least].tolist()


def test_no_block_of_logits_grows_with_the_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    largest, whole = [], projections._merged

    def seen(best: Any, logits: Tensor, first: int, k: int) -> object:
        largest.append(logits.numel())
        return whole(best, logits, first, k)

    monkeypatch.setattr(projections, "_merged", seen)
    for n_tokens in (8192, 40_000, 100_003):
        project(whole_numbers(700, 1), whole_numbers(n_tokens, 2))
    assert max(largest) == 256 * 8192


def test_progress_moves_within_a_layer_and_an_iteration(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "REPORT_SECONDS", -1.0)
    monkeypatch.setattr(projections, "_TOKENS", {"cpu": 1000})
    seen: list[Progress] = []
    assert ModelIndex(small, tmp_path).build(seen.append).state == "ready"
    for stage in ("projections", "clusters"):
        steps = [p for p in seen if p.stage == stage and p.state == "building"]
        through = [p.done + p.within for p in steps]
        assert through == sorted(through)
        first = [p for p in steps if p.done == 0 and p.within]
        assert first
        assert all(0 < p.within < 1 and p.seconds_left is not None for p in first)


def test_what_is_left_goes_by_the_steps_that_were_computed(
    small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, told = 0.0, []
    monkeypatch.setattr(base, "time", SimpleNamespace(monotonic=lambda: now))
    means = base.Means(
        source=Source.of(small), bank=values(small.adapter), store=Store(tmp_path, "x"),
        results={}, check=lambda: None, report=lambda **changes: told.append(changes),
        publish=lambda stage, part: None,
    )  # fmt: skip
    work = base.Work(Clustering(base.Options(5)), means)  # of 25 steps
    assert told[-1]["seconds_left"] is None
    work.step(5)  # found
    assert told[-1]["seconds_left"] is None
    now = 10.0
    work.save("x", {"x": torch.zeros(1)})
    work.step(6)
    assert told[-1] == {"done": 6, "within": 0.0, "seconds_left": 10.0 * 19}
    now = 15.0
    work.pause(0.5)
    assert told[-1] == {"done": 6, "within": 0.5, "seconds_left": 10.0 * 18.5}
    n = len(told)
    now = 15.1
    work.pause(0.6)  # too soon to be told again
    assert len(told) == n


def cut(rows: Tensor, heights: Sequence[int]) -> list[Tensor]:
    return list(torch.split(rows, list(heights)))


@pytest.mark.parametrize("heights", [(60,), (1, 47, 12), (20, 20, 20)])
def test_clusters_do_not_depend_on_how_rows_are_spread_over_layers(heights: list[int]) -> None:
    random = torch.Generator().manual_seed(4)
    rows = torch.randn(60, 8, generator=random)
    labels, cosines, centres = spherical_kmeans(cut(rows, (30, 30)), 45)
    others = spherical_kmeans(cut(rows, heights), 45)
    assert torch.equal(labels, others[0])
    torch.testing.assert_close((cosines, centres), others[1:], rtol=0, atol=1e-6)
    sums = torch.nn.functional.normalize(rows, dim=1)
    for cluster in labels.unique():
        centre = torch.nn.functional.normalize(sums[labels == cluster].sum(dim=0), dim=0)
        torch.testing.assert_close(centres[cluster], centre, rtol=0, atol=1e-5)
