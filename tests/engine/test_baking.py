"""Baked checkpoints, read by plain transformers, against the hooked model and the oracle."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from lm_debugger.engine.adapters.gpt2 import GPT2Adapter
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Baked, Intervention
from lm_debugger.errors import (
    CannotBake,
    InvalidInput,
    NonFiniteResult,
    TooManyInterventions,
    UnknownDimension,
)
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits, prob_rtol
from tests.models import random_model, save
from tests.reference import Array, Edit, Oracle, assert_ranked

PROMPT = PROMPTS[0]
OFF = [Intervention.off("L1D3")]


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def every_kind(case: Case) -> list[Intervention]:
    """All kinds, several in a layer, a no-op, and a vector edited twice (rule 11)."""
    first, last = case.all_dominant()[0], case.all_dominant()[-1]
    return [
        Intervention.scale(last, 7.0),
        Intervention.on(last),
        Intervention.off("L0D1"),
        Intervention.set("L0D2", -1.5),
        Intervention.scale(first, -2.0) if first != last else Intervention.off("L0D6"),
        Intervention.add("L0D3", 0.75),
        Intervention.scale("L0D4", 1.0),
    ]


def fixed(case: Case, edits: list[Intervention], prompt: str) -> list[Edit]:
    """As the oracle takes them for any text: boosts are settings to what they are for `prompt`."""
    boosts = case.oracle.boosts(case.encode(prompt))
    found = as_edits(edits)
    for item in found:
        if item["kind"] == "on":
            item["kind"] = "set"
            item["value"] = float(case.oracle.act(np.array(boosts[item["layer"]])))
    return found


def plain(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def probs(model: Any, ids: list[int]) -> Array:
    """[T, V]"""
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0]
    return np.asarray(logits.double().softmax(-1).numpy())


@pytest.fixture
def baked(case: Case, tmp_path: Path) -> tuple[Baked, Path]:
    """In float32, so that nothing but float32's own rounding is in the way."""
    out = tmp_path / "baked"
    return case.debugger.bake(every_kind(case), out, PROMPT, "float32"), out


def test_it_predicts_what_the_oracle_predicts(case: Case, baked: tuple[Baked, Path]) -> None:
    """At every position, also of texts that the boosts' c was not taken from."""
    model = plain(baked[1])
    for prompt in PROMPTS:
        ids = case.encode(prompt)
        states = case.oracle.run(ids, fixed(case, every_kind(case), PROMPT))
        for position, row in enumerate(probs(model, ids)):
            x = states.after[-1, position]
            rtol = 4 * prob_rtol(case, x)  # bias and rows were rounded once more
            best = np.argsort(-case.oracle.lens(x))[:20]
            np.testing.assert_allclose(row[best], case.oracle.lens(x)[best], rtol=rtol)


def test_it_predicts_what_the_hooked_run_predicts(case: Case, baked: tuple[Baked, Path]) -> None:
    model = plain(baked[1])
    ids = case.encode(PROMPT)
    run = case.debugger.trace(PROMPT, every_kind(case), positions="all").edited
    assert run is not None
    for at, row in zip(run.positions, probs(model, ids), strict=True):
        shown = [(item.token.id, item.prob) for item in at.prediction.top]
        assert_ranked(shown, row, 10, rtol=1e-4)
    with torch.inference_mode():
        out = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False, pad_token_id=0)
    steps = case.debugger.generate(PROMPT, every_kind(case), max_new_tokens=6).steps
    new = [id for id in out[0, len(ids) :].tolist() if id != 0]
    assert [step.token.id for step in steps] == new


def test_nothing_else_changes(case: Case, baked: tuple[Baked, Path]) -> None:
    """Weights, tokenizer, and the checkpoint that was read."""
    done, out = baked
    before, after = Oracle(case.folder), Oracle(out)
    assert set(after.w) == set(before.w)
    edited = {(e.intervention.layer, e.intervention.dim) for e in done.edits}
    for name, value in before.w.items():
        if name.endswith("mlp.c_proj.bias"):
            continue
        mine = after.w[name].copy()
        if name.endswith("mlp.c_proj.weight"):
            rows = [dim for layer, dim in edited if layer == int(name.split(".")[1])]
            mine[rows] = value[rows]
        np.testing.assert_array_equal(mine, value, err_msg=name)
    layers = {layer for layer, _ in edited}
    for layer in set(range(before.n_layer)) - layers:
        name = f"h.{layer}.mlp.c_proj.bias"
        np.testing.assert_array_equal(after.w[name], before.w[name])
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert [tokenizer(p)["input_ids"] for p in PROMPTS] == [case.encode(p) for p in PROMPTS]
    assert out.joinpath("model.safetensors").stat().st_mode & 0o777 == (
        out.joinpath("config.json").stat().st_mode & 0o777
    )


def test_it_loads_here_too(case: Case, baked: tuple[Baked, Path]) -> None:
    again = Debugger.load(str(baked[1]), device="cpu")
    shown = again.trace(PROMPT).unedited.positions[0].prediction.top
    run = case.debugger.trace(PROMPT, every_kind(case)).edited
    assert run is not None
    expected = run.positions[0].prediction.top
    assert [t.prob for t in shown] == pytest.approx([t.prob for t in expected], rel=1e-4)


def test_the_result_says_what_was_done(case: Case, baked: tuple[Baked, Path]) -> None:
    done, out = baked
    assert (done.folder, done.dtype, done.prompt) == (str(out), "float32", PROMPT)
    names = [str(edit.intervention.id) for edit in done.edits]
    assert sorted(set(names)) == sorted(names)
    by_name = {str(edit.intervention.id): edit for edit in done.edits}
    last = case.all_dominant()[-1]
    c = case.oracle.boosts(case.encode(PROMPT))[case.oracle.n_layer - 1]
    assert by_name[last].intervention.kind == "on"
    assert by_name[last].factor == 0
    assert by_name[last].shift == pytest.approx(float(case.oracle.act(np.array(c))), rel=1e-5)
    assert (by_name["L0D2"].factor, by_name["L0D2"].shift) == (0, -1.5)
    assert (by_name["L0D3"].factor, by_name["L0D3"].shift) == (1, 0.75)
    assert (by_name["L0D4"].factor, by_name["L0D4"].shift) == (1, 0)
    assert (by_name["L0D1"].factor, by_name["L0D1"].shift) == (
        0,
        pytest.approx(float(case.oracle.act(np.array(0.0)))),
    )
    text = (out / "README.md").read_text("utf-8")
    assert all(f"| {name} |" in text for name in names)
    assert f'"{PROMPT}"' in text
    assert str(case.folder.parent) not in text


# --- number formats ------------------------------------------------------------------------------


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A checkpoint in float16."""
    return save(random_model({}, seed=4).half(), tmp_path / "half")


def test_the_checkpoints_number_format_is_kept(half: Path, tied: Case, tmp_path: Path) -> None:
    """In float16 the new bias is rounded, by as much as is said."""
    edit = Intervention.set("L1D54", 3.3)
    done = Debugger.load(str(half), device="cpu").bake([edit], tmp_path / "out")
    raw = load_file(tmp_path / "out" / "model.safetensors")
    assert done.dtype == "float16"
    assert {value.dtype for value in raw.values()} == {np.dtype("float16")}
    oracle = Oracle(half)
    shift = np.float64(np.float32(3.3))  # the hooked model's own number
    exact = oracle.w["h.1.mlp.c_proj.bias"] + shift * oracle.w["h.1.mlp.c_proj.weight"][54]
    bias = raw["transformer.h.1.mlp.c_proj.bias"].astype(np.float64)
    assert done.rounding == pytest.approx(np.abs(bias - exact).max())
    assert 0 < done.rounding < 2**-11 * np.abs(exact).max() * 1.01
    ids = tied.encode(PROMPT)
    states = oracle.run(ids, as_edits([edit]))
    row = probs(plain(tmp_path / "out"), ids)[-1]
    np.testing.assert_allclose(row, oracle.lens(states.after[-1, -1]), rtol=0.02, atol=1e-6)


def test_another_number_format(tied: Case, tmp_path: Path) -> None:
    done = tied.debugger.bake([Intervention.off("L1D3")], tmp_path / "out", dtype="bfloat16")
    assert done.dtype == "bfloat16"
    assert plain(tmp_path / "out", "auto").dtype == torch.bfloat16  # type: ignore[arg-type]
    assert done.rounding == 0  # a row of zeros, and no bias
    half = Debugger.load(str(tied.folder), device="cpu", dtype="bfloat16")
    assert half.bake([Intervention.off("L1D3")], tmp_path / "a", dtype="float16").rounding == 0
    assert half.bake([Intervention.off("L1D3")], tmp_path / "b").dtype == "float32"


# --- which interventions -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ([], "no interventions"),
        ([Intervention.off("L1D3", positions="last")], "L1D3 (off) is edited at some positions"),
        ([Intervention.off("L1D3", positions=(0, 1))], "at some positions only"),
        ([Intervention.off("L1D3", generated=False)], "L1D3 (off) is edited in the prompt only"),
        ([Intervention.set("L1D3", 1), Intervention.off("L1D3", positions="last")], "L1D3 (off)"),
        ([Intervention.on("L1D3")], "name the prompt"),
    ],
)
def test_what_weights_cannot_say_is_refused(
    tied: Case, tmp_path: Path, edits: list[Intervention], words: str
) -> None:
    with pytest.raises(CannotBake) as caught:
        tied.debugger.bake(edits, tmp_path / "out")
    assert words in caught.value.message
    assert list(tmp_path.iterdir()) == []


def test_the_refused_edit_is_named(tied: Case, tmp_path: Path) -> None:
    """By its place in the list that was given, however the others are sorted or replaced."""
    replaced = [Intervention.off("L2D9", positions="last"), Intervention.off("L2D9")]
    for bad in (Intervention.off("L1D3", positions="last"), Intervention.off("L9D1")):
        with pytest.raises(InvalidInput) as caught:
            tied.debugger.bake([*replaced, bad], tmp_path / "out")
        details = caught.value.details
        assert (details["intervention"], details["id"]) == (2, str(bad.id))


def test_an_edit_everywhere_replaces_one_at_some_positions(tied: Case, tmp_path: Path) -> None:
    edits = [Intervention.set("L1D3", 1, positions="last"), Intervention.off("L1D3")]
    done = tied.debugger.bake(edits, tmp_path / "out")
    assert [(e.intervention.kind, e.factor, e.shift) for e in done.edits] == [("off", 0, 0)]
    tied.debugger.bake([Intervention.off("L1D3", generated=True)], tmp_path / "same")
    assert digest(tmp_path / "same") == digest(tmp_path / "out")


def test_other_refusals(half: Path, tmp_path: Path) -> None:
    debugger, out = Debugger.load(str(half), device="cpu"), tmp_path / "out"
    with pytest.raises(UnknownDimension):
        debugger.bake([Intervention.off("L0D99999")], out)
    with pytest.raises(TooManyInterventions):
        debugger.bake([Intervention.off(f"L{i % 3}D{i // 3}") for i in range(300)], out)
    with pytest.raises(NonFiniteResult, match="float16"):
        debugger.bake([Intervention.set("L0D0", 1e9)], out)
    assert list(tmp_path.iterdir()) == [half]


def test_an_architecture_without_bias(
    tied: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GPT2Adapter, "value_bias", lambda self, layer: None)
    with pytest.raises(CannotBake, match="no bias in layer 1"):
        tied.debugger.bake([Intervention.set("L1D3", 2.0)], tmp_path / "out")
    assert tied.debugger.bake([Intervention.scale("L1D3", 2.0)], tmp_path / "out").edits
