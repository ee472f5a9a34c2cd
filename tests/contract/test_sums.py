"""What is recorded of a forward pass of every family adds up, and is plain transformers'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from lm_debugger.engine.passes import Row
from lm_debugger.engine.selfcheck import MEANING
from lm_debugger.engine.sites import Site
from tests.contract.conftest import PROMPTS, Model, close


def test_states_are_those_of_transformers(model: Model) -> None:
    ids = model.encode(PROMPTS[0])
    seen = model.record(ids)
    with torch.inference_mode():
        out: Any = model.plain()(torch.tensor([ids]), output_hidden_states=True)
    for layer in range(seen.n_layers):
        close(seen.residual[layer], out.hidden_states[layer][0])
    close(model.debugger.lens.logits(seen.residual[-1]), out.logits[0])


def test_the_last_states_reading_is_the_models_own(model: Model) -> None:
    """Softcaps applied."""
    ids = model.encode(PROMPTS[1])
    with torch.inference_mode():
        truth = model.plain()(torch.tensor([ids])).logits[0, -1].double().softmax(-1)
    top = model.debugger.trace(PROMPTS[1], top_k=20).unedited.positions[0].prediction.top
    assert [item.token.id for item in top] == truth.topk(20).indices.tolist()
    for item in top:
        assert item.prob == pytest.approx(float(truth[item.token.id]), rel=1e-4)


def test_parts_add_up_to_the_residual(model: Model) -> None:
    ids = model.encode(PROMPTS[0])
    seen = model.record(ids, Site.ATTN_OUT, Site.FFN_OUT)
    before, after = seen[Site.RESID_PRE], seen[Site.RESID_POST]
    close(before + seen[Site.ATTN_OUT] + seen[Site.FFN_OUT], after)
    # Rule 3: where the two parts stand side by side, "before" is what the FFN adds to.
    close(before + seen[Site.ATTN_OUT], seen[Site.RESID_MID])
    close(seen.states(seen.positions)[:, 1] - seen.states(seen.positions)[:, 0], seen[Site.FFN_OUT])


def test_value_vectors_add_up_to_the_ffn(model: Model) -> None:
    """sum_i m_i v_i + b, and with a post-norm its statistics frozen (rule 20)."""
    ids = model.encode(PROMPTS[0])
    seen = model.record(ids, Site.FFN_OUT, Site.FFN_RAW)
    adapter, written = (
        model.debugger.adapter,
        model.debugger.model.runner.written(seen, seen.positions),
    )
    for layer in range(adapter.n_layers):
        bias = adapter.value_bias(layer)
        raw = seen[Site.COEFFICIENTS][layer] @ adapter.value_matrix(layer)
        close(raw if bias is None else raw + bias, seen[Site.FFN_RAW][layer])
        found = written[layer] @ adapter.value_directions(layer)
        if bias is not None and not adapter.has_post_norm:
            found = found + bias
        close(found, seen[Site.FFN_OUT][layer])


def test_heads_add_up_to_the_attention(model: Model) -> None:
    """A v = z, and sum_h z^h W_O^h + b_O is what attention gives."""
    ids = model.encode(PROMPTS[0])
    plain = model.record(ids, Site.Z, Site.V, Site.ATTN_RAW)
    seen = model.record(ids, Site.PATTERN)
    adapter = model.debugger.adapter
    groups = adapter.n_heads // adapter.n_key_heads
    with torch.inference_mode():
        eager: Any = model.plain()
        eager.set_attn_implementation("eager")
        truth = eager(torch.tensor([ids]), output_attentions=True).attentions
    for layer in range(adapter.n_layers):
        pattern = seen[Site.PATTERN][layer]  # [H, T, T]
        close(pattern, truth[layer][0])
        assert torch.allclose(pattern.sum(-1), torch.ones_like(pattern[..., 0]), atol=1e-5)
        values = plain[Site.V][layer].repeat_interleave(groups, dim=0)
        z = (pattern @ values).transpose(0, 1).flatten(1)
        close(z, plain[Site.Z][layer])
        heads = torch.einsum("thd,hde->te", z.unflatten(1, (adapter.n_heads, -1)),
                             adapter.head_matrix(layer))  # fmt: skip
        bias = adapter.head_bias(layer)
        close(heads if bias is None else heads + bias, plain[Site.ATTN_RAW][layer])


def test_coefficients_are_the_activations(model: Model) -> None:
    seen = model.record(model.encode(PROMPTS[0]), Site.PRE,
                        *([Site.UP] if model.debugger.adapter.is_gated else []))  # fmt: skip
    adapter = model.debugger.adapter
    for layer in range(adapter.n_layers):
        m = adapter.activation(layer)(seen[Site.PRE][layer])
        close(m * seen[Site.UP][layer] if adapter.is_gated else m, seen[Site.COEFFICIENTS][layer])


@pytest.mark.parametrize(
    "name", ["gpt2", "llama", "llama-biased", "gpt_neox", "gpt_neox-sequential"]
)
def test_queries_and_keys_are_those_of_the_scores(
    name: str, open_family: Callable[[str], Model]
) -> None:
    """softmax(q · k / sqrt(d)) is the pattern, where no cap, window or scale comes between."""
    model = open_family(name)
    ids = model.encode(PROMPTS[0])
    seen, adapter = model.record(ids, Site.Q, Site.K, Site.PATTERN), model.debugger.adapter
    for layer in range(adapter.n_layers):
        q, k = seen[Site.Q][layer], seen[Site.K][layer]
        k = k.repeat_interleave(adapter.n_heads // adapter.n_key_heads, dim=0)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        scores.masked_fill_(torch.ones(len(ids), len(ids)).triu(1).bool(), -torch.inf)
        close(scores.softmax(-1), seen[Site.PATTERN][layer])


def test_prompts_of_unequal_length_are_one_batch(model: Model) -> None:
    runner = model.debugger.model.runner
    texts = [model.encode(prompt) for prompt in PROMPTS]
    rows = [Row(ids, (0, len(ids) - 1)) for ids in texts]
    for row, together in zip(rows, runner.run(rows), strict=True):
        (alone,) = runner.run([row])
        for site in (*runner.sites, Site.RESID_POST):
            close(together[site], alone[site])


def test_the_self_check_holds_and_is_quick(model: Model) -> None:
    found = model.debugger.checkpoint.self_check
    assert {each.name for each in found.equalities} == set(MEANING)
    assert found.error < 2e-5
