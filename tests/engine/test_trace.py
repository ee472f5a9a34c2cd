"""Rules 1 to 6: what a trace without interventions says, against the oracle and transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lm_debugger.engine import lens
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Limits
from lm_debugger.errors import (
    EmptyPrompt,
    InvalidPosition,
    OutOfRange,
    PromptTooLong,
)
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, assert_agree, assert_run
from tests.models import VOCAB, random_model, save
from tests.reference import assert_ranked, ranked


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_number_of_a_trace(case: Case, prompt: str) -> None:
    ids = case.encode(prompt)
    trace = case.debugger.trace(prompt)
    assert trace.prompt == prompt
    assert trace.edited is None
    assert trace.interventions == ()
    assert [t.id for t in trace.tokens] == ids
    assert trace.positions == (len(ids) - 1,)
    assert_run(case, trace.unedited, case.oracle.run(ids), trace.positions, k=10)


def test_every_position(case: Case) -> None:
    ids = case.encode(PROMPTS[0])
    trace = case.debugger.trace(PROMPTS[0], positions="all", top_k=5)
    assert trace.positions == tuple(range(len(ids)))
    assert_run(case, trace.unedited, case.oracle.run(ids), trace.positions, k=5)


def test_chosen_positions(tied: Case) -> None:
    ids = tied.encode(PROMPTS[0])
    trace = tied.debugger.trace(PROMPTS[0], positions=[-1, 0, 2])
    assert trace.positions == (0, 2, len(ids) - 1)
    assert_run(tied, trace.unedited, tied.oracle.run(ids), trace.positions, k=10)
    assert tied.debugger.trace(PROMPTS[0], positions=2).positions == (2,)


def test_a_position_outside_the_prompt_names_the_range(tied: Case) -> None:
    n = len(tied.encode(PROMPTS[0]))
    for position in (n, -n - 1):
        with pytest.raises(InvalidPosition, match=f"0 to {n - 1}"):
            tied.debugger.trace(PROMPTS[0], positions=[position])


def test_the_last_after_is_the_models_own_prediction(case: Case) -> None:
    for prompt in PROMPTS:
        probs = case.plain_probs(case.plain(), case.encode(prompt))
        prediction = case.debugger.trace(prompt).unedited.positions[0].prediction
        assert_ranked([(t.token.id, t.prob) for t in prediction.top], probs, 10, rtol=RTOL)


def test_top_k_is_the_number_of_tokens_and_sub_updates(tied: Case) -> None:
    layer = tied.debugger.trace(PROMPTS[0], top_k=3).unedited.positions[0].layers[0]
    assert [len(layer.before.top), len(layer.sub_updates), len(layer.after.top)] == [3, 3, 3]
    longer = tied.debugger.trace(PROMPTS[0], top_k=7).unedited.positions[0].layers[0]
    assert_agree(tied, longer.before.top[:3], layer.before.top)
    assert_agree(tied, longer.sub_updates[:3], layer.sub_updates)


def test_no_more_entries_than_there_are(open_case: Callable[[str], Case]) -> None:
    case = open_case("one-layer")  # F = 20
    layer = case.debugger.trace(PROMPTS[0], top_k=50).unedited.positions[0].layers[0]
    assert len(layer.sub_updates) == 20
    assert len(layer.after.top) == 50


@pytest.mark.parametrize("top_k", [0, -1, Limits().max_top_k + 1])
def test_top_k_has_limits(tied: Case, top_k: int) -> None:
    with pytest.raises(OutOfRange, match=str(Limits().max_top_k)):
        tied.debugger.trace(PROMPTS[0], top_k=top_k)


def test_an_empty_prompt_is_an_error(tied: Case) -> None:
    with pytest.raises(EmptyPrompt):
        tied.debugger.trace("")


def test_the_longest_prompt_is_traced_and_one_token_more_is_an_error(tied: Case) -> None:
    n = tied.oracle.config["n_positions"]
    word = " the"
    assert len(tied.encode(word * n)) == n
    trace = tied.debugger.trace(word * n)
    assert_run(tied, trace.unedited, tied.oracle.run(tied.encode(word * n)), (n - 1,), k=10)
    with pytest.raises(PromptTooLong, match=str(n)) as failure:
        tied.debugger.trace(word * (n + 1))
    assert str(n + 1) in failure.value.message


def test_equal_probabilities_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    """Rule 5. Rows of E repeat with period 16, so every probability is shared by 512 tokens."""
    model = random_model({"tie_word_embeddings": False, "n_layer": 2}, seed=5)
    with torch.no_grad():
        model.lm_head.weight.copy_(torch.eye(16, 32).repeat(VOCAB // 16, 1))
    debugger = Debugger.load(str(save(model, tmp_path / "ties")), device="cpu")
    for layer in debugger.trace("Yes and no").unedited.positions[0].layers:
        for reading in (layer.before, layer.after):
            best = reading.top[0].token.id
            assert best < 16
            assert [t.token.id for t in reading.top] == [best + 16 * n for n in range(10)]
    step = debugger.generate("Yes and no", max_new_tokens=1).steps[0]
    assert step.token.id < 16
    assert [a.token.id for a in step.alternatives] == [step.token.id + 16 * n for n in range(5)]


def test_a_flat_distribution_lists_the_first_tokens(tmp_path: Path) -> None:
    model = random_model({"tie_word_embeddings": False, "n_layer": 1}, seed=6)
    with torch.no_grad():
        model.lm_head.weight.zero_()
    debugger = Debugger.load(str(save(model, tmp_path / "flat")), device="cpu")
    prediction = debugger.trace("Yes").unedited.positions[0].prediction
    assert [t.token.id for t in prediction.top] == list(range(10))
    assert [t.prob for t in prediction.top] == pytest.approx([1 / VOCAB] * 10)
    assert prediction.entropy == pytest.approx(np.log(VOCAB))


def test_equal_scores_come_in_the_order_of_their_dimensions(tmp_path: Path) -> None:
    """All coefficients of a layer equal and all value vectors of equal length."""
    model = random_model({"n_layer": 1}, seed=7)
    mlp = model.transformer.h[0].mlp
    with torch.no_grad():
        mlp.c_fc.weight.zero_()
        mlp.c_fc.bias.fill_(1.5)
        mlp.c_proj.weight.copy_(torch.eye(32).repeat(4, 1))
    debugger = Debugger.load(str(save(model, tmp_path / "equal")), device="cpu")
    updates = debugger.trace("Yes").unedited.positions[0].layers[0].sub_updates
    assert [u.id.dim for u in updates] == list(range(10))


def test_a_negative_coefficient_ranks_by_its_size_and_keeps_its_sign(
    open_case: Callable[[str], Case],
) -> None:
    """Rule 6. tanh coefficients are as often negative as positive."""
    case = open_case("padded")
    updates = case.debugger.trace(PROMPTS[0]).unedited.positions[0].layers[0].sub_updates
    assert any(u.coefficient < 0 for u in updates)
    assert all(u.score > 0 for u in updates)


def test_rows_beyond_the_tokenizer_are_read_like_any_other(tmp_path: Path) -> None:
    """Fine-tunes often pad the vocabulary; such a token has no text but may be the likeliest."""
    model = random_model({"vocab_size": VOCAB + 5, "tie_word_embeddings": False}, seed=8)
    with torch.no_grad():
        model.lm_head.weight.zero_()
        model.lm_head.weight[VOCAB + 2] = 1.0
        model.transformer.ln_f.bias.fill_(5.0)
    debugger = Debugger.load(str(save(model, tmp_path / "padded")), device="cpu")
    prediction = debugger.trace("Yes").unedited.positions[0].prediction
    assert prediction.top[0].token.id == VOCAB + 2
    assert prediction.top[0].prob == pytest.approx(1.0)
    generation = debugger.generate("Yes", max_new_tokens=2)
    assert [s.token.id for s in generation.steps] == [VOCAB + 2] * 2
    assert generation.text == "Yes"


def test_the_number_of_positions_has_a_limit(tied: Case) -> None:
    debugger = Debugger.load(str(tied.folder), device="cpu", limits=Limits(max_positions=3))
    assert len(debugger.trace(PROMPTS[0], positions=[0, 1, 2]).positions) == 3
    with pytest.raises(OutOfRange, match="1 to 3"):
        debugger.trace(PROMPTS[0], positions="all")


def test_many_states_are_read_in_blocks(tied: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """[S, V] is never held whole; where it is cut does not show."""
    expected = tied.debugger.trace(PROMPTS[1], positions="all")
    sizes = []
    unembed = lens.Lens.unembed

    def watch(self: lens.Lens, vectors: torch.Tensor) -> torch.Tensor:
        sizes.append(len(vectors))
        return unembed(self, vectors)

    monkeypatch.setattr(lens, "_MAX_ELEMENTS", 5 * VOCAB)
    monkeypatch.setattr(lens.Lens, "unembed", watch)
    got = tied.debugger.trace(PROMPTS[1], positions="all")
    assert max(sizes) == 5
    assert sum(sizes) == 2 * tied.oracle.n_layer * len(expected.positions)
    ids = tied.encode(PROMPTS[1])
    assert_run(tied, got.unedited, tied.oracle.run(ids), expected.positions, k=10)


def test_tracing_twice_gives_the_same_numbers(case: Case) -> None:
    """Remembered or run again."""
    once, twice = case.debugger.trace(PROMPTS[1]), case.debugger.trace(PROMPTS[1])
    assert once == twice
    assert_agree(case, case.forgetful.trace(PROMPTS[1]), once)
    assert_agree(case, case.forgetful.trace(PROMPTS[1]), once)


def test_traced_positions_do_not_depend_on_each_other(tied: Case) -> None:
    """A causal model: a prompt's prefix traced alone gives what the whole prompt shows there."""
    ids = tied.encode(PROMPTS[0])
    states = tied.oracle.run(ids)
    whole = tied.debugger.trace(PROMPTS[0], positions="all").unedited.positions
    prefix = tied.tokenizer.decode(ids[:3])
    assert tied.encode(prefix) == ids[:3]
    alone = tied.debugger.trace(prefix, positions="all").unedited.positions
    for a, b in zip(whole, alone, strict=False):
        assert a.position == b.position
        for x, y in zip(a.layers, b.layers, strict=True):
            assert x.after.entropy == pytest.approx(y.after.entropy, rel=RTOL)
            truth = tied.oracle.lens(states.after[x.layer, b.position])
            assert {t.token.id for t in y.after.top} == set(ranked(truth, 10))
