"""Scalars within a block and their derivatives: the identities of METHODS 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from lm_debugger.engine.sites import Site
from lm_debugger.engine.upstream import inner_gradient
from tests.contract.conftest import PROMPTS, Model, close

LAYER, NEURON, HEAD, QUERY, KEY = 1, 7, 2, 6, 3


def residual(model: Model) -> Tensor:
    return model.record(model.encode(PROMPTS[0])).residual[LAYER]


@pytest.mark.parametrize("site", [Site.PRE, Site.UP])
def test_a_pre_activation_is_linear_in_what_the_ffn_reads(model: Model, site: Site) -> None:
    """m · grad = pre - (beta · w_in + b_in), at its own token only."""
    adapter = model.debugger.adapter
    site = site if adapter.has(site) else Site.PRE
    found = inner_gradient(
        adapter, residual(model), LAYER, "ffn", lambda seen: seen[site][QUERY, NEURON]
    )
    module: Any = adapter.place(site, LAYER).module
    is_conv = module.weight.shape[0] == found.state.shape[1]
    w_in = module.weight[:, NEURON] if is_conv else module.weight[NEURON]
    norm, rest = adapter.ffn_norm(LAYER), 0.0
    if norm.bias is not None:
        rest += float(norm.bias @ w_in)
    if module.bias is not None:
        rest += float(module.bias[NEURON])
    assert float(found.state[QUERY] @ found.gradient[QUERY]) == pytest.approx(
        found.value - rest, rel=1e-4, abs=1e-5
    )
    others = [q for q in range(len(found.state)) if q != QUERY]
    assert found.gradient[others].abs().max() == 0
    seen = model.record(model.encode(PROMPTS[0]), site)
    assert found.value == pytest.approx(float(seen[site][LAYER, QUERY, NEURON]), rel=1e-4)
    mid = seen[Site.RESID_PRE if adapter.is_parallel else Site.RESID_MID][LAYER]
    close(found.state, mid)


def side(part: str) -> Callable[[Mapping[Site, Tensor]], Tensor]:
    """q · k of a head and a pair, the other side detached."""

    def score(seen: Mapping[Site, Tensor]) -> Tensor:
        q, k = seen[Site.Q][HEAD, QUERY], seen[Site.K]
        k = k[HEAD * len(k) // len(seen[Site.Q]), KEY]
        q, k = (q, k.detach()) if part == "q" else (q.detach(), k) if part == "k" else (q, k)
        return q @ k

    return score


def test_both_sides_of_a_score_add_up(model: Model) -> None:
    """grad_QK = grad_Q + grad_K, at the query and at the key only."""
    adapter, x = model.debugger.adapter, residual(model)
    both, by_q, by_k = (
        inner_gradient(adapter, x, LAYER, "attention", side(part)) for part in ("both", "q", "k")
    )
    close(both.gradient, by_q.gradient + by_k.gradient)
    for found, at in ((by_q, QUERY), (by_k, KEY)):
        assert found.gradient[at].abs().max() > 0
        found.gradient[at] = 0
        assert found.gradient.abs().max() == 0


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2"])
def test_a_score_without_biases_is_linear_in_each_side(
    name: str, open_family: Callable[[str], Model]
) -> None:
    """x · grad_Q = score, where neither norm nor projection has a bias."""
    model = open_family(name)
    for part, at in (("q", QUERY), ("k", KEY)):
        found = inner_gradient(
            model.debugger.adapter, residual(model), LAYER, "attention", side(part)
        )
        assert float(found.state[at] @ found.gradient[at]) == pytest.approx(found.value, rel=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "gpt2-upcast"])
def test_a_score_with_biases_is_linear_but_for_them(
    name: str, open_family: Callable[[str], Model]
) -> None:
    """x · grad_Q = score - (beta W_Q + b_Q) · k."""
    model = open_family(name)
    adapter, x = model.debugger.adapter, residual(model)
    found = inner_gradient(adapter, x, LAYER, "attention", side("q"))
    c_attn: Any = adapter.blocks[LAYER].get_submodule("attn.c_attn")
    width = adapter.head_width
    columns = slice(HEAD * width, (HEAD + 1) * width)
    bias = adapter.attention_norm(LAYER).bias
    assert bias is not None
    rest = bias @ c_attn.weight[:, columns] + c_attn.bias[columns]
    key = model.record(model.encode(PROMPTS[0]), Site.K)[Site.K][LAYER, HEAD, KEY]
    assert float(found.state[QUERY] @ found.gradient[QUERY]) == pytest.approx(
        found.value - float(rest @ key), rel=1e-4, abs=1e-4
    )


def effect(model: Model, g: Tensor) -> Callable[[Mapping[Site, Tensor]], Tensor]:
    """A v_k W_O · g of a head and a pair, A detached."""
    adapter = model.debugger.adapter
    group = HEAD * adapter.n_key_heads // adapter.n_heads

    def scalar(seen: Mapping[Site, Tensor]) -> Tensor:
        pattern = seen[Site.PATTERN][HEAD, QUERY, KEY].detach()
        written: Tensor = seen[Site.V][group, KEY] @ adapter.head_matrix(LAYER)[HEAD]
        return pattern * (written @ g)

    return scalar


def direction(x: Tensor) -> Tensor:
    return torch.randn(x.shape[1], generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2", "gemma3"])
def test_what_a_head_passes_on_is_linear_in_what_it_reads(
    name: str, open_family: Callable[[str], Model]
) -> None:
    """x · grad = A v_k W_O · g', where neither norm nor values have a bias; at the key only."""
    model = open_family(name)
    x = residual(model)
    found = inner_gradient(
        model.debugger.adapter, x, LAYER, "attention", effect(model, direction(x))
    )
    assert float(found.state[KEY] @ found.gradient[KEY]) == pytest.approx(found.value, rel=1e-4)
    found.gradient[KEY] = 0
    assert found.gradient.abs().max() == 0


def test_what_a_head_passes_on_is_linear_but_for_the_biases(
    open_family: Callable[[str], Model],
) -> None:
    """x · grad = the effect with the folded value, less A (beta W_V W_O) · g'."""
    model = open_family("gpt2")
    adapter, x = model.debugger.adapter, residual(model)
    g = direction(x)
    found = inner_gradient(adapter, x, LAYER, "attention", effect(model, g))
    c_attn: Any = adapter.blocks[LAYER].get_submodule("attn.c_attn")
    d, width = x.shape[1], adapter.head_width
    columns = slice(2 * d + HEAD * width, 2 * d + (HEAD + 1) * width)
    bias = adapter.attention_norm(LAYER).bias
    assert bias is not None
    pattern = model.record(model.encode(PROMPTS[0]), Site.PATTERN)[Site.PATTERN]
    constant = bias @ c_attn.weight[:, columns] + c_attn.bias[columns]
    rest = pattern[LAYER, HEAD, QUERY, KEY] * (constant @ adapter.head_matrix(LAYER)[HEAD] @ g)
    assert float(found.state[KEY] @ found.gradient[KEY]) == pytest.approx(
        found.value - float(rest), rel=1e-4, abs=1e-6
    )
