"""Runs that begin where they differ, several at once, remembered: always the oracle's numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from lm_debugger.engine import kept as module
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.edits import first_layer
from lm_debugger.engine.interventions import merge
from lm_debugger.engine.kept import KeptRuns
from lm_debugger.engine.passes import Row, Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention
from lm_debugger.errors import NonFiniteResult
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits, assert_agree, assert_run, prob_rtol

LAYERS_RUN: list[int] = []


def assert_pass(case: Case, done: Recording, ids: Sequence[int], edits: list[Intervention]) -> None:
    """Every state and coefficient, to 1e-5 of its vector's size."""
    truth = case.oracle.run(ids, as_edits(edits))
    for layer in range(case.oracle.n_layer):
        for column, position in enumerate(done.positions):
            for got, expected in (
                (done[Site.RESID_MID][layer, column], truth.before[layer, position]),
                (done[Site.RESID_POST][layer, column], truth.after[layer, position]),
                (done[Site.COEFFICIENTS][layer, column], truth.m[layer, position]),
            ):
                size = np.abs(expected).max()
                np.testing.assert_allclose(got.numpy(), expected, rtol=RTOL, atol=RTOL * size)


def some_edits(case: Case, seed: int) -> list[Intervention]:
    rng = random.Random(seed)
    made = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(["on", "off", "set", "scale", "add"])
        value = None if kind in ("on", "off") else rng.choice([-2.0, 0.5, 3.0])
        layer, dim = rng.randrange(case.oracle.n_layer), rng.randrange(case.debugger.info.ffn_width)
        positions = rng.choice(["all", "last", (0,)])
        made.append(Intervention(layer, dim, kind, value, positions))  # type: ignore[arg-type]
    return made


def test_prompts_of_unequal_length_in_one_batch(case: Case) -> None:
    """Also rows that branch off others, with rule 9's c still to come."""
    adapter = case.debugger.adapter
    runner = Runner(adapter)
    rows, expected = [], []
    for number, prompt in enumerate(PROMPTS):
        ids = case.encode(prompt)
        positions = tuple(sorted({0, len(ids) - 1}))
        edits = some_edits(case, number)
        merged = merge(adapter, edits, len(ids), runner.norms)
        rows.append(Row(ids, positions))
        origin = len(rows) - 1
        rows.append(Row(ids, positions, merged, origin=origin, start=first_layer(merged, 0)))
        expected += [(ids, []), (ids, edits)]
    for done, (ids, edits) in zip(runner.run(rows), expected, strict=True):
        assert_pass(case, done, ids, edits)


def test_a_run_resumes_from_an_earlier_one_in_company(case: Case) -> None:
    adapter = case.debugger.adapter
    runner = Runner(adapter)
    long, short = case.encode(PROMPTS[0]), case.encode(PROMPTS[2])
    (plain,) = runner.run([Row(long, (0, len(long) - 1))])
    edits = [Intervention.set(f"L{case.oracle.n_layer - 1}D3", 4.0)]
    merged = merge(adapter, edits, len(long), runner.boosts(plain))
    resumed, other = runner.run(
        [Row(long, (len(long) - 1,), merged, plain, first_layer(merged, 0)), Row(short, (0,))]
    )
    assert_pass(case, resumed, long, edits)
    assert_pass(case, other, short, [])


@pytest.mark.parametrize("cold", [True, False])
def test_any_order_of_edits_gives_the_oracles_numbers(case: Case, cold: bool) -> None:
    name = "demo" if case.name == "demo" else str(case.folder)
    debugger = Debugger.load(name, device="cpu")
    prompt, ids = PROMPTS[0], case.encode(PROMPTS[0])
    if not cold:
        debugger.trace(prompt)
    for seed in (1, 2, 1, 3, 4, 2, 5):
        edits = some_edits(case, seed)
        positions = [-1] if seed % 2 else [0, -1]
        got = debugger.trace(prompt, edits, positions=positions, top_k=5)
        plain, changed = case.oracle.run(ids), case.oracle.run(ids, as_edits(edits))
        assert_run(case, got.unedited, plain, got.positions, 5)
        assert got.edited is not None
        assert_run(case, got.edited, changed, got.positions, 5)
        assert got.comparison is not None
        for at in got.comparison:
            for layer in at.layers:
                for state, half in ((layer.before, "before"), (layer.after, "after")):
                    x, y = (getattr(r, half)[layer.layer, at.position] for r in (plain, changed))
                    p, q = case.oracle.lens(x), case.oracle.lens(y)
                    kl = float((q * (np.log(q) - np.log(p))).sum())
                    assert state.kl == pytest.approx(kl, rel=1e-3, abs=2e-6)
                    rtol = max(prob_rtol(case, x), prob_rtol(case, y))
                    for change in state.tokens:
                        assert change.unedited == pytest.approx(p[change.token.id], rel=rtol)
                        assert change.edited == pytest.approx(q[change.token.id], rel=rtol)


class Counting(Runner):
    """Says which layers were run."""

    def run(self, rows: Sequence[Row]) -> list[Recording]:
        LAYERS_RUN.extend(row.start for row in rows)
        return super().run(rows)


def test_nothing_is_computed_twice(tied: Case) -> None:
    adapter, ids = tied.debugger.adapter, tied.encode(PROMPTS[0])
    runs = KeptRuns(Counting(adapter), adapter)
    last = (len(ids) - 1,)

    def started(edits: list[Intervention]) -> list[int]:
        LAYERS_RUN.clear()
        runs.both(ids, last, edits)
        return LAYERS_RUN.copy()

    low, high = Intervention.set("L0D1", 2), Intervention.set("L2D1", 2)
    assert started([high]) == [0, 2]  # both runs at once, the edited one from layer 2 on
    assert started([high]) == []
    assert started([]) == []
    assert started([low, high]) == [0]
    assert started([low, Intervention.set("L2D1", 3)]) == [2]
    assert started([Intervention.scale("L1D1", 1)]) == []  # nothing is edited
    assert started([Intervention.set("L1D1", 3)]) == [1]
    LAYERS_RUN.clear()
    runs.both(ids, (0,), [low])  # a position that was not recorded
    assert LAYERS_RUN == [0, 0]


def test_the_memory_of_runs_is_limited(tied: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = tied.debugger.adapter
    monkeypatch.setattr(module, "_BYTES", 200_000)
    runs = KeptRuns(Runner(adapter), adapter)
    for number in range(40):
        runs.both(tied.encode(f"{number} {PROMPTS[0]}"), (0,), [Intervention.on("L0D1")])
    kept = [kept for _, kept in runs._known.items()]
    assert 2 < len(kept) < 40
    assert sum(each.weight for each in kept) <= 200_000
    newest = kept[0].done
    parts = (newest[site] for site in (Site.RESID_MID, Site.COEFFICIENTS))
    size = sum(t.numel() * 4 for t in (*newest.residual, *parts))
    assert kept[0].weight == size


def test_an_error_leaves_nothing_wrong_behind(tied: Case) -> None:
    """Neither in what is remembered nor in the model."""
    debugger = Debugger(tied.debugger.checkpoint)
    before = tied.forgetful.trace("Yes")
    for _ in range(2):
        with pytest.raises(NonFiniteResult, match="overflow"):
            debugger.trace("Yes", [Intervention.set("L1D2", 1e30)])
    for asked in (debugger, tied.forgetful):
        assert_agree(tied, asked.trace("Yes"), before)
    assert not any(
        module._forward_hooks or module._forward_pre_hooks
        for module in debugger.adapter.backbone.modules()
    )
    assert torch.isfinite(debugger.norms).all()


def test_nothing_is_remembered_where_that_is_asked_for(tied: Case) -> None:
    """Every question runs the whole model, both runs from the tokens on."""
    adapter, ids = tied.debugger.adapter, tied.encode(PROMPTS[0])
    runs = KeptRuns(Counting(adapter), adapter, remember=False)
    for edits, expected in (([], [0]), ([Intervention.set("L2D1", 2)], [0, 2])):
        for _ in range(2):
            LAYERS_RUN.clear()
            runs.both(ids, (0,), edits)
            assert LAYERS_RUN.copy() == expected
    for debugger, n_runs in ((tied.forgetful, 3), (Debugger(tied.debugger.checkpoint), 1)):
        with passes(debugger) as seen:
            for _ in range(3):
                debugger.trace(PROMPTS[0])
        assert len(seen) == n_runs
    edits = some_edits(tied, 1)
    plain, changed = tied.oracle.run(ids), tied.oracle.run(ids, as_edits(edits))
    got = tied.forgetful.trace(PROMPTS[0], edits)
    assert got.edited is not None
    assert_run(tied, got.unedited, plain, got.positions, 10)
    assert_run(tied, got.edited, changed, got.positions, 10)


@contextmanager
def passes(debugger: Debugger) -> Iterator[list[int]]:
    """One entry per time that the model's first block runs."""
    seen: list[int] = []
    block = debugger.adapter.backbone.get_submodule("h.0")
    handle = block.register_forward_pre_hook(lambda *_: seen.append(1))
    try:
        yield seen
    finally:
        handle.remove()
