"""Products with packed weights: the numbers of a product in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from lm_debugger.engine import lens, products
from lm_debugger.engine.adapters import base
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.products import PackedLinear, PackedProduct, can_pack
from lm_debugger.engine.types import Intervention
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits, assert_run


@pytest.mark.parametrize("rows", [1, 2, 10, 63, 64, 65, 300])
@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (3, 7), (16, 50), (48, 1001), (130, 64)])
def test_numbers_of_a_float64_product(rows: int, n_in: int, n_out: int) -> None:
    random = np.random.default_rng(n_in)
    w, b, x = (random.standard_normal(shape) for shape in ((n_out, n_in), n_out, (rows, n_in)))
    got = PackedProduct(torch.tensor(w).float(), torch.tensor(b).float())(torch.tensor(x).float())
    # An error of a product of vectors is one of their lengths' product.
    size = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(w, axis=1) + np.abs(b)
    assert (np.abs(got.numpy() - (x @ w.T + b)) / size).max() < 1e-6


def test_in_place_of_both_kinds_of_linear_module() -> None:
    random = np.random.default_rng(0)
    w, b, x = (random.standard_normal(shape) for shape in ((5, 3), 5, (2, 4, 3)))
    linear = nn.Linear(3, 5)
    linear.weight.data, linear.bias.data = torch.tensor(w).float(), torch.tensor(b).float()
    stored = nn.Linear(5, 3)
    stored.weight.data, stored.bias.data = torch.tensor(w.T).float(), torch.tensor(b).float()
    for module, transposed in ((linear, False), (stored, True)):
        packed = PackedLinear(module, transposed=transposed)
        assert packed.weight is module.weight
        got = packed(torch.tensor(x).float()).detach().numpy()
        np.testing.assert_allclose(got, x @ w.T + b, rtol=1e-5, atol=1e-6)


def test_equal_rows_have_equal_logits() -> None:
    """Ties stay ties (rule 5), wherever in the vocabulary the rows are."""
    random = torch.Generator().manual_seed(1)
    weight = torch.randn(1003, 40, generator=random)
    twins = [0, 1, 63, 500, 1001, 1002]
    weight[twins] = weight[7].clone()
    found = PackedProduct(weight)(torch.randn(9, 40, generator=random))
    assert (found[:, twins] == found[:, 7:8]).all()


def test_only_fp32_on_the_cpu_is_packed() -> None:
    assert can_pack(torch.zeros(2, 2))
    assert not can_pack(torch.zeros(2, 2, dtype=torch.bfloat16))
    assert not can_pack(torch.zeros(2, 2, device="meta"))


def test_a_torch_that_cannot_pack_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No such operation; another signature; another answer."""
    real = products.PackedProduct.__call__
    for broken in (
        lambda self, x: torch.ops.mkldnn._no_such_operation(x),
        lambda self, x: torch.ops.mkldnn._linear_pointwise(x),
        lambda self, x: 2 * real(self, x),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(products.PackedProduct, "__call__", broken)
            assert not can_pack(torch.zeros(2, 2))
    assert can_pack(torch.zeros(2, 2))


def test_without_packing_the_numbers_are_the_oracles_too(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What GPUs and half precision run, and what `case` elsewhere does not."""
    for module in (base, lens):
        monkeypatch.setattr(module, "can_pack", lambda weight: False)
    debugger = Debugger.load(str(case.folder), device="cpu")
    assert not any(isinstance(m, PackedLinear) for m in debugger.adapter.backbone.modules())
    modules = [*case.debugger.adapter.backbone.modules()]
    assert sum(isinstance(m, PackedLinear) for m in modules) == 4 * case.oracle.n_layer
    assert not any(isinstance(m, Conv1D) for m in modules)
    last = case.oracle.n_layer - 1
    edits = [Intervention.on(f"L{last}D2"), Intervention.scale("L0D5", -2.0)]
    got = debugger.trace(PROMPTS[0], edits)
    ids = case.encode(PROMPTS[0])
    assert_run(case, got.unedited, case.oracle.run(ids, []), [len(ids) - 1], 10)
    assert got.edited is not None
    assert_run(case, got.edited, case.oracle.run(ids, as_edits(edits)), [len(ids) - 1], 10)
    np.testing.assert_allclose(
        [t.logit for t in debugger.project(0, 1).promoted],
        [t.logit for t in case.debugger.project(0, 1).promoted],
        rtol=RTOL,
    )
