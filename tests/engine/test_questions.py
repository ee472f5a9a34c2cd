"""What all questions have in common, whatever they ask."""

from __future__ import annotations

import pickle
from dataclasses import fields
from functools import partial
from typing import Any

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.questions import (
    attribute,
    find_tokens,
    follow,
    generate,
    grid,
    project,
    sub_updates,
    trace,
)
from lm_debugger.engine.questions.base import Question
from lm_debugger.engine.types import Intervention, Limits
from lm_debugger.errors import AnswerTooLarge, EmptyPrompt, InvalidInput, PromptTooLong
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import assert_agree
from tests.engine.test_batching import Batches, all_at_once

PROMPT = PROMPTS[0]
EDITS = (Intervention.set("L0D1", 2.5), Intervention.off("L1D3", positions=(0, -1)))
ABOUT_A_PROMPT: dict[str, Question[Any]] = {
    "trace": trace.Ask(prompt=PROMPT, interventions=EDITS, positions=(0, -1), top_k=3),
    "grid": grid.Ask(prompt=PROMPT, interventions=EDITS),
    "follow": follow.Ask(prompt=PROMPT, interventions=EDITS, tokens=(3, 5)),
    "attribute": attribute.Ask(prompt=PROMPT, interventions=EDITS, token=3, against=5),
    "sub_updates": sub_updates.Ask(prompt=PROMPT, interventions=EDITS, layer=1, token=3),
    "generate": generate.Ask(prompt=PROMPT, interventions=EDITS, max_new_tokens=3),
}
ASKED: dict[str, Question[Any]] = {
    **ABOUT_A_PROMPT,
    "project": project.Ask(layer=1, dim=2, top_k=4),
    "find_tokens": find_tokens.Ask(q="a", n=4),
}
READINGS = {
    "trace": "lens",
    "grid": "lens",
    "follow": "lens",
    "generate": "lens",
    "attribute": "exact",
    "sub_updates": "raw",
    "project": "raw",
}
"""Of METHODS, section 1: the lens for states, raw for what writes, exact for effects."""


def given(question: Any) -> dict[str, Any]:
    """What a question was made of."""
    return {field.name: getattr(question, field.name) for field in fields(question)}


@pytest.mark.parametrize("name", ASKED)
def test_a_method_asks_what_ask_does(tied: Case, name: str) -> None:
    """The fields of a question are the arguments of the method of its name."""
    question = ASKED[name]
    arguments = given(question)
    if name == "find_tokens":
        arguments["text"] = arguments.pop("q")
    answer = tied.forgetful.ask(question)
    method = getattr(tied.forgetful, name)(**arguments)
    parts = {"sub_updates": "sub_updates", "find_tokens": "tokens"}
    expected = getattr(answer, parts[name]) if name in parts else answer
    assert type(method) is type(expected)
    assert_agree(tied, list(method) if name in parts else method,
                 list(expected) if name in parts else expected)  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_a_question_and_its_answer_can_be_sent_to_another_process(tied: Case, name: str) -> None:
    question = ASKED[name]
    assert pickle.loads(pickle.dumps(question)) == question
    answer = tied.debugger.ask(question)
    assert pickle.loads(pickle.dumps(answer)) == answer


@pytest.mark.parametrize("name", READINGS)
def test_an_answer_says_how_its_tokens_are_read(tied: Case, name: str) -> None:
    assert tied.debugger.ask(ASKED[name]).reading == READINGS[name]


@pytest.mark.parametrize("name", ABOUT_A_PROMPT)
def test_no_question_has_a_prompt_that_is_empty_or_too_long(tied: Case, name: str) -> None:
    few = Debugger(tied.debugger.checkpoint, Limits(max_prompt_tokens=5))
    kind, question = type(ABOUT_A_PROMPT[name]), ABOUT_A_PROMPT[name]
    with pytest.raises(EmptyPrompt):
        few.ask(kind(**{**given(question), "prompt": ""}))
    with pytest.raises(PromptTooLong, match="has 6 tokens; at most 5") as caught:
        few.ask(question)
    assert caught.value.details == {"parameter": "prompt_tokens", "n_tokens": 6, "maximum": 5}


def test_the_limit_is_the_longest_prompt(tied: Case) -> None:
    just = Debugger(tied.debugger.checkpoint, Limits(max_prompt_tokens=6))
    assert len(just.trace(PROMPT).tokens) == 6


@pytest.mark.parametrize("name", ASKED)
def test_every_question_is_weighed(tied: Case, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Before its turn comes: what would be too large takes none."""
    debugger = Debugger(tied.debugger.checkpoint, Limits(max_reply_mb=1))
    monkeypatch.setattr(type(ASKED[name]), "weight", lambda question, shape: 1_000_001)
    monkeypatch.setattr("lm_debugger.engine.gate.Gate._enter", None)
    with pytest.raises(AnswerTooLarge):
        debugger.ask(ASKED[name])


@pytest.mark.parametrize("wrong", [None, "trace", trace.Ask, Intervention.off("L0D1")])
def test_what_is_no_question_is_refused(tied: Case, wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="no question"):
        tied.debugger.ask(wrong)


def test_questions_of_several_kinds_that_wait_each_get_their_own_answer(
    tied: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traces as one batch, past the others; grids one by one."""
    debugger = Debugger(tied.debugger.checkpoint, remember=False)
    batches = Batches(debugger, monkeypatch)
    asked: list[Question[Any]] = [
        trace.Ask(prompt="one two"),
        grid.Ask(prompt="one two"),
        trace.Ask(prompt="two three", interventions=EDITS[:1]),
        grid.Ask(prompt="two three"),
        project.Ask(layer=0, dim=3, top_k=2),
    ]
    calls = [partial(debugger.ask, question) for question in asked]
    for question, future in zip(asked, all_at_once(debugger.gate, *calls), strict=True):
        assert_agree(tied, future.result(), tied.forgetful.ask(question))
    assert sorted(batches.sizes) == [1, 1, 3]
