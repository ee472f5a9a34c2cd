"""Every kind of edit, on every family, is surgery on a plain model's weights, or what a hook on it
does; generation, baking and programs say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM

from lm_debugger.engine.edits import FromRow, SiteEdit
from lm_debugger.engine.interventions import merge
from lm_debugger.engine.passes import Row
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention, Kind
from lm_debugger.errors import CannotBake, NonFiniteResult
from lm_debugger.runs.program import program
from lm_debugger.runs.schema import RunFile
from tests.contract.conftest import PROMPTS, Model

PROMPT = PROMPTS[0]
VALUES = {"on": None, "off": None, "set": 1.5, "scale": -2.0, "add": 0.7}


def down(model: Model, plain: Any, layer: int) -> Any:
    """The value projection of a plain model, found by its own name for it."""
    names = model.debugger.adapter.expressions
    return eval(names.value_projection, {"block": eval(names.blocks, {"model": plain})[layer]})


def column(module: Any, dim: int) -> Tensor:
    """The value vector in a plain module's weights, to be written to."""
    weight: Tensor = module.weight
    return weight[dim] if type(module).__name__ == "Conv1D" else weight[:, dim]


def probs(plain: Any, ids: list[int]) -> Tensor:
    with torch.inference_mode():
        found: Tensor = plain(torch.tensor([ids])).logits[0, -1].double().softmax(-1)
    return found


def assert_predicts(model: Model, edit: Intervention, truth: Tensor) -> None:
    trace = model.debugger.trace(PROMPT, [edit], top_k=20)
    assert trace.edited is not None
    for item in trace.edited.positions[0].prediction.top:
        assert item.prob == pytest.approx(float(truth[item.token.id]), rel=2e-4, abs=1e-8)
    (top, *_) = trace.edited.positions[0].prediction.top
    assert top.token.id == int(truth.argmax())


def dominant(model: Model, layer: int) -> int:
    """So that editing it is sure to show."""
    layers = model.debugger.trace(PROMPT).unedited.positions[0].layers
    return layers[layer].sub_updates[0].id.dim


@pytest.mark.parametrize("layer", [0, 2])
def test_off_and_scale_are_surgery(model: Model, layer: int) -> None:
    ids, dim = model.encode(PROMPT), dominant(model, layer)
    unedited = probs(model.plain(), ids)
    for edit, factor in (
        (Intervention(layer, dim, "off"), 0.0),
        (Intervention(layer, dim, "scale", -1.5), -1.5),
    ):
        plain = model.plain()
        with torch.no_grad():
            column(down(model, plain, layer), dim).mul_(factor)
        truth = probs(plain, ids)
        assert float((truth - unedited).abs().max()) > 1e-4, "the edit shows"
        assert_predicts(model, edit, truth)


@pytest.mark.parametrize("kind", ["set", "add"])
def test_set_and_add_are_what_a_hook_does(model: Model, kind: Kind) -> None:
    ids, dim, plain = model.encode(PROMPT), dominant(model, 1), model.plain()

    def hook(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        m = args[0].clone()
        m[..., dim] = 2.5 if kind == "set" else m[..., dim] + 2.5
        return (m,)

    down(model, plain, 1).register_forward_pre_hook(hook)
    edit = Intervention(1, dim, kind, 2.5)
    assert_predicts(model, edit, probs(plain, ids))


def boost(model: Model, ids: list[int], layer: int, dim: int) -> float:
    """Rules 9 and 19 from a plain model: what the coefficient becomes."""
    seen: dict[str, Tensor] = {}
    plain = model.plain()
    module, names = down(model, plain, layer), model.debugger.adapter.expressions
    module.register_forward_pre_hook(lambda _, args: seen.update(m=args[0][0, -1]))
    module.register_forward_hook(lambda _, __, out: seen.update(u=out[0, -1]))
    probs(plain, ids)
    block = eval(names.blocks, {"model": plain})[layer]
    matrix, m = eval(names.value_matrix, {"block": block}), seen["m"]
    with torch.no_grad():
        if names.post_norm:
            rms = (seen["u"].square().mean() + 1e-6).sqrt()
            matrix = matrix * (1 + eval(names.post_norm, {"block": block}).weight) / rms
        norms = matrix.norm(dim=1)
        c = float((m.abs() * norms).max()) + 0.01
        if not model.debugger.adapter.is_gated:
            return float(eval(names.activation, {"block": block})(torch.tensor(c)))
        return (-1 if m[dim] < 0 else 1) * c / float(norms[dim])


@pytest.mark.parametrize("cold", [True, False])
def test_on_is_the_boost_of_the_rules(model: Model, cold: bool) -> None:
    """Whether the unedited run is remembered or runs in the same batch."""
    ids = model.encode(PROMPT)
    layers = model.debugger.trace(PROMPT).unedited.positions[0].layers
    debugger = type(model.debugger)(model.debugger.checkpoint, remember=not cold)
    for rank in (1, 3):
        dim = layers[1].sub_updates[rank].id.dim
        value = boost(model, ids, 1, dim)
        if not cold:
            debugger.trace(PROMPT)
        trace = debugger.trace(PROMPT, [Intervention(1, dim, "on")])
        (applied,) = trace.interventions
        assert applied.edited_coefficient == pytest.approx(value, rel=1e-4)
        assert applied.pre_activation is None or not debugger.adapter.is_gated
        assert_predicts(
            model, Intervention(1, dim, "set", value), _edited(model, ids, 1, dim, value)
        )


@pytest.mark.parametrize("name", ["llama", "llama-biased", "mistral", "qwen2"])
def test_a_boosted_score_of_a_gated_ffn_is_in_front(
    name: str, open_family: Callable[[str], Model]
) -> None:
    """Rule 19: the score becomes c, where no post-norm has other statistics afterwards."""
    model = open_family(name)
    layers = model.debugger.trace(PROMPT).unedited.positions[0].layers
    dim, best = layers[1].sub_updates[4].id.dim, layers[1].sub_updates[0].score
    trace = model.debugger.trace(PROMPT, [Intervention(1, dim, "on")])
    assert trace.edited is not None
    first = trace.edited.positions[0].layers[1].sub_updates[0]
    assert (first.id.dim, first.score) == (dim, pytest.approx(best + 0.01, rel=1e-4))


def _edited(model: Model, ids: list[int], layer: int, dim: int, value: float) -> Tensor:
    plain = model.plain()

    def hook(_: Any, args: tuple[Tensor, ...]) -> tuple[Tensor]:
        m = args[0].clone()
        m[..., dim] = value
        return (m,)

    down(model, plain, layer).register_forward_pre_hook(hook)
    return probs(plain, ids)


def test_generation_is_that_of_transformers(model: Model) -> None:
    ids, dim = model.encode(PROMPT), dominant(model, 1)
    for edits in ([], [Intervention(1, dim, "scale", -1.0)]):
        plain = model.plain()
        if edits:
            with torch.no_grad():
                column(down(model, plain, 1), dim).mul_(-1)
        with torch.inference_mode():
            truth = plain.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids)),
                                   max_new_tokens=8, do_sample=False)[0, len(ids):]  # fmt: skip
        steps = model.debugger.generate(PROMPT, edits, max_new_tokens=8).steps
        assert [step.token.id for step in steps] == [id for id in truth.tolist() if id != 0]


def test_an_error_leaves_no_hook(model: Model) -> None:
    before = model.debugger.trace(PROMPT)
    with pytest.raises(NonFiniteResult):
        model.debugger.trace(PROMPT, [Intervention(0, 1, "set", 1e30)])
    modules = model.debugger.adapter.backbone.modules()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in modules)
    assert model.debugger.trace(PROMPT) == before


def test_a_baked_model_reads_back(model: Model, tmp_path: Path) -> None:
    ids, dim = model.encode(PROMPT), dominant(model, 1)
    edits = [Intervention(1, dim, "scale", -1.0), Intervention(0, dim % 7, "off")]
    model.debugger.bake(edits, tmp_path / "baked")
    plain: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "baked", dtype=torch.float32)
    truth = probs(plain.eval(), ids)
    trace = model.debugger.trace(PROMPT, edits)
    assert trace.edited is not None
    for item in trace.edited.positions[0].prediction.top:
        assert item.prob == pytest.approx(float(truth[item.token.id]), rel=2e-4)


def test_what_needs_a_bias_is_baked_or_refused(model: Model, tmp_path: Path) -> None:
    edit, bias = Intervention(1, 3, "set", 1.5), model.debugger.adapter.value_bias(1)
    if bias is None:
        with pytest.raises(CannotBake, match="has no bias in layer 1"):
            model.debugger.bake([edit], tmp_path / "baked")
        assert not (tmp_path / "baked").exists()
        return
    model.debugger.bake([edit], tmp_path / "baked")
    plain: Any = AutoModelForCausalLM.from_pretrained(tmp_path / "baked", dtype=torch.float32)
    assert_predicts(model, edit, probs(plain.eval(), model.encode(PROMPT)))


@pytest.mark.parametrize("kinds", [("on", "off"), ("set", "scale", "add")])
def test_a_run_as_a_program_prints_the_same(
    model: Model, tmp_path: Path, kinds: tuple[str, ...]
) -> None:
    """With plain transformers and hooks."""
    edits = [
        {
            "layer": n % 3,
            "dim": 3 + n,
            "kind": kind,
            "value": VALUES[kind],
        }
        for n, kind in enumerate(kinds)
    ]
    run = RunFile.model_validate({
        "format": "lm-debugger-run", "version": 1, "model": str(model.folder), "prompt": PROMPT,
        "interventions": edits, "max_new_tokens": 4,
    })  # fmt: skip
    file = tmp_path / "run.py"
    file.write_text(program(run, model.debugger, "transformers"), encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
    printed = done.stdout.partition("edited prediction")[2].partition("edited prediction")[2]
    values = [float(x) for x in re.findall(r"^  (\d\.\d{8}) ", printed, re.MULTILINE)]
    trace = model.debugger.trace(PROMPT, edits)
    assert trace.edited is not None
    found = [item.prob for item in trace.edited.positions[0].prediction.top]
    assert values == pytest.approx(found, rel=1e-3, abs=2e-8)


def test_the_adapters_places_are_where_edits_go(
    open_family: Callable[[str], Model],
) -> None:
    """Parallel blocks have no state in between, plain FFNs no gate: by name, not by mistake."""
    for name, missing in (("gpt_neox", Site.RESID_MID), ("gpt2", Site.UP)):
        with pytest.raises(KeyError):
            open_family(name).debugger.adapter.place(missing, 0)


def test_edits_are_buffers_that_a_pass_reads(model: Model) -> None:
    """New numbers written into them are what the next pass does, whatever else stays: so can a
    captured graph be run again."""
    adapter, ids, dim = model.debugger.adapter, model.encode(PROMPT), dominant(model, 1)
    runner = model.debugger.model.runner
    first, second = (
        merge(adapter, [Intervention(1, dim, "set", value)], len(ids), None) for value in (1.0, -3)
    )
    (edit,), (other,) = first.values(), second.values()
    assert (edit.index.shape, edit.factor.shape) == (other.index.shape, other.factor.shape)
    row, position = Row(ids, (len(ids) - 1,), first), len(ids) - 1
    before = runner.run([row])[0].final(position)
    edit.shift.copy_(other.shift)
    after = runner.run([row])[0].final(position)
    truth = runner.run([Row(ids, (position,), second)])[0].final(position)
    assert torch.equal(after, truth)
    assert not torch.allclose(after, before)


@pytest.mark.parametrize("site", [Site.Z, Site.ATTN_OUT, Site.FFN_OUT, Site.RESID_PRE])
def test_any_site_can_be_patched_from_another_prompt(model: Model, site: Site) -> None:
    """What another row of the batch has there is written, at all positions or at some."""
    runner, ids = model.debugger.model.runner, model.encode(PROMPTS[0])
    others, every = [id + 1 for id in ids], tuple(range(len(ids)))
    sites = frozenset({site, Site.RESID_POST} - {Site.RESID_PRE, Site.RESID_POST})
    clean, corrupted = runner.run([Row(ids, every, sites=sites), Row(others, every, sites=sites)])
    width = clean[site].shape[-1]
    for positions in (every, (2, 3)):
        gain = torch.zeros(len(ids) + 1, width)
        gain[list(positions)] = 1
        other = FromRow(gain, _with_one_more, row=0)
        patch = SiteEdit(site, 1, torch.arange(width), 1 - gain, torch.zeros_like(gain), other)
        rows = [Row(ids, every, sites=sites), Row(others, every, {(1, site): patch}, sites=sites)]
        patched = runner.run(rows)[1]
        kept = [q for q in every if q not in positions]
        assert torch.equal(patched.residual[1], corrupted.residual[1])
        if site is not Site.RESID_PRE:
            assert torch.equal(patched[site][1][list(positions)], clean[site][1][list(positions)])
            assert torch.equal(patched[site][1][kept], corrupted[site][1][kept])
            assert not torch.allclose(patched.residual[2], corrupted.residual[2])
        elif not kept:  # from here on it is the other run
            assert torch.allclose(patched.residual[-1], clean.residual[-1], atol=1e-4)


def _with_one_more(values: Tensor) -> Tensor:
    """[T, n] -> [T + 1, n]: a row for generated tokens."""
    return torch.cat((values, values[-1:]))
