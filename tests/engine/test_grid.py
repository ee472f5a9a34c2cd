"""The grid of all positions against the oracle's distributions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lm_debugger.engine import lens as module
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import GridRun, Intervention, Limits
from lm_debugger.errors import InvalidPosition, NonFiniteResult, OutOfRange
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits, prob_rtol
from tests.reference import States

EDITS = [Intervention.set("L0D3", 2.5), Intervention.on("L0D5"), Intervention.scale("L0D9", -2)]


def assert_grid_run(case: Case, got: GridRun, run: States, positions: Sequence[int]) -> None:
    """Row 2 l is the state before layer l's FFN, row 2 l + 1 the one after it."""
    for layer in range(case.oracle.n_layer):
        for half, states in enumerate((run.before[layer], run.after[layer])):
            row = 2 * layer + half
            for column, position in enumerate(positions):
                x = states[position]
                p, rtol = case.oracle.lens(x), prob_rtol(case, x)
                best = float(p.max())
                assert got.probs[row][column] == pytest.approx(best, rel=rtol)
                assert p[got.tokens[row][column]] == pytest.approx(best, rel=2 * rtol)
                entropy = -(p[p > 0] * np.log(p[p > 0])).sum()
                assert got.entropies[row][column] == pytest.approx(entropy, rel=rtol, abs=1e-6)
    assert len(got.probs) == 2 * case.oracle.n_layer


@pytest.mark.parametrize("positions", ["all", [2, 0]])
def test_both_runs_and_their_divergence(case: Case, positions: str | list[int]) -> None:
    ids = case.encode(PROMPTS[0])
    plain, changed = case.oracle.run(ids), case.oracle.run(ids, as_edits(EDITS))
    got = case.debugger.grid(PROMPTS[0], EDITS, positions)  # type: ignore[arg-type]
    columns = range(len(ids)) if positions == "all" else positions
    assert got.positions == tuple(sorted(columns))
    assert [token.id for token in got.tokens] == ids
    assert_grid_run(case, got.unedited, plain, got.positions)
    assert got.edited is not None
    assert got.kl is not None
    assert_grid_run(case, got.edited, changed, got.positions)
    for row, cells in enumerate(got.kl):
        layer, half = divmod(row, 2)
        for column, position in enumerate(got.positions):
            x, y = ((run.before, run.after)[half][layer, position] for run in (plain, changed))
            p, q = case.oracle.lens(x), case.oracle.lens(y)
            kl = float((q * (np.log(q) - np.log(p))).sum())
            assert cells[column] == pytest.approx(kl, rel=1e-3, abs=2e-6)
    named = {id for run in (got.unedited, got.edited) for row in run.tokens for id in row}
    assert {token.id: token.text for token in got.vocabulary} == {
        id: case.decode(id) for id in named
    }


def test_one_run_alone_and_in_small_blocks(tied: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tied.debugger.grid(PROMPTS[0])
    assert whole.edited is None
    assert whole.kl is None
    assert_grid_run(tied, whole.unedited, tied.oracle.run(tied.encode(PROMPTS[0])), whole.positions)
    monkeypatch.setattr(module, "_MAX_ELEMENTS", 3 * 8192)
    small = tied.debugger.grid(PROMPTS[0], EDITS)
    plain = tied.oracle.run(tied.encode(PROMPTS[0]))
    assert_grid_run(tied, small.unedited, plain, small.positions)


def test_noops_diverge_by_nothing(tied: Case) -> None:
    got = tied.debugger.grid("Yes", [Intervention.add("L1D2", 0)])
    assert got.edited == got.unedited
    assert got.kl is not None
    assert {value for row in got.kl for value in row} == {0.0}


def test_what_is_wrong_is_said(tied: Case) -> None:
    with pytest.raises(InvalidPosition):
        tied.debugger.grid("Yes", positions=[7])
    with pytest.raises(NonFiniteResult, match="in layer 1"):
        tied.debugger.grid("Yes", [Intervention.set("L1D2", 1e30)])
    narrow = Debugger.load(str(tied.folder), device="cpu", limits=Limits(max_positions=2))
    assert len(narrow.grid(PROMPTS[0], positions=[0, 1]).positions) == 2
    with pytest.raises(OutOfRange, match="number of positions"):
        narrow.grid(PROMPTS[0])
