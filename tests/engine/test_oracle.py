"""The oracle itself: held to plain transformers and to closed forms before it judges anybody."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from tests.engine.case import PROMPTS, Case
from tests.reference import (
    ACTIVATIONS,
    Edit,
    assert_ranked,
    covers,
    ranked,
    sampling_distribution,
    winners,
)


def test_logits_are_those_of_transformers_in_double_precision(case: Case) -> None:
    # On the default attention: "eager" with reorder_and_upcast_attn insists on float32.
    model = case.plain().double()
    for prompt in PROMPTS:
        ids = case.encode(prompt)
        with torch.inference_mode():
            expected = model(torch.tensor([ids])).logits[0].numpy()
        got = case.oracle.logits(case.oracle.run(ids).after[-1])
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)


def test_greedy_generation_is_that_of_transformers(case: Case) -> None:
    ids = case.encode(PROMPTS[0])
    steps, ended = case.oracle.generate(ids, k=8)
    with torch.inference_mode():
        out = case.plain().generate(
            torch.tensor([ids]), max_new_tokens=8, do_sample=False, pad_token_id=0
        )
    expected = out[0, len(ids) :].tolist()
    assert [s.token for s in steps] + [0] * ended == expected


@pytest.mark.parametrize("name", ["gelu", "gelu_new", "relu", "silu", "sigmoid", "tanh"])
def test_activations_are_torchs(name: str) -> None:
    x = np.linspace(-6, 6, 121)
    functions = {
        "gelu": torch.nn.GELU(),
        "gelu_new": torch.nn.GELU(approximate="tanh"),
        "relu": torch.nn.ReLU(),
        "silu": torch.nn.SiLU(),
        "sigmoid": torch.nn.Sigmoid(),
        "tanh": torch.nn.Tanh(),
    }
    expected = functions[name](torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(ACTIVATIONS[name](x), expected, rtol=1e-12, atol=1e-15)


def test_positions_of_an_edit() -> None:
    def touched(**options: object) -> list[int]:
        edit: Edit = {"layer": 0, "dim": 0, "kind": "off", **options}  # type: ignore[typeddict-item]
        return [t for t in range(6) if covers(edit, t, prompt=4)]

    assert touched() == [0, 1, 2, 3, 4, 5]
    assert touched(generated=False) == [0, 1, 2, 3]
    assert touched(positions="last") == [3]
    assert touched(positions="last", generated=True) == [3, 4, 5]
    assert touched(positions=(0, -2)) == [0, 2]
    assert touched(positions=(1,), generated=True) == [1, 4, 5]


def test_the_last_of_two_edits_wins_position_by_position() -> None:
    everywhere: Edit = {"layer": 0, "dim": 7, "kind": "off"}
    here: Edit = {"layer": 0, "dim": 7, "kind": "set", "value": 1.0, "positions": (1,)}
    assert winners([everywhere, here], 3, 3) == {
        (0, 7): everywhere,
        (1, 7): here,
        (2, 7): everywhere,
    }
    assert winners([here, everywhere], 3, 3) == dict.fromkeys([(0, 7), (1, 7), (2, 7)], everywhere)


def test_sampling_distribution_by_hand() -> None:
    probs = np.array([0.1, 0.4, 0.2, 0.3])
    np.testing.assert_allclose(sampling_distribution(probs, 1.0, 1.0), probs)
    np.testing.assert_allclose(sampling_distribution(probs, 1.0, 0.6), [0, 4 / 7, 0, 3 / 7])
    np.testing.assert_allclose(sampling_distribution(probs, 0.0, 1.0), [0, 1, 0, 0])
    squares = np.array([1, 16, 4, 9]) / 30
    np.testing.assert_allclose(sampling_distribution(probs, 0.5, 1.0), squares)
    # The temperature first, then the nucleus: 16/30 alone reaches 0.5 here, 0.4 would not.
    np.testing.assert_allclose(sampling_distribution(probs, 0.5, 0.5), [0, 1, 0, 0])


def test_assert_ranked_sees_every_kind_of_mistake() -> None:
    truth = np.array([0.1, 0.4, 0.2, 0.2, 0.1])
    assert ranked(truth, 3) == [1, 2, 3]
    good = [(1, 0.4), (2, 0.2), (3, 0.2)]
    assert_ranked(good, truth, 3)
    for bad in (
        good[:2],
        [(1, 0.4), (3, 0.2), (2, 0.2)],  # a tie in the wrong order
        [(1, 0.4), (2, 0.2), (2, 0.2)],
        [(1, 0.4), (2, 0.2), (0, 0.2)],  # the right value beside the wrong index
        [(1, 0.4), (2, 0.2), (0, 0.1)],
        [(1, 0.4 * (1 + 3e-5)), (2, 0.2), (3, 0.2)],
    ):
        with pytest.raises(AssertionError):
            assert_ranked(bad, truth, 3)


def test_boost_is_the_largest_score_at_the_last_prompt_position_plus_a_hundredth(
    tied: Case,
) -> None:
    ids = tied.encode(PROMPTS[0])
    m = tied.oracle.run(ids).m
    for layer, c in enumerate(tied.oracle.boosts(ids)):
        norms = [math.sqrt(sum(float(x) ** 2 for x in row)) for row in tied.oracle.values(layer)]
        assert c == pytest.approx(
            max(abs(a) * b for a, b in zip(m[layer, -1], norms, strict=True)) + 0.01
        )
