"""All sub-updates of a layer, with what they push up and down, against the oracle."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from lm_debugger.engine.types import Intervention
from lm_debugger.errors import InvalidInput, OutOfRange, UnknownLayer, UnknownToken
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits
from tests.engine.test_attribution import direction
from tests.reference import assert_ranked

EDITS = [Intervention.set("L0D3", 2.5), Intervention.scale("L0D4", -1.0)]


@pytest.mark.parametrize("sort", ["score", "effect"])
@pytest.mark.parametrize("edits", [[], EDITS], ids=["unedited", "edited"])
def test_every_number(
    case: Case, edits: list[Intervention], sort: Literal["score", "effect"]
) -> None:
    ids = case.encode(PROMPTS[0])
    plain, run = case.oracle.run(ids), case.oracle.run(ids, as_edits(edits))
    layer, at, k = 0, 2, 25
    logits = case.oracle.logits(run.after[-1, at])
    a, b = np.argsort(-logits)[[0, 5]].tolist()
    got = case.debugger.sub_updates(
        PROMPTS[0], layer, edits, at, k, sort, token=a, against=b, n_tokens=4
    )
    m, values = run.m[layer, at], case.oracle.values(layer)
    row = case.oracle.unembedding[a] - case.oracle.unembedding[b]
    effects = m * (values @ direction(case, run.after[-1, at], row))
    scores = case.oracle.scores(m, layer)
    # float32 rounds a sum of D products relative to their sizes, not to what is left of them
    scale = float(np.abs(logits).max())
    if sort == "score":
        ranking = [(item.sub_update.id.dim, item.sub_update.score) for item in got]
        assert_ranked(ranking, scores, k, rtol=RTOL)
    else:
        ranking = [(item.sub_update.id.dim, abs(item.effect or 0)) for item in got]
        assert_ranked(ranking, np.abs(effects), k, atol=2e-5 * scale)
    for item in got:
        dim = item.sub_update.id.dim
        assert item.sub_update.id.layer == layer
        assert item.sub_update.coefficient == pytest.approx(m[dim], rel=RTOL)
        assert item.unedited_coefficient == pytest.approx(plain.m[layer, at, dim], rel=RTOL)
        assert item.sub_update.score == pytest.approx(scores[dim], rel=RTOL)
        assert item.share == pytest.approx(scores[dim] / scores.sum(), rel=RTOL)
        assert item.effect == pytest.approx(effects[dim], abs=2e-5 * scale)
        push = case.oracle.unembedding @ (m[dim] * values[dim])  # [V]
        size = float(np.abs(push).max())
        up = [(entry.token.id, entry.logit) for entry in item.up]
        assert_ranked(up, push, 4, rtol=RTOL, atol=RTOL * size)
        down = [(entry.token.id, -entry.logit) for entry in item.down]
        assert_ranked(down, -push, 4, rtol=RTOL, atol=RTOL * size)


def test_a_negative_coefficient_pushes_up_what_the_vector_suppresses(tied: Case) -> None:
    name = tied.dominant()
    edit = Intervention.set(str(name), -500.0)
    first = tied.debugger.sub_updates(PROMPTS[0], name.layer, [edit], top_k=1, n_tokens=5)[0]
    assert first.sub_update.id == name
    projection = tied.debugger.project(name.layer, name.dim, top_k=5)
    assert [t.token.id for t in first.up] == [t.token.id for t in projection.suppressed]
    assert [t.token.id for t in first.down] == [t.token.id for t in projection.promoted]


def test_without_a_token_there_is_no_effect(tied: Case) -> None:
    assert {item.effect for item in tied.debugger.sub_updates("Yes", 1, top_k=3)} == {None}


def test_all_of_a_layer(tied: Case) -> None:
    width = tied.debugger.info.ffn_width
    assert width <= tied.debugger.limits.max_top_k
    got = tied.debugger.sub_updates("Yes", 1, top_k=200)
    assert sorted(item.sub_update.id.dim for item in got) == list(range(width))
    assert sum(item.share for item in got) == pytest.approx(1, rel=1e-5)


def test_what_is_wrong_is_said(tied: Case) -> None:
    debugger = tied.debugger
    with pytest.raises(UnknownLayer, match="no layer 99"):
        debugger.sub_updates("Yes", 99)
    with pytest.raises(InvalidInput, match="Name the token"):
        debugger.sub_updates("Yes", 0, sort="effect")
    with pytest.raises(InvalidInput, match="Name the token"):
        debugger.sub_updates("Yes", 0, against=3)
    with pytest.raises(UnknownToken):
        debugger.sub_updates("Yes", 0, token=8192)
    with pytest.raises(OutOfRange, match="n_tokens"):
        debugger.sub_updates("Yes", 0, n_tokens=0)
    with pytest.raises(InvalidInput, match="sort"):
        debugger.sub_updates("Yes", 0, sort="size")  # type: ignore[arg-type]
