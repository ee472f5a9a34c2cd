"""The attribution reading (rule 16) against the oracle's own parts."""

from __future__ import annotations

import numpy as np
import pytest

from lm_debugger.engine.types import Intervention
from lm_debugger.errors import InvalidPosition, UnknownToken
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits
from tests.reference import Array, assert_ranked

EDITS = [Intervention.set("L0D3", 2.5), Intervention.scale("L0D4", -1.0), Intervention.on("L0D5")]


def direction(case: Case, x: Array, row: Array) -> Array:
    """By definition: what ln_f and E make of a part once x's own statistics are divided by."""
    deviation = np.sqrt(((x - x.mean()) ** 2).mean() + case.oracle.config["layer_norm_epsilon"])
    centring = np.eye(len(x)) - 1 / len(x)
    weight = np.diag(case.oracle.w["ln_f.weight"])
    return np.asarray(row @ weight @ centring / deviation)


@pytest.mark.parametrize("edits", [[], EDITS], ids=["unedited", "edited"])
@pytest.mark.parametrize("position", [-1, 1])
def test_parts_are_the_oracles_and_add_up_to_the_logit(
    case: Case, edits: list[Intervention], position: int
) -> None:
    ids = case.encode(PROMPTS[0])
    states = case.oracle.run(ids, as_edits(edits))
    x = states.after[-1, position]
    logits = case.oracle.logits(x)
    a, b = np.argsort(-logits)[[0, 5]].tolist()
    for against in (None, b):
        row = case.oracle.unembedding[a] - (
            case.oracle.unembedding[b] if against is not None else 0
        )
        got = case.debugger.attribute(PROMPTS[0], a, against, edits, position, top_k=20)
        scale = float(np.abs(logits).max())
        close = pytest.approx(
            float(logits[a] - (logits[b] if against is not None else 0)), abs=2e-5 * scale
        )
        assert got.total == close
        assert got.base + got.start + sum(got.attention) + sum(got.ffn) == close

        g = direction(case, x, row)
        before, after = states.before[:, position], states.after[:, position]
        assert got.start == pytest.approx(before[0] @ g, abs=2e-5 * scale)
        assert got.ffn == pytest.approx(states.ffn[:, position] @ g, abs=2e-5 * scale)
        expected = [0.0, *((before[1:] - after[:-1]) @ g)]
        assert got.attention == pytest.approx(expected, abs=2e-5 * scale)

        amounts = np.concatenate(
            [states.m[l, position] * (case.oracle.values(l) @ g) for l in range(len(before))]
        )
        width = states.m.shape[-1]
        ranked = [(u.id.layer * width + u.id.dim, abs(u.amount)) for u in got.sub_updates]
        assert_ranked(ranked, np.abs(amounts), 20, atol=2e-5 * scale)
        for update, (number, _) in zip(got.sub_updates, ranked, strict=True):
            assert update.amount == pytest.approx(amounts[number], abs=2e-5 * scale)


def test_what_is_wrong_is_said(tied: Case) -> None:
    with pytest.raises(UnknownToken, match="0 to 8191"):
        tied.debugger.attribute("Yes", 8192)
    with pytest.raises(UnknownToken):
        tied.debugger.attribute("Yes", 1, against=-1)
    with pytest.raises(InvalidPosition):
        tied.debugger.attribute("Yes", 1, position=9)
