"""What only a real model can show: its vocabulary, its predictions, its index, and how long each
takes. Figures are told at the end, not judged: they are of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer

from lm_debugger.engine.types import Intervention
from lm_debugger.index import ModelIndex
from lm_debugger.index.build import Progress
from tests.contract.conftest import Model, close
from tests.contract.test_edits import probs
from tests.engine.test_text import byte_alphabet
from tests.real.conftest import Say
from tests.tokenizers import BYTES, SPACE

PROMPT = "The nurse went to the hospital because she was a"
KNOWN = "The capital of France is"


def best(run: Callable[[], object], times: int = 5) -> float:
    """Seconds, the quickest of some runs."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return min(took)


# --- the vocabulary ------------------------------------------------------------------------------


def test_every_token_is_what_its_piece_says(model: Model) -> None:
    vocabulary = model.debugger.vocabulary
    special = set(AutoTokenizer.from_pretrained(model.folder).added_tokens_decoder)
    for token in vocabulary.every():
        piece = vocabulary.piece(token.id)
        if token.id in special or not piece:
            continue
        if model.name == "llama":  # SmolLM2's is GPT-2's kind
            raw = bytes(byte_alphabet()[char] for char in piece)
        else:
            raw = bytes([BYTES.index(piece)]) if piece in BYTES else piece.encode()
        assert token.text == raw.decode(errors="replace").replace(SPACE, " ")
        assert token.hex == (None if is_text(raw) else raw.hex(" "))


def is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_a_word_is_found_with_and_without_its_space(model: Model, say: Say) -> None:
    fresh = type(model.debugger.vocabulary)(
        model.debugger.checkpoint.tokenizer, len(model.debugger.adapter.unembedding)
    )
    first, then = best(lambda: fresh.find("nurse", 20), 1), best(lambda: fresh.find("nurse", 20))
    say(f"token search {first:.2f} s the first time, then {then * 1e3:.0f} ms")
    texts = [token.text for token in fresh.find("nurse", 20)]
    known = [text for text in (" nurse", "nurse") if text in {t.text for t in fresh.every()}]
    assert texts[: len(known)] == known
    assert " nurse" in known


def test_prompts_begin_as_the_tokenizer_begins_them(model: Model) -> None:
    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    for prompt in (PROMPT, " a", "Möwe 😀", tokenizer.bos_token + "The"):
        ids = [token.id for token in model.debugger.tokenize(prompt)]
        once = tokenizer.bos_token not in prompt
        assert ids == tokenizer(prompt, add_special_tokens=once)["input_ids"]
    assert model.debugger.vocabulary.bos == ((2,) if model.name == "gemma3" else ())


# --- predictions ---------------------------------------------------------------------------------


def test_probabilities_are_those_of_transformers(model: Model, say: Say) -> None:
    worst = 0.0
    for prompt in (PROMPT, KNOWN, "def add(a, b):\n    return"):
        truth = probs(model.plain(), model.encode(prompt))
        trace = model.debugger.trace(prompt, top_k=50)
        for item in trace.unedited.positions[0].prediction.top:
            expected = float(truth[item.token.id])
            worst = max(worst, abs(item.prob - expected) / expected)
    say(f"probabilities of the 50 likeliest tokens differ by {worst:.1e} at most")
    assert worst < 1e-3


def test_a_text_is_continued_as_by_transformers(model: Model, say: Say) -> None:
    """From the prompt as it is typed to the text: BOS, spaces and all."""
    tokenizer = AutoTokenizer.from_pretrained(model.folder)
    given = tokenizer(KNOWN, return_tensors="pt")
    with torch.inference_mode():
        ids = model.plain().generate(**given, max_new_tokens=12, do_sample=False)[0]
    generation = model.debugger.generate(KNOWN, max_new_tokens=12)
    say(repr(generation.text))
    assert generation.text == tokenizer.decode(ids, skip_special_tokens=True)
    assert generation.text == KNOWN + "".join(step.token.text for step in generation.steps)


def test_edited_generation_is_the_models_whose_weights_were_edited(model: Model) -> None:
    layers = model.debugger.trace(PROMPT).unedited.positions[0].layers
    edits = [Intervention(layer, layers[layer].sub_updates[0].id.dim, "off") for layer in (1, 9)]
    plain = model.plain()
    with torch.no_grad():
        for edit in edits:
            plain.model.layers[edit.layer].mlp.down_proj.weight[:, edit.dim] = 0
    ids = model.encode(PROMPT)
    with torch.inference_mode():
        truth = plain.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)), max_new_tokens=8,
            do_sample=False,
        )[0, len(ids):].tolist()  # fmt: skip
    steps = model.debugger.generate(PROMPT, edits, max_new_tokens=8).steps
    ended = model.debugger.checkpoint.eos_token_ids
    assert [step.token.id for step in steps] == [id for id in truth if id not in ended]


def test_attribution_adds_up_to_the_logit(model: Model, say: Say) -> None:
    ids = model.encode(PROMPT)
    with torch.inference_mode():
        logits = model.plain()(torch.tensor([ids])).logits[0, -1]
    token = int(logits.argmax())
    start = time.perf_counter()
    found = model.debugger.attribute(PROMPT, token)
    say(f"attribution in {(time.perf_counter() - start) * 1e3:.0f} ms")
    total = found.base + found.start + sum(found.attention) + sum(found.ffn)
    assert total == pytest.approx(float(logits[token]), rel=1e-4)
    assert found.total == pytest.approx(float(logits[token]), rel=1e-4)


def test_how_long_a_trace_takes(model: Model, say: Say) -> None:
    ids = model.encode(PROMPT)
    plain = model.plain()
    with torch.inference_mode():
        bare = best(lambda: plain(torch.tensor([ids])))
    trace = best(lambda: model.debugger.trace(PROMPT))
    dim = model.debugger.trace(PROMPT).unedited.positions[0].layers[5].sub_updates[0].id.dim
    edited = best(lambda: model.debugger.trace(PROMPT, [Intervention(5, dim, "on")]))
    say(
        f"{len(ids)} tokens: bare forward {bare * 1e3:.0f} ms, trace {trace * 1e3:.0f} ms "
        f"({trace / bare:.2f} of it), edited {edited * 1e3:.0f} ms ({edited / bare:.2f})"
    )


# --- search --------------------------------------------------------------------------------------

LAYERS = {"llama": 30, "gemma3": 2}
"""Of the index. A layer of Gemma's takes as long as ten of SmolLM2's."""


def test_the_index_finds_what_vectors_promote(model: Model, say: Say, tmp_path: Path) -> None:
    debugger, wanted = model.debugger, LAYERS[model.name]
    index = ModelIndex(debugger, tmp_path / "cache", n_clusters=0)
    start = time.perf_counter()
    seen: list[float] = []

    def layer_is_there(_: Progress) -> None:
        while len(seen) < len(index.layers_ready):
            seen.append(time.perf_counter() - start)
        if len(seen) >= wanted:
            index.cancel()

    index.build(layer_is_there)
    assert len(index.layers_ready) >= wanted
    each = (seen[-1] - seen[0]) / (len(seen) - 1)
    say(f"index: {seen[0]:.1f} s to the first layer, {each:.1f} s for each further one, "
        f"of {debugger.adapter.n_layers} layers")  # fmt: skip

    # Against plain products, in the last of these layers, by a word that is sure to be in it.
    layer = index.layers_ready[-1]
    top = plainly_promoted(model, layer)
    texts = [token.text.lower() for token in debugger.vocabulary.every()]
    firsts = (texts[id].strip() for id in top[:, 0].tolist())
    word = next(text for text in firsts if text.isascii() and text.isalpha() and len(text) > 3)
    forms = [id for id, text in enumerate(texts) if text in (word, f" {word}", f"\n{word}")]
    expected = torch.isin(top, torch.tensor(forms)).any(1).nonzero().flatten().tolist()
    begun = time.perf_counter()
    found = index.keywords(word, 10**6)
    took = time.perf_counter() - begun
    say(f"keyword search for {word!r} in {took * 1e3:.0f} ms, {found.total} found")
    assert sorted(hit.id.dim for hit in found.hits if hit.id.layer == layer) == expected
    assert expected


def plainly_promoted(model: Model, layer: int) -> torch.Tensor:
    """The 50 tokens of every value vector of a layer, [F, 50], by a product with plain weights."""
    plain = model.plain()
    block = plain.model.layers[layer]
    with torch.inference_mode():
        vectors = block.mlp.down_proj.weight.T
        if model.name == "gemma3":
            vectors = vectors * (1 + block.post_feedforward_layernorm.weight)
        embedding = plain.get_output_embeddings().weight
        return torch.cat([(rows @ embedding.T).topk(50).indices for rows in vectors.split(256)])


def test_concepts_are_mean_logits(model: Model, say: Say, tmp_path: Path) -> None:
    """No index is needed."""
    index = ModelIndex(model.debugger, tmp_path / "cache", n_clusters=0)
    words = index.concepts.words("nurse, doctor")
    start = time.perf_counter()
    (first, *_) = index.concepts.search(words, n=5, normalised=True)
    say(f"concept search over all {index.n_vectors} vectors in {time.perf_counter() - start:.2f} s")
    read = model.debugger.project(first.id.layer, first.id.dim, top_k=10)
    say(f"{first.id} promotes {[t.token.text for t in read.promoted]}")
    adapter = model.debugger.adapter
    vector = adapter.value_directions(first.id.layer)[first.id.dim].float()
    means = [adapter.unembedding[[t.id for t in word.tokens]].float().mean(0) for word in words]
    close(torch.tensor(first.score), torch.stack(means).mean(0) @ vector / vector.norm(), 1e-4)
