"""Sampling: seeds, and that what is drawn follows the distribution it should."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from lm_debugger.engine.generation import choose
from lm_debugger.engine.types import Intervention, Sampling
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits
from tests.reference import sampling_distribution

PROMPT = PROMPTS[0]


def test_the_same_seed_gives_the_same_text(tied: Case) -> None:
    def text(seed: int) -> str:
        sampling = Sampling(temperature=1.0, seed=seed)
        return tied.debugger.generate(PROMPT, max_new_tokens=10, sampling=sampling).text

    assert text(3) == text(3)
    assert len({text(seed) for seed in range(5)}) > 1
    assert text(2**63 - 1) == text(2**63 - 1)


def test_a_seed_is_the_requests_own(tied: Case) -> None:
    """Other draws, of torch's global generator or of other requests, do not move it."""
    sampling = Sampling(temperature=1.0, seed=7)
    alone = tied.debugger.generate(PROMPT, max_new_tokens=6, sampling=sampling)
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    stream = tied.debugger.stream(PROMPT, max_new_tokens=6, sampling=sampling)
    for _ in stream:
        tied.debugger.generate(PROMPT, max_new_tokens=1, sampling=Sampling(1.0, seed=8))
    assert stream.result == alone
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_tiny_nucleus_or_temperature_is_greedy(tied: Case) -> None:
    greedy = tied.debugger.generate(PROMPT, max_new_tokens=6)
    for sampling in (Sampling(1.0, top_p=1e-9), Sampling(1e-6), Sampling(0.0, top_p=0.5, seed=9)):
        sampled = tied.debugger.generate(PROMPT, max_new_tokens=6, sampling=sampling)
        assert sampled == greedy


def test_the_reported_probability_is_the_models_own(tied: Case) -> None:
    """Neither temperature nor nucleus shows in it."""
    sampling = Sampling(temperature=5.0, top_p=0.99, seed=4)
    generation = tied.debugger.generate(PROMPT, max_new_tokens=5, sampling=sampling)
    sequence = tied.encode(PROMPT)
    for step in generation.steps:
        probs = tied.oracle.lens(tied.oracle.run(sequence).after[-1, -1])
        assert step.prob == pytest.approx(probs[step.token.id], rel=RTOL)
        assert step.alternatives[0].token.id == probs.argmax()
        sequence.append(step.token.id)


@pytest.mark.parametrize(
    ("temperature", "top_p"),
    [(1.0, 1.0), (0.5, 1.0), (2.0, 1.0), (1.0, 0.7), (0.5, 0.7), (2.0, 0.6)],
)
def test_what_is_drawn_follows_the_distribution(temperature: float, top_p: float) -> None:
    """20,000 draws from six tokens: a chi-square test at a level of 1e-6, the seed being fixed."""
    probs = np.array([0.05, 0.3, 0.12, 0.33, 0.15, 0.05])
    expected = sampling_distribution(probs, temperature, top_p)
    logits = torch.tensor(np.log(probs) + 3.7, dtype=torch.float32)
    random = torch.Generator().manual_seed(5)
    sampling = Sampling(temperature, top_p)
    n = 20_000
    counts = Counter(choose(logits, sampling, random) for _ in range(n))
    observed = np.array([counts[i] for i in range(6)])
    inside = expected > 0
    assert observed[~inside].sum() == 0
    chi_square = ((observed - n * expected)[inside] ** 2 / (n * expected)[inside]).sum()
    assert chi_square < 35.9  # the 1 - 1e-6 quantile for 5 degrees of freedom, more than for fewer


def test_a_sampled_text_is_drawn_token_by_token_from_the_edited_model(tied: Case) -> None:
    """First tokens over 300 seeds, against the oracle's edited distribution; also that the nucleus
    of that distribution, and nothing else, is drawn from."""
    edits = [Intervention.set(name, 4.0) for name in tied.all_dominant()]
    states = tied.oracle.run(tied.encode(PROMPT), as_edits(edits))
    expected = sampling_distribution(tied.oracle.lens(states.after[-1, -1]), 1.0, 0.5)
    counts = Counter(
        tied.debugger.generate(
            PROMPT, edits, max_new_tokens=1, sampling=Sampling(1.0, top_p=0.5, seed=seed)
        )
        .steps[0]
        .token.id
        for seed in range(300)
    )
    assert set(counts) <= set(np.flatnonzero(expected).tolist())
    likeliest = int(expected.argmax())
    p = expected[likeliest]
    assert abs(counts[likeliest] - 300 * p) < 5 * np.sqrt(300 * p * (1 - p)) + 1
