"""Weights in half precision: the same model as transformers runs in that format."""

from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.gradients import frozen_score, gradients
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention
from tests.contract.conftest import PROMPTS, Model

PROMPT = PROMPTS[0]
ROUNDING = {"bfloat16": 8e-2, "float16": 1e-2}
"""What differs between two orders of the same sums: some 8 units in the last place."""


@pytest.mark.parametrize("dtype", ROUNDING)
def test_a_prediction_is_that_of_transformers(model: Model, dtype: str) -> None:
    debugger = Debugger.load(model.folder, device="cpu", dtype=dtype)
    plain = AutoModelForCausalLM.from_pretrained(model.folder, dtype=getattr(torch, dtype)).eval()
    with torch.inference_mode():
        logits = plain(torch.tensor([model.encode(PROMPT)])).logits[0, -1]
    truth = logits.double().softmax(-1)
    for item in debugger.trace(PROMPT).unedited.positions[0].prediction.top:
        assert item.prob == pytest.approx(float(truth[item.token.id]), rel=ROUNDING[dtype])


@pytest.mark.parametrize("dtype", ROUNDING)
def test_edits_and_gradients_are_near_those_in_float32(model: Model, dtype: str) -> None:
    debugger = Debugger.load(model.folder, device="cpu", dtype=dtype)
    edits = [Intervention(1, 3, "on"), Intervention(0, 5, "scale", -1.0)]
    whole, half = (each.trace(PROMPT, edits) for each in (model.debugger, debugger))
    for one, other in zip(whole.interventions, half.interventions, strict=True):
        assert other.edited_coefficient == pytest.approx(
            one.edited_coefficient, rel=ROUNDING[dtype], abs=ROUNDING[dtype]
        )
    ids = model.encode(PROMPT)
    found = [
        gradients(each.adapter, ids, frozen_score(each.adapter, len(ids) - 1, [300]), [Site.Z])
        for each in (model.debugger, debugger)
    ]
    for layer in range(model.debugger.info.n_layers):
        exact, near = (each.gradients[Site.Z][layer].float() for each in found)
        assert float((near - exact).norm() / exact.norm()) < 2 * ROUNDING[dtype]
