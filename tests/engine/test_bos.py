"""What begins every text of a model begins a prompt, too (rule 26): once, as its tokenizer does."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Intervention
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import EmptyPrompt, InvalidInput, NoTokens
from lm_debugger.runs.program import program
from lm_debugger.runs.schema import RunFile
from tests.engine.case import Case
from tests.families import save_family
from tests.models import tokenizer as of_random_models
from tests.tokenizers import SENTENCE_PIECE_LIKE, byte_level, word_piece

PROMPT = "My wife is working as a"


def framed(template: str, *named: str) -> Any:
    """The random models' tokenizer with a frame of its own; "<|endoftext|>" is id 0."""
    inner = Tokenizer.from_str(of_random_models().to_str())
    ids = [(piece, inner.token_to_id(piece)) for piece in named]
    inner.post_processor = TemplateProcessing(single=template, special_tokens=ids)
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<|endoftext|>", eos_token="<|endoftext|>"
    )


TOKENIZERS: dict[str, Callable[[], Any]] = {
    "llama": SENTENCE_PIECE_LIKE["llama"],
    "gemma": SENTENCE_PIECE_LIKE["gemma"],
    "none": SENTENCE_PIECE_LIKE["metaspace"],
    "gpt2": functools.partial(byte_level, bos=False),
    "gpt2 with one": functools.partial(byte_level, bos=True),
    "two": lambda: framed("<|endoftext|> z $A", "<|endoftext|>", "z"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_prompt_begins_as_the_tokenizer_begins_it(name: str) -> None:
    tokenizer = TOKENIZERS[name]()
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    for prompt in ("the nurse", " the nurse", "Möwe", "a", "  "):
        ids = tokenizer(prompt)["input_ids"]
        bare = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        assert vocabulary.encode(prompt) == ids
        assert vocabulary.encode(prompt, bos=False) == bare
        assert list(vocabulary.in_front_of(prompt)) == ids[: len(ids) - len(bare)]
    begun = {"none": 0, "gpt2": 0, "two": 2}.get(name, 1)
    assert len(vocabulary.bos) == begun
    assert list(vocabulary.bos) == tokenizer("a")["input_ids"][:begun]


def test_what_ends_a_text_ends_no_prompt() -> None:
    tokenizer = framed("<|endoftext|> $A <|endoftext|>", "<|endoftext|>")
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    assert vocabulary.bos == (0,)
    assert vocabulary.encode("Yes") == tokenizer("Yes")["input_ids"][:-1]
    ended = framed("$A <|endoftext|>", "<|endoftext|>")
    assert Vocabulary(ended, len(ended)).bos == ()


def test_a_frame_for_classifying_begins_no_text() -> None:
    """Numbers of GPT-2s with BERT's tokenizer stay what they were."""
    tokenizer = word_piece()
    assert tokenizer("the nurse")["input_ids"] == [1, 3, 4, 2]
    assert Vocabulary(tokenizer, len(tokenizer)).encode("the nurse") == [3, 4]


def test_where_none_is_added_it_can_be_asked_for() -> None:
    tokenizer = byte_level(bos=False)
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    assert vocabulary.bos == ()
    bare = vocabulary.encode("the nurse")
    assert vocabulary.encode("the nurse", bos=True) == [tokenizer.bos_token_id, *bare]
    begun = byte_level(bos=True)
    assert Vocabulary(begun, len(begun)).encode("the", bos=True) == begun("the")["input_ids"]
    without = word_piece()
    with pytest.raises(InvalidInput, match="no token that begins a text"):
        Vocabulary(without, len(without)).encode("the", bos=True)


@pytest.mark.parametrize("bos", [None, True])
def test_never_twice(bos: bool | None) -> None:
    for begun in (True, False):
        tokenizer = byte_level(bos=begun)
        ids = Vocabulary(tokenizer, len(tokenizer)).encode("<s>the nurse", bos)
        assert ids.count(tokenizer.bos_token_id) == 1
        assert ids == tokenizer("<s>the nurse", add_special_tokens=False)["input_ids"]


def test_what_was_typed_stays() -> None:
    tokenizer = byte_level(bos=True)
    vocabulary = Vocabulary(tokenizer, len(tokenizer))
    assert vocabulary.encode("<s>the", bos=False) == vocabulary.encode("<s>the")
    assert vocabulary.encode("<s><s>the") == vocabulary.encode("<s>the", bos=False)[:1] * 2 + (
        vocabulary.encode("the", bos=False)
    )


def test_nothing_with_a_beginning_is_nothing() -> None:
    tokenizer = byte_level(bos=True)
    for bos in (None, True, False):
        with pytest.raises(NoTokens):
            Vocabulary(tokenizer, len(tokenizer)).encode("", bos)


# --- every question -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Gemma whose tokenizer begins every text with id 0."""
    made = save_family("gemma3", tmp_path_factory.mktemp("bos") / "model")
    framed("<|endoftext|> $A", "<|endoftext|>").save_pretrained(made)
    return made


@pytest.fixture(scope="module")
def debugger(folder: Path) -> Debugger:
    return Debugger.load(folder, device="cpu", remember=False)


def plain(folder: Path) -> Any:
    model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model.eval()


def asked(folder: Path) -> list[int]:
    """The prompt as transformers gives it to the model."""
    ids: list[int] = AutoTokenizer.from_pretrained(folder)(PROMPT)["input_ids"]
    assert ids[0] == 0
    return ids


def test_all_positions_are_those_of_transformers(debugger: Debugger, folder: Path) -> None:
    ids = asked(folder)
    with torch.inference_mode():
        truth = plain(folder)(torch.tensor([ids])).logits[0].double().softmax(-1)
    trace = debugger.trace(PROMPT, positions="all", top_k=5)
    assert [token.id for token in trace.tokens] == ids
    assert debugger.tokenize(PROMPT) == trace.tokens
    assert trace.positions == tuple(range(len(ids)))
    for position, read in enumerate(trace.unedited.positions):
        for item in read.prediction.top:
            assert item.prob == pytest.approx(float(truth[position, item.token.id]), rel=1e-4)
    grid = debugger.grid(PROMPT)
    assert [token.id for token in grid.tokens] == ids


def test_an_edit_at_the_beginning_is_at_its_token(debugger: Debugger, folder: Path) -> None:
    ids, model = asked(folder), plain(folder)

    def hook(_: Any, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        m = args[0].clone()
        m[:, 0, 5] = 9.0
        return (m,)

    model.model.layers[0].mlp.down_proj.register_forward_pre_hook(hook)
    with torch.inference_mode():
        truth = model(torch.tensor([ids])).logits[0, -1].double().softmax(-1)
    edit = Intervention(0, 5, "set", 9.0, positions=(0,))
    trace = debugger.trace(PROMPT, [edit])
    assert trace.edited is not None
    for item in trace.edited.positions[0].prediction.top:
        assert item.prob == pytest.approx(float(truth[item.token.id]), rel=1e-4)


def test_generation_begins_so_and_does_not_say_so(debugger: Debugger, folder: Path) -> None:
    ids = asked(folder)
    with torch.inference_mode():
        truth = plain(folder).generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=6,
            do_sample=False,
        )[0, len(ids):]  # fmt: skip
    generation = debugger.generate(PROMPT, max_new_tokens=6)
    assert [step.token.id for step in generation.steps] == [id for id in truth.tolist() if id]
    assert generation.text == PROMPT + "".join(step.token.text for step in generation.steps)


def test_a_program_of_a_run_begins_so_too(debugger: Debugger, folder: Path, tmp_path: Path) -> None:
    run = RunFile.model_validate({
        "format": "lm-debugger-run", "version": 1, "model": str(folder), "prompt": PROMPT,
        "interventions": [], "max_new_tokens": 1,
    })  # fmt: skip
    file = tmp_path / "run.py"
    file.write_text(program(run, debugger, "transformers"), encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
    values = [float(x) for x in re.findall(r"^  (\d\.\d{8}) ", done.stdout, re.MULTILINE)]
    read = debugger.trace(PROMPT).unedited.positions[0].prediction.top
    assert values == pytest.approx([item.prob for item in read], rel=1e-3)


def test_an_empty_prompt_is_empty(debugger: Debugger) -> None:
    with pytest.raises(EmptyPrompt):
        debugger.trace("")


def test_to_gpt2_nothing_is_added(tied: Case) -> None:
    """Rule 1 is what it was."""
    assert tied.debugger.vocabulary.bos == ()
    assert [token.id for token in tied.debugger.tokenize("Yes")] == tied.encode("Yes")
