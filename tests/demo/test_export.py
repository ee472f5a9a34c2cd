"""The exported folder: loads in the debugger, and says what was trained."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from lm_debugger import Debugger
from lm_debugger.demo import concepts, data, export
from lm_debugger.demo.model import GPT2, Shape


@pytest.fixture(scope="module")
def shape(corpus: data.Corpus) -> Shape:
    return Shape(corpus.tokenizer.get_vocab_size(), n_positions=32, n_embd=16, n_layer=4, n_head=2)


@pytest.fixture(scope="module")
def model(shape: Shape) -> GPT2:
    torch.manual_seed(4)
    model = GPT2(shape)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_((p + 0.3 * torch.randn_like(p)).half())  # float16 holds it exactly
    return model


@pytest.fixture(scope="module")
def exported(model: GPT2, corpus: data.Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    export.export(model, corpus.tokenizer, folder, tokens=123_000_000, score=1.25)
    return folder


def test_the_debugger_predicts_what_the_trained_model_does(exported: Path, model: GPT2) -> None:
    debugger = Debugger.load(str(exported), device="cpu")
    prompt = "The king and his"
    ids = [token.id for token in debugger.tokenize(prompt)]
    with torch.inference_mode():
        states = model(torch.tensor([ids]))[0, -1]
        expected = torch.softmax(model.unembedding @ states, -1).topk(10)
    trace = debugger.trace(prompt)
    top = trace.unedited.positions[0].prediction.top
    assert [entry.token.id for entry in top] == expected.indices.tolist()
    assert [entry.prob for entry in top] == pytest.approx(expected.values.tolist(), rel=1e-4)


def test_the_tokenizer_is_the_one_trained_and_adds_nothing(
    exported: Path, corpus: data.Corpus
) -> None:
    loaded = AutoTokenizer.from_pretrained(exported)
    assert type(loaded).__name__.startswith("GPT2Tokenizer")
    assert (loaded.eos_token, loaded.eos_token_id) == ("<|endoftext|>", 0)
    for text in ["The king", " a\n\nb  c", "café 東京", "x<|endoftext|>y", ""]:
        ids = corpus.tokenizer.encode(text).ids
        assert loaded(text)["input_ids"] == ids
        assert loaded.decode(ids) == text


def test_the_end_of_text_ends_generation(exported: Path) -> None:
    info = Debugger.load(str(exported), device="cpu").info
    assert info.eos_token is not None
    assert info.eos_token.text == "<|endoftext|>"
    assert (info.n_layers, info.n_positions, info.activation) == (4, 32, "gelu_new")


def test_weights_come_back(exported: Path, model: GPT2, shape: Shape) -> None:
    other = GPT2(shape)
    other.load_state_dict(export.weights(exported))
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_the_card_has_the_figures(exported: Path) -> None:
    card = (exported / "README.md").read_text()
    for figure in ("4 layers", "width 16", "FFN 64", "123 M tokens", "**1.25"):
        assert figure in card
    assert "{" not in card


def test_the_default_shape_fits_the_wheel() -> None:
    with torch.device("meta"):
        n = sum(p.numel() for p in GPT2(Shape()).parameters())
    assert 2 * n + 1.3e6 <= 32e6  # float16, and the tokenizer's files


def test_concepts_are_sampled_from_the_upper_half(
    exported: Path,
    corpus: data.Corpus,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    uses = corpus.uses()
    debugger = Debugger.load(str(exported), device="cpu")
    drawn = concepts.sample(debugger, 128, seed=0)  # all there are: 2 layers of 64
    assert [(at.layer, at.dim) for at in drawn] == [(l, i) for l in (2, 3) for i in range(64)]
    some = concepts.sample(debugger, 40, seed=1)
    assert len({(at.layer, at.dim) for at in some}) == 40
    # A fair draw: of 40 from 128, between 10 and 30 in either layer (beyond 3.5 sigma otherwise).
    assert math.isclose(sum(at.layer == 2 for at in some), 20, abs_tol=10)

    shown = [e.token.id for v in some for e in debugger.project(v.layer, v.dim, 5).promoted]
    rare = [id for id in shown if uses[id] < 2]
    assert concepts.share_of_rare(debugger, some, 5, uses, 2) == len(rare) / len(shown)
    assert 0 < len(rare) < len(shown)

    monkeypatch.setattr("sys.argv", ["concepts", str(exported), "-n", "3", "--top", "4"])
    concepts.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    at = concepts.sample(debugger, 3, seed=0)[0]
    assert lines[0].startswith(f"L{at.layer}D{at.dim} ")
    promoted = debugger.project(at.layer, at.dim, 4).promoted
    assert lines[0].endswith(" | ".join(repr(entry.token.text)[1:-1] for entry in promoted))
