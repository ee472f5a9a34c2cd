"""Whatever is asked, and however large an intervention's value is: the answer is right, or refused.

From about 1e19 on the variance in a norm overflows float32 while its output stays finite, so that
what is wrong need not look so. The truth is the oracle's, in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pytest
import torch

from lm_debugger.engine.kept import Wanted
from lm_debugger.engine.types import Intervention
from lm_debugger.errors import NonFiniteResult
from tests.engine.case import PROMPTS, Case
from tests.reference import Array, Edit, States, assert_ranked

PROMPT = PROMPTS[0]
LAYER, DIM = 1, 5
VALUES = [float(f"{digits}e{exponent}") for exponent in range(18, 39) for digits in (1, 3)][:-1]
RTOL = 1e-3
"""Beside a part of 1e18 and more, float32 keeps few digits of all others."""

Check: TypeAlias = Callable[[Case, States, Intervention], None]


def lens_of(case: Case, states: States, position: int = -1) -> Array:
    """[2 L, V], in the order before 0, after 0, before 1, ..."""
    both = np.stack((states.before[:, position], states.after[:, position]), axis=1)
    return case.oracle.lens(both.reshape(-1, both.shape[-1]))


def trace(case: Case, states: States, edit: Intervention) -> None:
    found = case.debugger.trace(PROMPT, [edit]).edited
    assert found is not None
    truth = lens_of(case, states)
    for layer in found.positions[0].layers:
        for state, row in ((layer.before, 2 * layer.layer), (layer.after, 2 * layer.layer + 1)):
            got = [(item.token.id, item.prob) for item in state.top]
            np.testing.assert_allclose([p for _, p in got], np.sort(truth[row])[::-1][:10], RTOL)
        scores = case.oracle.scores(states.m[layer.layer, -1], layer.layer)
        assert_close([item.score for item in layer.sub_updates], np.sort(scores)[::-1][:10])
        assert 0 <= layer.share <= 1.000001


def grid(case: Case, states: States, edit: Intervention) -> None:
    found = case.debugger.grid(PROMPT, [edit])
    assert found.edited is not None
    for column, position in enumerate(found.positions):
        truth = lens_of(case, states, position).max(axis=1)
        assert_close([row[column] for row in found.edited.probs], truth)


def follow(case: Case, states: States, edit: Intervention) -> None:
    ids = [0, 7, 100]
    found = case.debugger.follow(PROMPT, ids, [edit]).edited
    assert found is not None
    truth = lens_of(case, states)
    for item, id in zip(found, ids, strict=True):
        assert_close(item.probs, truth[:, id])


def sub_updates(case: Case, states: States, edit: Intervention) -> None:
    for layer in range(case.oracle.n_layer):
        found = case.debugger.sub_updates(PROMPT, layer, [edit], top_k=5)
        scores = case.oracle.scores(states.m[layer, -1], layer)
        assert_close([item.sub_update.score for item in found], np.sort(scores)[::-1][:5])
        assert_close([item.share for item in found], np.sort(scores)[::-1][:5] / scores.sum())


def attribute(case: Case, states: States, edit: Intervention) -> None:
    found = case.debugger.attribute(PROMPT, 7, interventions=[edit])
    assert found.total == pytest.approx(case.oracle.logits(states.after[-1, -1])[7], rel=RTOL)
    parts = [found.base, found.start, *found.attention, *found.ffn]
    assert np.isfinite(parts).all()
    assert sum(parts) == pytest.approx(found.total, rel=RTOL, abs=RTOL * np.abs(parts).max())


def generate(case: Case, states: States, edit: Intervention) -> None:
    found = case.debugger.generate(PROMPT, [edit], max_new_tokens=2)
    truth = case.oracle.lens(states.after[-1, -1])
    [first, *_] = found.steps
    assert first.prob == pytest.approx(truth[first.token.id], rel=RTOL)
    assert_ranked([(t.token.id, t.prob) for t in first.alternatives], truth, 5, rtol=RTOL)


def assert_close(got: Sequence[float], truth: Array) -> None:
    np.testing.assert_allclose(got, truth, rtol=RTOL)


@pytest.mark.parametrize("positions", ["all", "last", (0,)], ids=str)
@pytest.mark.parametrize("check", [trace, grid, follow, sub_updates, attribute, generate])
def test_an_answer_is_right_or_refused(tied: Case, check: Check, positions: Any) -> None:
    """At the first position alone nothing that is looked at need be large, but all attend to it."""
    ids = tied.encode(PROMPT)
    refused = []
    for value in VALUES:
        edit: Edit = {"layer": LAYER, "dim": DIM, "kind": "set", "value": value}
        states = tied.oracle.run(ids, [{**edit, "positions": positions}])
        try:
            check(tied, states, Intervention(LAYER, DIM, "set", value, positions))
        except NonFiniteResult as error:
            assert error.details["layer"] == LAYER  # noqa: PT017
            refused.append(value)
    assert 1e18 not in refused, "refused although float32 holds it"
    assert refused == [value for value in VALUES if value >= refused[0]]


@pytest.mark.parametrize("positions", ["all", (0,)], ids=str)
def test_all_questions_refuse_the_same(tied: Case, positions: Any) -> None:
    debugger = tied.debugger
    for value in VALUES:
        edit = Intervention(LAYER, DIM, "set", value, positions)
        questions: list[Callable[[], object]] = [
            lambda edit=edit: debugger.trace(PROMPT, [edit]),
            lambda edit=edit: debugger.grid(PROMPT, [edit], positions="last"),
            lambda edit=edit: debugger.follow(PROMPT, [7], [edit]),
            lambda edit=edit: debugger.sub_updates(PROMPT, 2, [edit]),
            lambda edit=edit: debugger.attribute(PROMPT, 7, interventions=[edit]),
            lambda edit=edit: debugger.generate(PROMPT, [edit], max_new_tokens=1),
        ]
        assert len({is_refused(question) for question in questions}) == 1, value


def is_refused(question: Callable[[], object]) -> bool:
    try:
        question()
    except NonFiniteResult:
        return True
    return False


def test_padding_is_not_looked_at(tied: Case) -> None:
    """A shorter prompt of a batch is padded, and edits that hold for generated tokens stay out of
    there: softmax gives it no weight, but no times infinity is no number."""
    long, short = tied.encode("It was the first time that two"), tied.encode("Yes")
    assert len(short) < len(long)
    later = [
        Intervention(LAYER, DIM, "set", 1e30, generated=True),
        Intervention(LAYER, DIM, "scale", 1.0, generated=False),  # the prompt as it is
    ]
    runs = tied.forgetful.model.runs
    _, (plain, changed) = runs.many([Wanted(long, [0]), Wanted(short, [0], later)])
    assert changed.edits
    for before, after in zip(plain.done.residual, changed.done.residual, strict=True):
        assert torch.equal(before, after)
    with pytest.raises(NonFiniteResult, match="while generating"):
        tied.debugger.generate("Yes", later, max_new_tokens=2)
