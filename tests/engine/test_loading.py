"""`Debugger.load`: what loads, from where, and what is not there."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import GPT2LMHeadModel

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Intervention
from lm_debugger.errors import (
    DebuggerError,
    InvalidCheckpoint,
    LoadError,
    ModelNotFound,
)
from tests.compare import assert_same
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits, assert_run
from tests.models import DEMO, edit_config, edit_weights, random_model, save
from tests.reference import Oracle, ranked

PROMPT = PROMPTS[0]


def test_what_a_model_says_of_itself(case: Case) -> None:
    info, config = case.debugger.info, case.oracle.config
    assert info.architecture == "gpt2"
    assert info.n_layers == config["n_layer"]
    assert info.d_model == config["n_embd"]
    assert info.ffn_width == (config["n_inner"] or 4 * config["n_embd"])
    assert info.n_heads == config["n_head"]
    assert info.vocab_size == config["vocab_size"]
    assert info.n_positions == config["n_positions"]
    assert info.n_parameters == sum(w.size for w in case.oracle.w.values())
    assert info.tied_unembedding == config["tie_word_embeddings"]
    assert info.activation == config["activation_function"]
    assert (info.dtype, info.device) == ("float32", "cpu")
    assert info.eos_token is not None
    assert info.eos_token.text == "<|endoftext|>"


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [
        ("gelu_new", 0.0),
        ("relu2", 0.0),  # its name begins as relu's does
        ("sigmoid", 0.5),
        ("laplace", 0.5 * math.erfc(0.707107 / (0.282095 * math.sqrt(2)))),  # its own formula
    ],
)
def test_what_the_activation_is_at_zero(tmp_path: Path, name: str, at_zero: float) -> None:
    model = random_model({"activation_function": name, "n_layer": 1})
    info = Debugger.load(str(save(model, tmp_path)), device="cpu").info
    assert (info.activation, info.activation_at_zero) == (name, pytest.approx(at_zero, abs=1e-6))


def test_the_default_device_is_one_that_is_there(tied: Case) -> None:
    debugger = Debugger.load(str(tied.folder))
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.mps.is_available() else "cpu"
    assert debugger.info.device.startswith(expected)


def test_demo_is_the_bundled_model() -> None:
    debugger = Debugger.load("demo", device="cpu")
    assert debugger.info.id == "demo"
    weights = load_file(DEMO / "model.safetensors")
    assert debugger.info.n_parameters == sum(w.numel() for w in weights.values())
    loaded = debugger.adapter.value_matrix(1)
    assert torch.equal(loaded, weights["transformer.h.1.mlp.c_proj.weight"].float())


def test_a_path_may_be_relative_or_start_at_home(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("HOME", str(folder.parent))
    expected = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    for name in ("model", "./model", "~/model", "model/"):
        assert_same(Debugger.load(name, device="cpu").trace(PROMPT).unedited, expected, 2 * RTOL)


def test_several_files_of_weights(tmp_path: Path) -> None:
    model = random_model({}, seed=3)
    one = save(model, tmp_path / "one")
    many = save(model, tmp_path / "many", max_shard_size="200KB")
    assert len(list(many.glob("*.safetensors"))) > 1
    a, b = (Debugger.load(str(f), device="cpu").trace(PROMPT) for f in (one, many))
    assert_same(a.unedited, b.unedited, 2 * RTOL)


def test_names_without_prefix_as_in_the_original_gpt2(folder: Path) -> None:
    """The hub's gpt2 has `h.0...` where save_pretrained writes `transformer.h.0...`, and the causal
    masks as buffers."""

    def rename(weights: dict[str, torch.Tensor]) -> None:
        for name in list(weights):
            weights[name.removeprefix("transformer.")] = weights.pop(name)
        for layer in range(3):
            weights[f"h.{layer}.attn.bias"] = torch.ones(64, 64).tril().view(1, 1, 64, 64)

    expected = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    edit_weights(folder, rename)
    renamed = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    assert_same(renamed, expected, 2 * RTOL)


def test_an_untied_head_is_read_from_the_checkpoint(open_case: Callable[[str], Case]) -> None:
    untied = open_case("untied")
    assert "lm_head.weight" in untied.oracle.w
    assert not np.allclose(untied.oracle.w["lm_head.weight"], untied.oracle.w["wte.weight"])
    assert not untied.debugger.info.tied_unembedding


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision(tied: Case, dtype: str) -> None:
    """Within the format's own precision of the oracle."""
    debugger = Debugger.load(str(tied.folder), device="cpu", dtype=dtype)
    assert debugger.info.dtype == dtype
    edits = [Intervention.on("L1D3"), Intervention.scale("L0D5", -2.0), Intervention.off("L2D1")]
    trace = debugger.trace(PROMPT, edits)
    assert trace.edited is not None
    ids = tied.encode(PROMPT)
    eps = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    for run, applied in ((trace.unedited, []), (trace.edited, edits)):
        states = tied.oracle.run(ids, as_edits(applied))
        truth = tied.oracle.lens(states.after[-1, -1])
        top = run.positions[0].prediction.top
        for entry in top:  # logits of up to 16, rounded a few times
            assert np.log(entry.prob / truth[entry.token.id]) == pytest.approx(0, abs=32 * eps)
        assert len({t.token.id for t in top} & set(ranked(truth, 10))) >= 7
        assert sum(t.prob for t in top) <= 1
    idle = debugger.trace(PROMPT, [Intervention.scale("L1D3", 1.0)])
    assert idle.edited == idle.unedited == trace.unedited
    generation = debugger.generate(PROMPT, edits, max_new_tokens=3)
    # ... which may be another of those that this format cannot tell apart.
    chosen = generation.steps[0].token
    prob = next(t.prob for t in trace.edited.positions[0].prediction.top if t.token == chosen)
    likeliest = trace.edited.positions[0].prediction.top[0].prob
    assert np.log(likeliest / prob) == pytest.approx(0, abs=32 * eps)
    assert len(debugger.project(0, 0).promoted) == 50


def test_a_float16_checkpoint_is_computed_in_float32(tied: Case, tmp_path: Path) -> None:
    """`dtype` says what it is computed in, not how it is stored."""
    folder = save(random_model({}, seed=4).half(), tmp_path / "half")
    weights = load_file(folder / "model.safetensors")
    assert {w.dtype for w in weights.values()} == {torch.float16}
    debugger = Debugger.load(str(folder), device="cpu")
    assert debugger.info.dtype == "float32"
    oracle, ids = Oracle(folder), tied.encode(PROMPT)
    case = Case("half", folder, debugger, oracle, tied.tokenizer)
    assert_run(case, debugger.trace(PROMPT).unedited, oracle.run(ids), [len(ids) - 1], k=10)


def test_an_unknown_dtype_or_device(tied: Case) -> None:
    with pytest.raises(DebuggerError, match="float32, float16, bfloat16"):
        Debugger.load(str(tied.folder), dtype="int8")
    for device in ("cuda:99", "tpu", "no such thing"):
        with pytest.raises(LoadError, match="auto, cpu"):
            Debugger.load(str(tied.folder), device=device)


# --- what is not there ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/folder", "~/nowhere", "a/b/c", "../x", ""])
def test_a_missing_folder_is_an_error_and_no_download(
    name: str, no_network: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the hub may be asked: nothing is even tried."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    no_network.clear()
    with pytest.raises(ModelNotFound, match="folder"):
        Debugger.load(name)
    assert no_network == []


@pytest.mark.parametrize("name", ["gpt2", "some-org/some-model", "not a valid id!", "a--b", ".."])
def test_a_hub_id_that_is_not_in_the_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(LoadError) as failure:
        Debugger.load(name)
    assert isinstance(failure.value, ModelNotFound | InvalidCheckpoint)
    assert name in failure.value.message
    assert failure.value.message.endswith((".", ")"))


# --- what a checkpoint may bring along ------------------------------------------------------------


def test_keys_that_published_checkpoints_have_are_accepted(folder: Path) -> None:
    """Those of the hub's gpt2 and of fine-tunes that the Trainer wrote, which change no number."""
    expected = Debugger.load(str(folder), device="cpu").trace(PROMPT).unedited
    edit_config(
        folder,
        n_ctx=64,
        task_specific_params={"text-generation": {"do_sample": True, "max_length": 50}},
        _name_or_path="gpt2",
        torch_dtype="float32",
        output_past=True,
        _num_labels=1,
        gradient_checkpointing=False,
        id2label={"0": "LABEL_0"},
        label2id={"LABEL_0": 0},
        use_cache=False,
        resid_pdrop=0.1,
        embd_pdrop=0.1,
        attn_pdrop=0.1,
    )
    debugger = Debugger.load(str(folder), device="cpu")
    assert_same(debugger.trace(PROMPT).unedited, expected, 2 * RTOL)
    assert debugger.generate(PROMPT).steps


def test_a_generation_config_does_not_change_generation(folder: Path) -> None:
    """Rule 14 is greedy, whatever defaults a checkpoint brings."""
    expected = Debugger.load(str(folder), device="cpu").generate(PROMPT)
    path = folder / "generation_config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "do_sample": True, "temperature": 5.0, "top_k": 3,
                                "repetition_penalty": 9.0, "max_length": 8}))  # fmt: skip
    got = Debugger.load(str(folder), device="cpu").generate(PROMPT)
    assert_same(got.steps, expected.steps, 2 * RTOL)


def test_dropout_is_off(tmp_path: Path) -> None:
    folder = save(
        random_model({"resid_pdrop": 0.5, "embd_pdrop": 0.5, "attn_pdrop": 0.5}), tmp_path / "m"
    )
    debugger, oracle = Debugger.load(str(folder), device="cpu"), Oracle(folder)
    trace = debugger.trace(PROMPT)
    ids = [t.id for t in trace.tokens]
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    case = Case("dropout", folder, debugger, oracle, tokenizer)
    assert_run(case, trace.unedited, oracle.run(ids), trace.positions, k=10)


def test_loading_does_not_touch_the_checkpoint(folder: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    Debugger.load(str(folder), device="cpu").trace(PROMPT)
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_a_plain_model_is_what_was_saved(folder: Path) -> None:
    """The checkpoint that these tests break loads in transformers when it is whole."""
    loaded: Any = GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
    model, report = loaded
    assert not report["missing_keys"]
    assert model.config.n_layer == 3
