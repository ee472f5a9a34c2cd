"""Engine results beside the oracle's numbers: the comparisons that several test files make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from lm_debugger.engine.types import Generation, Intervention, Run, StateReading
from tests.compare import assert_same, is_same
from tests.engine.case import Case
from tests.reference import Array, Edit, States, Step, assert_ranked

RTOL = 1e-5


def as_edits(interventions: Iterable[Intervention]) -> list[Edit]:
    """The engine's interventions as the oracle takes them."""
    return [
        {
            "layer": i.layer, "dim": i.dim, "kind": i.kind, "value": i.value,
            "positions": i.positions, "generated": i.generated,
        }
        for i in interventions
    ]  # fmt: skip


def prob_rtol(case: Case, x: Array) -> float:
    """How close a float32 probability read from the residual x [D] can be held to the oracle's.

    1e-5, or float32's own resolution of a logit E_i ln_f(x) where that is coarser: an error of a
    logit is a relative error of the probability, and a product of vectors of lengths |E_i| and
    |ln_f(x)| is known to a rounding or two (2**-23 each) of the product of these lengths. For the
    random models that is below 1e-5, so it does not count; for `demo` it is 2e-5.
    """
    length = np.linalg.norm(case.oracle.layer_norm(x, "ln_f"))
    longest = np.linalg.norm(case.oracle.unembedding, axis=-1).max()
    return max(RTOL, float(2 * 2**-23 * length * longest))


def rtol_between(case: Case) -> float:
    """How close two float32 runs of one and the same thing can be held to each other: twice
    `prob_rtol`, for any residual there is, as |ln_f(x)| is at most sqrt(D) max |gain| + |bias|.

    That they agree to the last bit is promised nowhere: sums are rounded in another order in
    company, and on another processor.
    """
    gain, bias = case.oracle.w["ln_f.weight"], case.oracle.w["ln_f.bias"]
    length = np.sqrt(len(gain)) * np.abs(gain).max() + np.linalg.norm(bias)
    longest = np.linalg.norm(case.oracle.unembedding, axis=-1).max()
    return 2 * max(RTOL, float(2 * 2**-23 * length * longest))


def assert_agree(case: Case, got: Any, expected: Any) -> None:
    """Two results of a model, or parts of them, say the same."""
    assert_same(got, expected, rtol_between(case))


def agree(case: Case, got: Any, expected: Any) -> bool:
    """Whether they do."""
    return is_same(got, expected, rtol_between(case))


def assert_reading(case: Case, reading: StateReading, x: Array, k: int) -> None:
    """One lens reading (rules 4 and 5) against the oracle's whole distribution for x [D]."""
    probs, rtol = case.oracle.lens(x), prob_rtol(case, x)
    assert_ranked([(t.token.id, t.prob) for t in reading.top], probs, k, rtol=rtol)
    for entry in reading.top:
        assert entry.token.text == case.decode(entry.token.id)
    positive = probs[probs > 0]
    entropy = -(positive * np.log(positive)).sum()
    # Where one token has nearly all the probability, 1 - p is a few float32 roundings of 1 (6e-8
    # each) and the entropy no better known than that.
    assert reading.entropy == pytest.approx(entropy, rel=rtol, abs=1e-6)


def assert_run(case: Case, run: Run, states: States, positions: Sequence[int], k: int) -> None:
    """Every number of an engine's run: readings, coefficients and scores at `positions`."""
    assert [p.position for p in run.positions] == list(positions)
    for at in run.positions:
        assert [layer.layer for layer in at.layers] == list(range(case.oracle.n_layer))
        for layer in at.layers:
            l, t = layer.layer, at.position  # the equations' own letters
            assert_reading(case, layer.before, states.before[l, t], k)
            assert_reading(case, layer.after, states.after[l, t], k)
            m = states.m[l, t]
            updates = layer.sub_updates
            assert {u.id.layer for u in updates} == {l}
            scores = case.oracle.scores(m, l)
            assert_ranked([(u.id.dim, u.score) for u in updates], scores, k, rtol=RTOL)
            np.testing.assert_allclose(
                [u.coefficient for u in updates], m[[u.id.dim for u in updates]], rtol=RTOL
            )


def assert_generation(case: Case, got: Generation, steps: Sequence[Step], k: int) -> None:
    """Token by token: which one, how likely, and what else might have come."""
    assert [s.token.id for s in got.steps] == [s.token for s in steps]
    assert [s.index for s in got.steps] == list(range(len(steps)))
    for step, expected in zip(got.steps, steps, strict=True):
        rtol = prob_rtol(case, expected.state)
        assert step.prob == pytest.approx(expected.probs[expected.token], rel=rtol)
        assert step.token.text == case.decode(expected.token)
        alternatives = [(a.token.id, a.prob) for a in step.alternatives]
        assert_ranked(alternatives, expected.probs, k, rtol=rtol)
