"""Every gradient of every family is plain transformers' autograd, frozen where the rules say so;
and the identities of METHODS 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AttentionInterface
from transformers.masking_utils import AttentionMaskInterface, eager_mask

from lm_debugger.engine import products
from lm_debugger.engine.gradients import Gradients, frozen_score, gradients
from lm_debugger.engine.interventions import merge
from lm_debugger.engine.products import PackedLinear
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention
from lm_debugger.errors import GradientLost
from tests.contract.conftest import PROMPTS, Model, close

TOKENS, AGAINST = [300, 411], [777]
HEADS = (Site.Q, Site.K, Site.V, Site.PATTERN)
STREAM = (Site.EMBED, Site.RESID_PRE, Site.ATTN_OUT, Site.FFN_OUT, Site.RESID_POST, Site.FINAL)
INNER = (Site.Z, Site.COEFFICIENTS)
NAMES = {
    # block, attention, W_O, value projection, what each adds to the residual, final norm
    "gpt2": ("transformer.h", "attn.c_proj", "mlp.c_proj", "attn.c_proj", "mlp.c_proj",
             "transformer.ln_f"),
    "llama": ("model.layers", "self_attn.o_proj", "mlp.down_proj", "self_attn.o_proj",
              "mlp.down_proj", "model.norm"),
    "gemma": ("model.layers", "self_attn.o_proj", "mlp.down_proj", "post_attention_layernorm",
              "post_feedforward_layernorm", "model.norm"),
    "gpt_neox": ("gpt_neox.layers", "attention.dense", "mlp.dense_4h_to_h", "attention.dense",
                 "mlp.dense_4h_to_h", "gpt_neox.final_layer_norm"),
    "phi": ("model.layers", "self_attn.dense", "mlp.fc2", "self_attn.dense", "mlp.fc2",
            "model.final_layernorm"),
}  # fmt: skip
FAMILY = {"mistral": "llama", "qwen2": "llama", "gemma2": "gemma", "gemma3": "gemma"}


def _forgotten(*_: Any, **__: Any) -> Any:
    raise AssertionError("a plain model is run once")


class Plain:
    """A plain model's pass with autograd: tensors by site and layer, noted by hooks of its own."""

    def __init__(
        self,
        model: Model,
        ids: list[int],
        position: int,
        tokens: Sequence[int] = TOKENS,
        against: Sequence[int] = AGAINST,
    ) -> None:
        self._tokens, self._against = list(tokens), list(against)
        family = FAMILY.get(model.name, model.name.partition("-")[0])
        blocks, out, down, attention, ffn, final = NAMES[family]
        self.lm = model.plain()
        self.seen: dict[Site, list[Tensor]] = {site: [] for site in Site}
        self.lm.requires_grad_(False)
        AttentionInterface.register("noted", self._attend)
        AttentionMaskInterface.register("noted", eager_mask)
        self.lm.set_attn_implementation("noted")
        self.blocks: list[nn.Module] = list(self.lm.get_submodule(blocks))
        self.blocks[0].register_forward_pre_hook(self._leaf)
        for block in self.blocks:
            self._note(block, Site.RESID_PRE, "in")
            self._note(block, Site.RESID_POST, "out")
            self._note(block.get_submodule(out), Site.Z, "in")
            self._note(block.get_submodule(down), Site.COEFFICIENTS, "in")
            self._note(block.get_submodule(down), Site.FFN_RAW, "out")
            self._note(block.get_submodule(out), Site.ATTN_RAW, "out")
            self._note(block.get_submodule(attention), Site.ATTN_OUT, "out")
            self._note(block.get_submodule(ffn), Site.FFN_OUT, "out")
        self._note(self.lm.get_submodule(final), Site.FINAL, "in")
        self.lm(torch.tensor([ids]))
        AttentionInterface.register("noted", _forgotten)  # nothing of this pass stays behind
        self.direction = self._direction(final, position)

    def _leaf(self, _: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        x = args[0].detach().requires_grad_(True)
        self.seen[Site.EMBED].append(x)
        return (x, *args[1:])

    def _note(self, module: nn.Module, site: Site, side: str) -> None:
        def note(value: Any) -> None:
            self.seen[site].append(value if isinstance(value, Tensor) else value[0])

        if side == "in":
            module.register_forward_pre_hook(lambda _, args: note(args[0]))
        else:
            module.register_forward_hook(lambda _, __, output: note(output))

    def _attend(
        self, _: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scaling: float, **more: Any
    ) -> tuple[Tensor, None]:
        groups = q.shape[1] // k.shape[1]
        scores = q @ k.repeat_interleave(groups, 1).transpose(-1, -2) * scaling
        if more.get("softcap"):
            scores = torch.tanh(scores / more["softcap"]) * more["softcap"]
        pattern = (scores + mask).softmax(-1)
        for site, value in zip(HEADS, (q, k, v, pattern), strict=True):
            self.seen[site].append(value)
        return (pattern @ v.repeat_interleave(groups, 1)).transpose(1, 2).contiguous(), None

    def _direction(self, final: str, position: int) -> Tensor:
        """centre(gain * u) / s at the position, 0 elsewhere (METHODS 0)."""
        norm, x = self.lm.get_submodule(final), self.seen[Site.FINAL][0][0, position].detach()
        head = self.lm.get_output_embeddings().weight
        u = head[self._tokens].mean(0) - head[self._against].mean(0)
        found = torch.zeros_like(self.seen[Site.FINAL][0])
        if isinstance(norm, nn.LayerNorm):
            g = u * norm.weight
            found[0, position] = (g - g.mean()) / (x.var(correction=0) + norm.eps).sqrt()
        else:
            gain = norm.weight + (1.0 if "Gemma" in type(norm).__name__ else 0.0)
            eps = getattr(norm, "eps", None) or norm.variance_epsilon
            found[0, position] = u * gain / (x.square().mean() + eps).sqrt()
        return found

    def gradient(self, site: Site) -> list[Tensor]:
        """Unfrozen but for the final norm."""
        found = torch.autograd.grad(
            self.seen[Site.FINAL][0], self.seen[site], self.direction, retain_graph=True
        )
        return [x[0] for x in found]

    def behind_post_norm(self, raw: Site, out: Site, inner: Site) -> list[Tensor]:
        """Of sites whose output goes through gain * u / rms(u): rms frozen, all after it free."""
        found = []
        for layer, gradient in enumerate(self.gradient(out)):
            name = "post_attention" if out is Site.ATTN_OUT else "post_feedforward"
            norm: Any = self.blocks[layer].get_submodule(f"{name}_layernorm")
            u = self.seen[raw][layer]
            rms = (u.detach()[0].square().mean(-1, keepdim=True) + norm.eps).sqrt()
            frozen = gradient * (1 + norm.weight) / rms
            inner_x = self.seen[inner][layer]
            found += torch.autograd.grad(u, inner_x, frozen.unsqueeze(0), retain_graph=True)
        return [x[0] for x in found]


def ours(model: Model, ids: list[int], position: int, *sites: Site) -> Gradients:
    score = frozen_score(model.debugger.adapter, position, TOKENS, AGAINST)
    return gradients(model.debugger.adapter, ids, score, sites)


@pytest.mark.parametrize("position", [-1, 3])
def test_gradients_are_those_of_transformers(model: Model, position: int) -> None:
    ids = model.encode(PROMPTS[0])
    position %= len(ids)
    plain, post_norm = Plain(model, ids, position), model.debugger.adapter.has_post_norm
    found = ours(model, ids, position, *STREAM, *INNER, *HEADS)
    for site in STREAM:
        truth = plain.gradient(site)
        assert len(found.gradients[site]) == len(truth)
        for mine, theirs in zip(found.gradients[site], truth, strict=True):
            close(mine, theirs, 1e-4)
    for site in (*INNER, *HEADS):
        ffn = site is Site.COEFFICIENTS
        truth = (
            plain.gradient(site) if not post_norm else
            plain.behind_post_norm(Site.FFN_RAW if ffn else Site.ATTN_RAW,
                                   Site.FFN_OUT if ffn else Site.ATTN_OUT, site)
        )  # fmt: skip
        for mine, theirs in zip(found.gradients[site], truth, strict=True):
            close(mine, theirs, 1e-4)
    for site in (*STREAM, *INNER, *HEADS):
        for mine, theirs in zip(found.values[site], plain.seen[site], strict=True):
            close(mine, theirs[0])


def test_the_score_is_the_difference_of_logits_before_any_cap(model: Model) -> None:
    ids = model.encode(PROMPTS[1])
    lm = model.plain()
    lm.config.final_logit_softcapping = None
    with torch.inference_mode():
        logits = lm(torch.tensor([ids])).logits[0, -1]
    truth = float(logits[TOKENS].mean() - logits[AGAINST].mean())
    assert ours(model, ids, len(ids) - 1).score == pytest.approx(truth, rel=1e-4, abs=1e-4)


def test_in_the_last_layer_total_and_direct_effect_are_one(model: Model) -> None:
    """For every value vector: nothing stands between it and the final norm."""
    ids = model.encode(PROMPTS[0])
    position, adapter = len(ids) - 1, model.debugger.adapter
    found = ours(model, ids, position, Site.COEFFICIENTS, Site.FINAL)
    g = found.gradients[Site.FINAL][0][position]
    seen = model.record(ids)
    written = model.debugger.model.runner.written(seen, [position])[-1, 0]
    direct = written * (adapter.value_directions(adapter.n_layers - 1) @ g)
    total = seen[Site.COEFFICIENTS][-1, position] * found.gradients[Site.COEFFICIENTS][-1][position]
    close(total, direct)


def test_effects_of_value_vectors_sum_to_that_of_the_ffn(model: Model) -> None:
    """Sum_n a dS/da = (f - b_out) · dS/df, a post-norm frozen."""
    ids = model.encode(PROMPTS[0])
    adapter = model.debugger.adapter
    found = ours(model, ids, len(ids) - 1, Site.COEFFICIENTS, Site.FFN_OUT, Site.FFN_RAW)
    for layer in range(adapter.n_layers):
        m = found.values[Site.COEFFICIENTS][layer]
        effects = m * found.gradients[Site.COEFFICIENTS][layer]
        f, gradient = found.values[Site.FFN_OUT][layer], found.gradients[Site.FFN_OUT][layer]
        bias = adapter.value_bias(layer)
        if bias is not None:
            f = f - bias
        # To rounding of what is summed: the effects nearly cancel.
        off = (effects.sum(-1) - (f * gradient).sum(-1)).abs()
        assert float((off / effects.abs().sum(-1).clamp_min(1e-9)).max()) < 2e-6


def test_all_direct_effects_add_up_to_the_score(model: Model) -> None:
    """Heads by token pair with folded value biases, value vectors, embedding and biases are a
    partition of S (METHODS 1)."""
    ids = model.encode(PROMPTS[0])
    adapter, q = model.debugger.adapter, len(ids) - 1
    found = ours(model, ids, q, Site.FINAL, Site.EMBED, Site.V)
    g = found.gradients[Site.FINAL][0][q]
    seen = model.record(ids, Site.PATTERN, Site.V, Site.ATTN_RAW, Site.FFN_RAW)
    rows = [found.values[Site.EMBED][0][q] @ g]
    written = model.debugger.model.runner.written(seen, [q])[:, 0]
    groups = adapter.n_heads // adapter.n_key_heads
    for layer in range(adapter.n_layers):
        raw, post = seen[Site.ATTN_RAW][layer, q], adapter.attention_post_norm(layer)
        to_residual = g if post is None else post.pull_back(g) * post.inverse(raw)
        v = seen[Site.V][layer].repeat_interleave(groups, 0)  # [H, T, d], bias in it
        pairs = seen[Site.PATTERN][layer][:, q, :, None] * (v @ adapter.head_matrix(layer))
        rows.append((pairs @ to_residual).sum())
        head_bias, bias = adapter.head_bias(layer), adapter.value_bias(layer)
        if head_bias is not None:
            rows.append(head_bias @ to_residual)
        rows.append((written[layer] * (adapter.value_directions(layer) @ g)).sum())
        if bias is not None:
            rows.append(bias @ g)
    lm = model.plain()
    head, norm = lm.get_output_embeddings().weight, adapter.final
    if norm.bias is not None:
        rows.append((head[TOKENS].mean(0) - head[AGAINST].mean(0)) @ norm.bias)
    unembedding_bias = lm.get_output_embeddings().bias
    if unembedding_bias is not None:
        rows.append(unembedding_bias[TOKENS].mean() - unembedding_bias[AGAINST].mean())
    total = float(torch.stack(rows).detach().sum())
    assert total == pytest.approx(found.score, rel=1e-5, abs=2e-5)


def test_an_edited_run_has_its_own_gradients(open_family: Callable[[str], Model]) -> None:
    """A coefficient that was set passes nothing on to what is below it."""
    model = open_family("llama")
    ids, adapter = model.encode(PROMPTS[0]), model.debugger.adapter
    every = [Intervention(1, dim, "off") for dim in range(adapter.ffn_width)]
    edits = merge(adapter, every, len(ids), None)
    score = frozen_score(adapter, len(ids) - 1, TOKENS)
    sites = (Site.FFN_OUT, Site.UP, Site.COEFFICIENTS)
    found = gradients(adapter, ids, score, sites, edits)
    assert found.values[Site.COEFFICIENTS][1].abs().max() == 0
    assert found.values[Site.FFN_OUT][1].abs().max() == 0
    assert found.gradients[Site.UP][1].abs().max() == 0
    assert found.gradients[Site.COEFFICIENTS][1].abs().max() > 0


def test_a_product_without_a_backward_is_refused(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It drops gradients without an exception: at earlier positions they would be 0."""
    ids = model.encode(PROMPTS[0])
    linear = next(m for m in model.debugger.adapter.blocks[1].modules()
                  if isinstance(m, PackedLinear))  # fmt: skip
    monkeypatch.setattr(linear, "forward", lambda x: linear._product(x.detach()))
    with pytest.raises(GradientLost, match="Layer 1 gives no gradient at"):
        ours(model, ids, len(ids) - 1, Site.EMBED)


def test_packed_weights_are_really_in_use(model: Model) -> None:
    """Otherwise the tests above say nothing of them."""
    head = model.debugger.adapter.unembedding
    packed = [m for m in model.debugger.adapter.backbone.modules() if isinstance(m, PackedLinear)]
    assert bool(packed) == products.can_pack(head)
