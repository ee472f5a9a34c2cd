"""Rule 14: generation token by token, against the oracle; where it ends; sampling; the stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import GenerationStep, Intervention, Limits
from lm_debugger.errors import EmptyPrompt, OutOfRange, PromptTooLong
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits, assert_agree, assert_generation
from tests.models import random_model, save
from tests.reference import Oracle

PROMPT = PROMPTS[0]


def assert_as_the_oracle(
    case: Case, edits: Sequence[Intervention], prompt: str = PROMPT, k: int = 8
) -> list[int]:
    """Engine and oracle generate; returns the tokens."""
    got = case.debugger.generate(prompt, edits, max_new_tokens=k, alternatives=7)
    steps, ended = case.oracle.generate(case.encode(prompt), as_edits(edits), k)
    assert_generation(case, got, steps, k=7)
    assert got.finish_reason == ("end_of_text" if ended else "length")
    assert got.prompt == prompt
    return [step.token for step in steps]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_generation(case: Case, prompt: str) -> None:
    tokens = assert_as_the_oracle(case, [], prompt)
    text = case.debugger.generate(prompt, max_new_tokens=8).text
    known = [t for t in [*case.encode(prompt), *tokens] if t < case.tokenizer.get_vocab_size()]
    assert text == case.tokenizer.decode(known)


KINDS: dict[str, Callable[..., Intervention]] = {
    "on": Intervention.on,
    "off": Intervention.off,
    "set": lambda name, **more: Intervention.set(name, 9.0, **more),
    "scale": lambda name, **more: Intervention.scale(name, -3.0, **more),
    "add": lambda name, **more: Intervention.add(name, -6.0, **more),
}


@pytest.mark.parametrize("kind", KINDS)
def test_edits_hold_at_generated_tokens_too(case: Case, kind: str) -> None:
    assert_as_the_oracle(case, [KINDS[kind](name) for name in case.all_dominant()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("positions", "generated"),
    [
        ("all", False),
        ("last", None),
        ("last", True),
        ((0, 2), None),
        ((0, 2), True),
        ((-1,), False),
    ],
)
def test_the_choice_for_prompt_and_generated_tokens(
    tied: Case, kind: str, positions: str | tuple[int, ...], generated: bool | None
) -> None:
    make = KINDS[kind]
    edits = [make(name, positions=positions, generated=generated) for name in tied.all_dominant()]
    assert_as_the_oracle(tied, edits)


def test_the_choice_for_generated_tokens_changes_what_is_generated(tied: Case) -> None:
    """Else the test above could not tell one choice from another."""
    edits = {
        generated: [
            Intervention.set(name, 9.0, positions="last", generated=generated)
            for name in tied.all_dominant()
        ]
        for generated in (False, True)
    }
    kept = assert_as_the_oracle(tied, edits[False])
    more = assert_as_the_oracle(tied, edits[True])
    assert kept[0] == more[0]
    assert kept != more


def test_the_last_of_two_edits_wins_at_generated_tokens_by_itself(tied: Case) -> None:
    name = tied.all_dominant()[1]
    everywhere = Intervention.set(name, 12.0)
    prompt_only = Intervention.off(name, generated=False)
    generated_only_later = Intervention.set(name, -12.0, positions=(0,), generated=True)
    for edits in (
        [everywhere, prompt_only],
        [prompt_only, everywhere],
        [everywhere, generated_only_later],
    ):
        assert_as_the_oracle(tied, edits)


def test_the_boost_is_taken_once_from_the_unedited_prompt(tied: Case) -> None:
    """Rule 10: c neither moves along with the generated text nor with other edits."""
    names = tied.all_dominant()
    edits = [Intervention.set(names[0], 20.0), *(Intervention.on(name) for name in names[1:])]
    assert_as_the_oracle(tied, edits, k=12)
    # ... nor with what was asked of the debugger before
    tied.debugger.trace(PROMPT, edits, positions=0)
    assert_as_the_oracle(tied, edits, k=12)


def test_the_first_step_is_what_the_trace_predicts(case: Case) -> None:
    edits = [Intervention.on(case.all_dominant()[0])]
    for chosen in ([], edits):
        trace = case.debugger.trace(PROMPT, chosen)
        run = trace.edited or trace.unedited
        step = case.debugger.generate(PROMPT, chosen, max_new_tokens=1, alternatives=10).steps[0]
        top = run.positions[0].prediction.top
        assert step.token == top[0].token
        assert step.prob == pytest.approx(top[0].prob, rel=RTOL)
        assert [a.token for a in step.alternatives] == [t.token for t in top]


# --- where it ends --------------------------------------------------------------------------------


def untied(seed: int) -> Any:
    return random_model({"tie_word_embeddings": False, "n_positions": 16}, seed=seed)


@pytest.fixture
def ending(tmp_path: Path) -> tuple[Debugger, Oracle, Path]:
    """A model that says end-of-text as its fourth token after PROMPT: rows of E change places."""
    model = untied(35)
    oracle = Oracle(save(model, tmp_path / "before"))
    debugger = Debugger.load(str(tmp_path / "before"), device="cpu")
    tokens = [s.token for s in oracle.generate([t.id for t in debugger.tokenize(PROMPT)], k=4)[0]]
    assert tokens[3] not in tokens[:3]
    with torch.no_grad():
        rows = model.lm_head.weight
        rows[[0, tokens[3]]] = rows[[tokens[3], 0]]
    folder = save(model, tmp_path / "after")
    return Debugger.load(str(folder), device="cpu"), Oracle(folder), folder


def test_end_of_text_stops_and_is_not_a_step(ending: tuple[Debugger, Oracle, Path]) -> None:
    debugger, oracle, _ = ending
    ids = [t.id for t in debugger.tokenize(PROMPT)]
    steps, ended = oracle.generate(ids, k=10)
    assert ended
    assert len(steps) == 3
    generation = debugger.generate(PROMPT, max_new_tokens=10)
    assert [s.token.id for s in generation.steps] == [s.token for s in steps]
    assert generation.finish_reason == "end_of_text"
    assert "<|endoftext|>" not in generation.text
    short = debugger.generate(PROMPT, max_new_tokens=3)
    assert (len(short.steps), short.finish_reason) == (3, "length")


def test_an_edit_can_prevent_the_end(ending: tuple[Debugger, Oracle, Path]) -> None:
    debugger, oracle, _ = ending
    layers = debugger.trace(PROMPT).unedited.positions[0].layers
    edits = [Intervention.set(str(layer.sub_updates[0].id), 12.0) for layer in layers]
    ids = [t.id for t in debugger.tokenize(PROMPT)]
    steps, ended = oracle.generate(ids, as_edits(edits), k=8)
    assert not ended
    generation = debugger.generate(PROMPT, edits, max_new_tokens=8)
    assert [s.token.id for s in generation.steps] == [s.token for s in steps]


def test_end_of_text_at_once_leaves_the_prompt(tmp_path: Path) -> None:
    model = untied(22)
    with torch.no_grad():
        model.transformer.ln_f.bias.fill_(3.0)
        model.lm_head.weight[0] = 3.0
    debugger = Debugger.load(str(save(model, tmp_path / "silent")), device="cpu")
    generation = debugger.generate(PROMPT)
    assert generation.steps == ()
    assert generation.text == PROMPT
    assert generation.finish_reason == "end_of_text"
    trace = debugger.trace(PROMPT)
    assert trace.unedited.positions[0].prediction.top[0].token.text == "<|endoftext|>"


def test_the_generation_config_says_what_ends_a_text(tmp_path: Path) -> None:
    """As for transformers' own `generate`: several ids may end it."""
    model = untied(35)
    oracle = Oracle(save(model, tmp_path / "one"))
    debugger = Debugger.load(str(tmp_path / "one"), device="cpu")
    tokens = [s.token for s in oracle.generate([t.id for t in debugger.tokenize(PROMPT)], k=4)[0]]
    model.generation_config.eos_token_id = [0, tokens[2]]
    more = Debugger.load(str(save(model, tmp_path / "two")), device="cpu")
    generation = more.generate(PROMPT, max_new_tokens=8)
    assert [s.token.id for s in generation.steps] == tokens[:2]
    assert generation.finish_reason == "end_of_text"


def test_the_context_fills_up(tmp_path: Path) -> None:
    """The last position of the model still predicts a token; then there is none left."""
    model = untied(23)
    folder = save(model, tmp_path / "short")
    debugger, oracle = Debugger.load(str(folder), device="cpu"), Oracle(folder)
    ids = [t.id for t in debugger.tokenize(PROMPT)]
    steps, ended = oracle.generate(ids, k=16 - len(ids) + 1)
    assert not ended
    generation = debugger.generate(PROMPT, max_new_tokens=100)
    assert [s.token.id for s in generation.steps] == [s.token for s in steps]
    assert generation.finish_reason == "context_full"

    full = " the" * 16
    assert len(debugger.tokenize(full)) == 16
    one = debugger.generate(full, max_new_tokens=5)
    assert (len(one.steps), one.finish_reason) == (1, "context_full")
    assert debugger.generate(full, max_new_tokens=1).finish_reason == "length"


def test_special_tokens_are_skipped_in_the_text(demo: Case) -> None:
    """Rule 14; they are read as special in the prompt (rule 1)."""
    prompt = "Yes<|endoftext|>It was"
    assert 0 in demo.encode(prompt)
    generation = demo.debugger.generate(prompt, max_new_tokens=3)
    continuation = demo.tokenizer.decode([s.token.id for s in generation.steps])
    assert generation.text == "YesIt was" + continuation
    assert_as_the_oracle(demo, [], prompt, k=3)


@pytest.mark.parametrize("count", [0, -1, Limits().max_new_tokens + 1])
def test_the_number_of_tokens_has_limits(tied: Case, count: int) -> None:
    with pytest.raises(OutOfRange, match=str(Limits().max_new_tokens)):
        tied.debugger.generate(PROMPT, max_new_tokens=count)
    with pytest.raises(OutOfRange):
        tied.debugger.stream(PROMPT, max_new_tokens=count)


def test_the_number_of_alternatives(tied: Case) -> None:
    steps = tied.debugger.generate(PROMPT, max_new_tokens=2, alternatives=3).steps
    assert [len(s.alternatives) for s in steps] == [3, 3]
    with pytest.raises(OutOfRange, match=str(Limits().max_top_k)):
        tied.debugger.generate(PROMPT, alternatives=Limits().max_top_k + 1)


def test_prompts_that_are_empty_or_too_long_raise_at_once(tied: Case) -> None:
    with pytest.raises(EmptyPrompt):
        tied.debugger.stream("")
    with pytest.raises(PromptTooLong, match="64"):
        tied.debugger.stream(" the" * 65)


# --- the stream -----------------------------------------------------------------------------------


def test_a_stream_gives_the_steps_one_by_one(tied: Case) -> None:
    whole = tied.debugger.generate(PROMPT, max_new_tokens=6)
    stream = tied.debugger.stream(PROMPT, max_new_tokens=6)
    seen: list[GenerationStep] = []
    for step in stream:
        seen.append(step)
        assert stream.result.steps == tuple(seen)
        assert stream.result.text == tied.tokenizer.decode(
            [*tied.encode(PROMPT), *(s.token.id for s in seen)]
        )
    assert stream.result == whole
    assert list(stream) == []
    stream.close()  # what has ended is not stopped
    assert stream.result == whole


def test_a_stream_can_be_closed_early_and_twice(tied: Case) -> None:
    whole = tied.debugger.generate(PROMPT, max_new_tokens=6)
    stream = tied.debugger.stream(PROMPT, max_new_tokens=6)
    first = [next(stream), next(stream)]
    stream.close()
    stream.close()
    assert list(stream) == []
    assert stream.result.steps == tuple(first) == whole.steps[:2]
    assert stream.result.finish_reason == "stopped"
    assert whole.finish_reason == "length"
    untouched = tied.debugger.stream(PROMPT)
    untouched.close()
    assert untouched.result.text == PROMPT
    assert tied.debugger.generate(PROMPT, max_new_tokens=6) == whole


def test_streams_and_traces_may_take_turns(tied: Case) -> None:
    """Between two tokens the model belongs to others, with other edits."""
    edits = [[Intervention.set(name, 9.0)] for name in tied.all_dominant()]
    alone = [tied.debugger.generate(PROMPT, e, max_new_tokens=6) for e in [[], *edits]]
    streams = [tied.debugger.stream(PROMPT, e, max_new_tokens=6) for e in [[], *edits]]
    clean = tied.forgetful.trace("It was", positions="all")
    for _ in range(6):
        for stream in streams:
            next(stream)
            assert_agree(tied, tied.forgetful.trace("It was", positions="all"), clean)
    assert [s.result.steps for s in streams] == [g.steps for g in alone]
