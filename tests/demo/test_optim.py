"""Muon against singular value decompositions, the schedule against its closed form."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lm_debugger.demo.model import GPT2, Shape
from lm_debugger.demo.optim import Muon, lr_factor, optimisers, orthogonalise

TINY = Shape(vocab_size=40, n_positions=8, n_embd=8, n_layer=2, n_head=2)


def polynomial(singular_values: Tensor, steps: int) -> Tensor:
    """What Newton-Schulz does to each singular value."""
    s = singular_values / singular_values.norm()
    for _ in range(steps):
        s = 3.4445 * s - 4.7750 * s**3 + 2.0315 * s**5
    return s


@pytest.mark.parametrize("shape", [(6, 6), (5, 20), (20, 5)])
def test_orthogonalise_keeps_singular_vectors_and_maps_the_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    matrices = torch.randn(3, *shape, dtype=torch.float64)
    got = orthogonalise(matrices)
    for matrix, result in zip(matrices, got, strict=True):
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
        expected = u @ torch.diag(polynomial(s, 5)) @ vh
        torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-6)
        assert s.max() / s.min() > 1.5
        reached = torch.linalg.svdvals(result)
        assert reached.min() > 0.65
        assert reached.max() < 1.15


def test_muon_step_in_closed_form() -> None:
    torch.manual_seed(2)
    weight = nn.Parameter(torch.randn(4, 16, dtype=torch.float64))
    start = weight.detach().clone()
    muon = Muon([weight], lr=0.1, momentum=0.9, weight_decay=0.5, dtype=torch.float64)
    expected, average = start, torch.zeros_like(start)
    for _ in range(3):
        grad = torch.randn_like(start)
        weight.grad = grad
        muon.step()
        average = 0.9 * average + 0.1 * grad
        u, s, vh = torch.linalg.svd(0.1 * grad + 0.9 * average, full_matrices=False)
        update = u @ torch.diag(polynomial(s, 5)) @ vh
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * 2 * update  # sqrt(16 / 4) = 2
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-5, atol=1e-6)


def test_query_key_and_value_are_three_matrices() -> None:
    torch.manual_seed(3)
    joined = nn.Parameter(torch.randn(4, 12))
    apart = [nn.Parameter(part.clone()) for part in joined.detach().split(4, dim=1)]
    joined.grad = torch.randn(4, 12)
    for part, grad in zip(apart, joined.grad.split(4, dim=1), strict=True):
        part.grad = grad.clone()
    Muon([joined], lr=0.1).step()
    Muon(apart, lr=0.1).step()
    torch.testing.assert_close(joined.detach(), torch.cat([p.detach() for p in apart], dim=1))


def test_every_trained_parameter_has_one_optimiser() -> None:
    model = GPT2(TINY)
    muon, adam = optimisers(model)
    names = {id(p): name for name, p in model.named_parameters()}
    by_muon = {names[id(p)] for g in muon.param_groups for p in g["params"]}
    decayed, plain = ({names[id(p)] for p in group["params"]} for group in adam.param_groups)
    assert by_muon == {
        f"transformer.h.{l}.{part}.weight"
        for l in range(2)
        for part in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    assert decayed == {"transformer.wte.weight"}
    untrained = {"transformer.ln_f.weight", "transformer.ln_f.bias"}
    assert by_muon | decayed | plain == set(names.values()) - untrained
    assert not by_muon & plain


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [(0, 0.01), (49, 0.5), (99, 1), (700, 1), (850, 0.5), (970, 0.1), (1000, 0), (1001, 0)],
)
def test_schedule(tokens: int, expected: float) -> None:
    assert lr_factor(tokens, total=1000, warmup=100, decay=0.3) == pytest.approx(expected)


def test_before_the_fall_the_schedule_does_not_know_the_budget() -> None:
    assert {lr_factor(690, total, 100, 0.3) for total in (1000, 2000, 10**9)} == {1.0}
    assert lr_factor(999, 1000, 0, 0.0) == 1.0
