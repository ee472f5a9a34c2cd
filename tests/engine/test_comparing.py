"""Both runs side by side, and tokens through the states, against the oracle's distributions."""

from __future__ import annotations

import numpy as np
import pytest

from lm_debugger.engine.types import Intervention
from lm_debugger.errors import OutOfRange, UnknownToken
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits, prob_rtol

EDITS = [Intervention.set("L0D3", 2.5), Intervention.on("L0D5"), Intervention.scale("L0D9", -2)]


def test_kl_and_probabilities_of_both_runs(case: Case) -> None:
    ids = case.encode(PROMPTS[0])
    plain, changed = case.oracle.run(ids), case.oracle.run(ids, as_edits(EDITS))
    got = case.debugger.trace(PROMPTS[0], EDITS, positions=[1, -1], top_k=7)
    assert got.comparison is not None
    for at in got.comparison:
        for layer in at.layers:
            for state, name in ((layer.before, "before"), (layer.after, "after")):
                x, y = (getattr(run, name)[layer.layer, at.position] for run in (plain, changed))
                p, q = case.oracle.lens(x), case.oracle.lens(y)
                kl = float((q * (np.log(q) - np.log(p))).sum())
                assert state.kl == pytest.approx(kl, rel=1e-3, abs=2e-6)
                expected = set(np.argsort(-p, kind="stable")[:7]) | set(
                    np.argsort(-q, kind="stable")[:7]
                )
                assert {change.token.id for change in state.tokens} == expected
                for change in state.tokens:
                    rtol = max(prob_rtol(case, x), prob_rtol(case, y))
                    assert change.unedited == pytest.approx(p[change.token.id], rel=rtol)
                    assert change.edited == pytest.approx(q[change.token.id], rel=rtol)
                edited = [change.edited for change in state.tokens]
                assert edited == sorted(edited, reverse=True)


def test_without_interventions_there_is_nothing_to_compare_and_noops_differ_by_nothing(
    tied: Case,
) -> None:
    assert tied.debugger.trace("Yes").comparison is None
    same = tied.debugger.trace("Yes", [Intervention.scale("L0D1", 1)]).comparison
    assert same is not None
    for layer in same[0].layers:
        for state in (layer.before, layer.after):
            assert state.kl == 0
            assert all(change.unedited == change.edited for change in state.tokens)


def test_tokens_followed_through_every_state(case: Case) -> None:
    ids = case.encode(PROMPTS[0])
    tokens = [5, 300, 0]
    got = case.debugger.follow(PROMPTS[0], tokens, EDITS, position=2)
    assert got.position == 2
    assert got.edited is not None
    for followed, edits in ((got.unedited, []), (got.edited, EDITS)):
        run = case.oracle.run(ids, as_edits(edits))
        pairs = np.stack((run.before[:, 2], run.after[:, 2]), axis=1)  # [L, 2, D]
        states = pairs.reshape(-1, pairs.shape[-1])
        logits = case.oracle.logits(states)
        probs = case.oracle.lens(states)
        for item, token in zip(followed, tokens, strict=True):
            assert item.token.id == token
            rtol = max(prob_rtol(case, x) for x in states)
            assert item.probs == pytest.approx(probs[:, token], rel=rtol)
            assert item.logits == pytest.approx(logits[:, token], abs=rtol * np.abs(logits).max())
            own = probs[:, [token]]
            lowest = 1 + (probs > own * (1 + 2 * rtol)).sum(axis=1)
            highest = (probs >= own * (1 - 2 * rtol)).sum(axis=1)
            for rank, low, high in zip(item.ranks, lowest, highest, strict=True):
                assert low <= rank <= high


def test_the_share_of_the_dominant_sub_updates(case: Case) -> None:
    ids = case.encode(PROMPTS[0])
    states = case.oracle.run(ids)
    trace = case.debugger.trace(PROMPTS[0], top_k=4)
    for layer in trace.unedited.positions[0].layers:
        scores = np.sort(case.oracle.scores(states.m[layer.layer, -1], layer.layer))[::-1]
        assert layer.share == pytest.approx(scores[:4].sum() / scores.sum(), rel=1e-5)


def test_what_is_wrong_is_said(tied: Case) -> None:
    with pytest.raises(UnknownToken, match="0 to 8191"):
        tied.debugger.follow("Yes", [8192])
    with pytest.raises(OutOfRange, match="number of tokens"):
        tied.debugger.follow("Yes", [])
