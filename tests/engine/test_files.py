"""A checkpoint with a file that is missing or something else: the sentence says which and what."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from lm_debugger.engine import files
from lm_debugger.engine.debugger import Debugger
from lm_debugger.errors import InvalidCheckpoint
from tests.models import edit_config, random_model, save

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 548105171\n"


def said(folder: Path) -> str:
    """What loading refuses a folder with."""
    with pytest.raises(InvalidCheckpoint) as failure:
        Debugger.load(str(folder), device="cpu")
    json.dumps(failure.value.details)
    return failure.value.message


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
)
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (POINTER, "git-lfs pointer"),
        ("<!DOCTYPE html><html><body>Sign in", "web page"),
        ("\n<html>", "web page"),
        ("", "empty"),
    ],
)
def test_something_in_place_of_a_file(folder: Path, name: str, content: str, what: str) -> None:
    (folder / name).write_text(content)
    sentence = said(folder)
    assert what in sentence
    assert name in sentence


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_link_to_nothing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).symlink_to("../blobs/gone")
    sentence = said(folder)
    assert f"{name} of {folder} is a link to ../blobs/gone" in sentence


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its error's own words; root, who runs CI, may read everything."""
    real = Path.open

    def open_(self: Path, *args: object, **options: object) -> object:
        if self.name == "model.safetensors":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", open_)
    assert "model.safetensors" in said(folder)
    assert "Permission denied" in said(folder)


def test_weights_that_are_cut_off(folder: Path) -> None:
    path = folder / "model.safetensors"
    whole = path.stat().st_size
    for size in (whole - 1, whole // 2, 5):
        path.write_bytes(path.read_bytes()[:size])
        sentence = said(folder)
        assert f"{size:,}" in sentence
        if size > 1000:
            assert f"cut off: its header speaks of {whole:,} bytes" in sentence


def test_pickled_weights_under_the_name_of_others(folder: Path) -> None:
    torch.save({"a": torch.zeros(2)}, folder / "model.safetensors")
    assert "torch.save" in said(folder)


@pytest.mark.parametrize("header", [b"[]", b"{}}", b'{"a": 3}', b'{"a": {"data_offsets": []}}'])
def test_weights_without_a_header(folder: Path, header: bytes) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "no header of a safetensors file" in said(folder)


def test_shards_that_are_missing(tmp_path: Path) -> None:
    folder = save(random_model({}, seed=3), tmp_path / "many", max_shard_size="100KB")
    parts = sorted(folder.glob("model-*.safetensors"))
    parts[1].unlink()
    assert f"1 of the {len(parts)} files" in said(folder)
    assert parts[1].name in said(folder)
    parts[0].unlink()
    parts[0].symlink_to("gone")
    assert f"{parts[0].name} of {folder} is a link to gone" in said(folder)


@pytest.mark.parametrize("index", ["{}", '{"weight_map": {}}', '{"weight_map": []}'])
def test_an_index_that_names_no_file(folder: Path, index: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    assert "weight_map" in said(folder)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pytorch_model.bin", "pickled weights can run code"),
        ("tf_model.h5", "TensorFlow"),
        ("flax_model.msgpack", "Flax"),
        ("model.gguf", "GGUF"),
        ("consolidated.safetensors", "a name that transformers does not read"),
    ],
)
def test_weights_of_another_kind_are_named(folder: Path, name: str, words: str) -> None:
    (folder / "model.safetensors").rename(folder / name)
    sentence = said(folder)
    assert "neither model.safetensors nor model.safetensors.index.json" in sentence
    assert name in sentence
    assert words in sentence


@pytest.mark.parametrize("with_config", [False, True])
@pytest.mark.parametrize("base", ["gpt2", None])
def test_an_adapter_is_named_with_what_to_do(
    folder: Path, with_config: bool, base: str | None
) -> None:
    (folder / "model.safetensors").unlink()
    if not with_config:
        (folder / "config.json").unlink()
    save_file({"lora_A.weight": torch.zeros(8, 32)}, folder / "adapter_model.safetensors")
    adapter = {"peft_type": "LORA", "base_model_name_or_path": base}
    (folder / "adapter_config.json").write_text(json.dumps(adapter))
    sentence = said(folder)
    assert "PEFT adapter" in sentence
    assert "LORA" in sentence
    assert "merge_and_unload" in sentence
    assert ("onto gpt2" in sentence) == (base is not None)
    assert ("no config.json" in sentence) != with_config


def test_a_whole_model_with_an_adapter_beside_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loads as it does in transformers, unless peft is there: then transformers would apply the
    adapter."""
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    monkeypatch.setattr(files, "_importable", lambda module: False)
    assert Debugger.load(str(folder), device="cpu").info.n_layers == 3
    monkeypatch.setattr(files, "_importable", lambda module: module == "peft")
    assert "as peft is installed" in said(folder)


# --- tokenizers -----------------------------------------------------------------------------------


def test_a_missing_tokenizer_is_said_with_where_it_was_looked_for(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    sentence = said(folder)
    assert "The tokenizer" in sentence
    assert "tokenizer.json, vocab.json" in sentence
    assert str(folder) in sentence


@pytest.mark.parametrize(
    ("installed", "needed"),
    [
        ((), "sentencepiece and protobuf, which are"),
        (("sentencepiece",), "needs protobuf, which is"),
        (("google.protobuf",), "needs sentencepiece, which is"),
    ],
)
def test_a_sentencepiece_tokenizer_names_what_it_needs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, installed: tuple[str, ...], needed: str
) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    (folder / "spiece.model").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02")
    monkeypatch.setattr(files, "_importable", lambda module: module in installed)
    sentence = said(folder)
    assert needed in sentence
    assert 'pip install "lm-debugger[sentencepiece]"' in sentence
    assert "spiece.model" in sentence


def field(number: int, kind: int, payload: bytes) -> bytes:
    """A field of a protobuf message: 2 is bytes, 5 a float, 0 a small integer."""
    length = bytes([len(payload)]) if kind == 2 else b""
    return bytes([number << 3 | kind]) + length + payload


def test_a_sentencepiece_tokenizer_is_read(tmp_path: Path) -> None:
    """Japanese GPT-2s have one. This one is written by hand, after sentencepiece_model.proto."""
    special = [("<unk>", 2), ("<s>", 3), ("</s>", 3), ("<pad>", 3)]
    pieces = ["\u2581", "\u2581hello", "\u2581dog", *"helodgamy"]
    message = b""
    for place, (text, kind) in enumerate([*special, *((piece, 1) for piece in pieces)]):
        body = field(1, 2, text.encode()) + field(2, 5, struct.pack("<f", -float(place)))
        message += field(1, 2, body + field(3, 0, bytes([kind])))
    unigram = field(2, 2, field(3, 0, b"\x01"))
    folder = tmp_path / "model"
    random_model({"vocab_size": 20}).save_pretrained(folder)
    (folder / "spiece.model").write_bytes(message + unigram)
    named = {name: f"<{name.removesuffix('_token')}>" for name in ("unk_token", "pad_token")}
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "eos_token": "</s>", **named}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokens = Debugger.load(folder, device="cpu").trace("hello dog").tokens
    assert [token.id for token in tokens] == [5, 6]


def test_a_tokenizer_that_cannot_be_read(folder: Path) -> None:
    """What transformers says of it is passed on as what transformers says."""
    (folder / "tokenizer.json").write_text('{"model": {"type": "no such"}}')
    assert said(folder).startswith(f"transformers cannot read the tokenizer of {folder}: ")


def tokenizer_of(letters: str, folder: Path) -> None:
    """A tokenizer that knows single letters and an end, and nothing else."""
    vocabulary = {letter: id for id, letter in enumerate(["<end>", *letters])}
    inner = Tokenizer(models.BPE(vocabulary, []))
    PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="<end>").save_pretrained(folder)


@pytest.mark.parametrize("letters", ["MKTV", "0123456789", "♔♕♖"])
def test_a_tokenizer_without_the_letter_a(tmp_path: Path, letters: str) -> None:
    """Proteins, digits, chess."""
    folder = save(random_model({"vocab_size": len(letters) + 1}), tmp_path / "model")
    tokenizer_of(letters, folder)
    debugger = Debugger.load(str(folder), device="cpu")
    assert [token.text for token in debugger.tokenize(letters)] == list(letters)


def test_more_tokens_than_the_embedding_has_rows(tmp_path: Path) -> None:
    """Training tools add a padding token and forget to resize; what never occurs does no harm."""
    folder = save(random_model({"vocab_size": 4}), tmp_path / "model")
    tokenizer_of("abcde", folder)  # ids 1 to 5, rows 0 to 3
    debugger = Debugger.load(str(folder), device="cpu")
    assert debugger.info.vocab_size == 4
    assert [token.id for token in debugger.trace("abc").tokens] == [1, 2, 3]
    for ask in (
        lambda: debugger.trace("abd"),
        lambda: debugger.generate("d"),
        lambda: debugger.grid("cd"),
        lambda: debugger.tokenize("dab"),
    ):
        with pytest.raises(Exception, match=r"'d' \(token 4\).* 4 rows") as failure:
            ask()
        assert type(failure.value).__name__ == "UnknownToken"


# --- matrices -------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False, None])
@pytest.mark.parametrize("separate", [True, False])
def test_tied_is_what_the_matrices_are(tmp_path: Path, told: bool | None, separate: bool) -> None:
    model = random_model({"tie_word_embeddings": False, "n_layer": 1}, seed=5)
    if not separate:
        model.lm_head.weight.data = model.transformer.wte.weight.data.clone()
    folder = save(model, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    assert torch.equal(weights["lm_head.weight"], weights["transformer.wte.weight"]) != separate
    edit_config(folder, tie_word_embeddings=told)
    if told is None:
        config = json.loads((folder / "config.json").read_text())
        del config["tie_word_embeddings"]
        (folder / "config.json").write_text(json.dumps(config))
    assert Debugger.load(str(folder), device="cpu").info.tied_unembedding == (not separate)
