"""The answers that people see, of every family: scores, effects and attribution from what a plain
model's own hooks saw, a post-norm's statistics frozen where rule 20 says so."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from lm_debugger.engine.sites import Site
from tests.contract.conftest import PROMPTS, Model
from tests.contract.test_gradients import AGAINST, TOKENS, Plain

PROMPT = PROMPTS[0]
A, B = TOKENS[0], AGAINST[0]


def seen(model: Model) -> tuple[Plain, Tensor]:
    """A plain pass, and g of the lead of A over B at its last position, [D]."""
    ids = model.encode(PROMPT)
    plain = Plain(model, ids, len(ids) - 1, [A], [B])
    return plain, plain.direction[0, -1]


def written(model: Model, plain: Plain, layer: int) -> tuple[Tensor, Tensor, Tensor]:
    """At the last position: m [F], what each value vector adds to the residual [F, D], and b's
    share [D]."""
    names = model.debugger.adapter.expressions
    block = plain.blocks[layer]
    matrix: Tensor = eval(names.value_matrix, {"block": block})
    bias = eval(names.value_projection, {"block": block}).bias
    bias = torch.zeros(matrix.shape[1]) if bias is None else bias
    m = plain.seen[Site.COEFFICIENTS][layer][0, -1].detach()
    if names.post_norm:
        norm: Any = eval(names.post_norm, {"block": block})
        u = plain.seen[Site.FFN_RAW][layer][0, -1].detach()
        factor = (1 + norm.weight) / (u.square().mean() + norm.eps).sqrt()
        return m, matrix * factor, bias * factor
    return m, matrix, bias


def test_scores_are_of_what_vectors_add(model: Model) -> None:
    plain, _ = seen(model)
    layers = model.debugger.trace(PROMPT, top_k=12).unedited.positions[0].layers
    for layer, shown in enumerate(layers):
        m, vectors, _ = written(model, plain, layer)
        scores = m.abs() * vectors.norm(dim=1)
        best = scores.topk(12)
        assert [item.dim for item in shown.sub_updates] == best.indices.tolist()
        found = [item.score for item in shown.sub_updates]
        assert found == pytest.approx(best.values.tolist(), rel=1e-4)
        coefficients = [item.coefficient for item in shown.sub_updates]
        assert coefficients == pytest.approx(m[best.indices].tolist(), rel=1e-3, abs=1e-5)
        assert shown.share == pytest.approx(float(best.values.sum() / scores.sum()), rel=1e-4)


def test_attribution_adds_up_to_the_lead(model: Model) -> None:
    plain, g = seen(model)
    found = model.debugger.attribute(PROMPT, A, B, top_k=40)
    lm = model.plain()
    lm.config.final_logit_softcapping = None
    with torch.inference_mode():
        logits = lm(torch.tensor([model.encode(PROMPT)])).logits[0, -1]
    lead = float(logits[A] - logits[B])
    parts = found.base + found.start + sum(found.attention) + sum(found.ffn)
    assert found.total == pytest.approx(lead, rel=1e-4, abs=1e-4)
    assert parts == pytest.approx(lead, rel=1e-4, abs=1e-4)
    for layer in range(model.debugger.info.n_layers):
        ffn = float(plain.seen[Site.FFN_OUT][layer][0, -1].detach() @ g)
        assert found.ffn[layer] == pytest.approx(ffn, rel=1e-3, abs=1e-4)
        if layer:
            attention = float(plain.seen[Site.ATTN_OUT][layer][0, -1].detach() @ g)
            assert found.attention[layer] == pytest.approx(attention, rel=1e-3, abs=1e-4)
    for item in found.sub_updates:
        m, vectors, _ = written(model, plain, item.layer)
        amount = float(m[item.dim] * vectors[item.dim] @ g)
        assert item.amount == pytest.approx(amount, rel=1e-3, abs=1e-5)


def test_effects_of_a_layers_sub_updates_are_its_ffns(model: Model) -> None:
    plain, g = seen(model)
    width = model.debugger.info.ffn_width
    rows = model.debugger.sub_updates(
        PROMPT, 1, top_k=width, sort="effect", token=A, against=B, n_tokens=2
    )
    m, vectors, bias = written(model, plain, 1)
    assert sorted(row.dim for row in rows) == list(range(width))
    whole = sum(row.effect or 0.0 for row in rows) + float(bias @ g)
    ffn = float(plain.seen[Site.FFN_OUT][1][0, -1].detach() @ g)
    assert whole == pytest.approx(ffn, rel=1e-3, abs=1e-4)
    head = plain.lm.get_output_embeddings().weight
    for row in rows[:5]:
        logits = head @ (m[row.dim] * vectors[row.dim])  # the sign of m in it (rule 22)
        assert [item.id for item in row.up] == logits.topk(2).indices.tolist()
        assert [item.id for item in row.down] == (-logits).topk(2).indices.tolist()


def test_followed_logits_are_the_models_own(model: Model) -> None:
    """Softcap and the unembedding's bias in them (rule 23)."""
    ids = model.encode(PROMPT)
    with torch.inference_mode():
        truth = model.plain()(torch.tensor([ids])).logits[0, -1]
    for followed in model.debugger.follow(PROMPT, [A, B]).unedited:
        assert followed.logits[-1] == pytest.approx(float(truth[followed.token.id]), rel=1e-4)
        assert followed.ranks[-1] == 1 + int((truth > truth[followed.token.id]).sum())
