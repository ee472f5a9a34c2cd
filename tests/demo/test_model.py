"""The training model is transformers' GPT-2, and its loss the plain cross-entropy."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

from lm_debugger.demo.model import GPT2, Shape, loss_sum
from tests.models import randomize

SHAPE = Shape(vocab_size=50, n_positions=12, n_embd=24, n_layer=2, n_head=3)


@pytest.fixture
def models() -> tuple[GPT2, GPT2LMHeadModel]:
    """Ours, and transformers' with the same random weights."""
    config = GPT2Config(
        vocab_size=50, n_positions=12, n_embd=24, n_layer=2, n_head=3,
        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
    )  # fmt: skip
    theirs = GPT2LMHeadModel(config).eval()
    randomize(theirs, seed=1)
    ours = GPT2(SHAPE)
    state = theirs.state_dict()
    del state["lm_head.weight"]  # tied
    ours.load_state_dict(state)
    return ours.double(), theirs.double()


def test_logits_are_those_of_transformers(models: tuple[GPT2, GPT2LMHeadModel]) -> None:
    ours, theirs = models
    ids = torch.randint(0, 50, (3, 12), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = theirs(ids).logits
        torch.testing.assert_close(ours(ids) @ ours.unembedding.T, expected)
        torch.testing.assert_close(ours(ids[:, :5]) @ ours.unembedding.T, expected[:, :5])


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_loss_and_gradients_are_those_of_plain_cross_entropy(
    models: tuple[GPT2, GPT2LMHeadModel], chunk: int
) -> None:
    ours, theirs = models
    ids = torch.randint(0, 50, (3, 13), generator=torch.Generator().manual_seed(0))
    loss = loss_sum(ours, ours.unembedding, ids, chunk)
    (loss / 7).backward()  # type: ignore[no-untyped-call]
    logits = theirs(ids[:, :-1]).logits
    expected = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")
    (expected / 7).backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    grads = {name: p.grad for name, p in theirs.named_parameters()}
    compared = 0
    for name, p in ours.named_parameters():
        if p.requires_grad:
            torch.testing.assert_close(p.grad, grads[name], rtol=1e-6, atol=1e-8)
            compared += 1
    assert compared == len(grads) - 2  # all but ln_f's


def test_a_new_model_predicts_evenly() -> None:
    torch.manual_seed(0)
    model = GPT2(SHAPE)
    ids = torch.randint(0, 50, (4, 13))
    loss = loss_sum(model, model.unembedding, ids, 16).item() / 48
    assert loss == pytest.approx(torch.tensor(50.0).log().item(), abs=0.1)
