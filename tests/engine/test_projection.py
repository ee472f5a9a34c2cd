"""Rule 7: the raw product E v, at both ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.stopping import stoppable
from lm_debugger.engine.types import Intervention, Limits, ValueId
from lm_debugger.errors import OutOfRange, UnknownDimension, UnknownLayer
from tests.engine.case import Case
from tests.engine.compare import RTOL
from tests.models import VOCAB, random_model, save
from tests.reference import assert_ranked


def test_both_ends_of_the_projection(case: Case) -> None:
    width = case.debugger.info.ffn_width
    for layer in range(case.oracle.n_layer):
        for dim in (0, width // 2, width - 1):
            projection = case.debugger.project(layer, dim)
            truth = case.oracle.projection(layer, dim)
            assert projection.id == ValueId(layer, dim)
            promoted = [(t.token.id, t.logit) for t in projection.promoted]
            suppressed = [(t.token.id, -t.logit) for t in projection.suppressed]
            assert_ranked(promoted, truth, 50, rtol=RTOL)
            assert_ranked(suppressed, -truth, 50, rtol=RTOL)
            norm = np.linalg.norm(case.oracle.values(layer)[dim])
            assert projection.norm == pytest.approx(norm, rel=RTOL)


def test_pieces_are_raw_and_texts_decoded(demo: Case) -> None:
    for entry in demo.debugger.project(1, 3).promoted:
        assert entry.piece == demo.tokenizer.id_to_token(entry.token.id)
        assert entry.token.text == demo.decode(entry.token.id)


def test_the_number_of_entries(tied: Case) -> None:
    full = tied.debugger.project(0, 0)
    assert (len(full.promoted), len(full.suppressed)) == (50, 50)
    few = tied.debugger.project(0, 0, top_k=3)
    assert few.promoted == full.promoted[:3]
    assert few.suppressed == full.suppressed[:3]
    for top_k in (0, -1, Limits().max_top_k + 1):
        with pytest.raises(OutOfRange, match=str(Limits().max_top_k)):
            tied.debugger.project(0, 0, top_k=top_k)


def test_a_projection_does_not_depend_on_prompts_or_edits(tied: Case) -> None:
    before = tied.debugger.project(1, 2)
    tied.debugger.trace("Yes", [Intervention.set("L1D2", 50.0)])
    assert tied.debugger.project(1, 2) == before


def test_equal_logits_come_in_the_order_of_their_ids_at_both_ends(tmp_path: Path) -> None:
    model = random_model({"tie_word_embeddings": False, "n_layer": 1}, seed=11)
    with torch.no_grad():
        model.lm_head.weight.copy_(torch.eye(32).repeat(VOCAB // 32, 1))
    debugger = Debugger.load(str(save(model, tmp_path / "ties")), device="cpu")
    projection = debugger.project(0, 0, top_k=20)
    vector = model.transformer.h[0].mlp.c_proj.weight[0]
    high, low = int(vector.argmax()), int(vector.argmin())
    assert [t.token.id for t in projection.promoted] == [high + 32 * n for n in range(20)]
    assert [t.token.id for t in projection.suppressed] == [low + 32 * n for n in range(20)]


def test_many_at_once_are_the_same(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    width, n_layers = case.debugger.info.ffn_width, case.oracle.n_layer
    values = [ValueId(layer, dim) for dim in (width - 1, 0) for layer in range(n_layers)]
    monkeypatch.setattr("lm_debugger.engine.lens._MAX_ELEMENTS", 2 * VOCAB)  # two vectors a block
    found = case.debugger.promoted(values, 7)
    assert len(found) == len(values)
    for value, tokens in zip(values, found, strict=True):
        truth = case.oracle.projection(value.layer, value.dim)
        assert_ranked([(t.id, truth[t.id]) for t in tokens], truth, 7, rtol=RTOL)
    assert case.debugger.promoted([]) == []
    for wrong, error in ((ValueId(99, 0), UnknownLayer), (ValueId(0, width), UnknownDimension)):
        with pytest.raises(error):
            case.debugger.promoted([values[0], wrong])


class Unwanted(Exception):
    """What ends the work here."""


def asked(times: int) -> Callable[[], None]:
    """A check that lets the work go on so often, and no more."""
    left = iter(range(times))

    def check() -> None:
        if next(left, None) is None:
            raise Unwanted

    return check


def test_projections_take_turns(tied: Case) -> None:
    debugger = tied.debugger
    for call in (
        lambda: debugger.project(0, 0),
        lambda: debugger.promoted([ValueId(0, 0)]),
    ):
        call()
        with debugger.gate, stoppable(asked(3)), pytest.raises(Unwanted):
            call()  # waits for the turn that this thread does not give up


def test_many_can_be_stopped_between_blocks(tied: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lm_debugger.engine.lens._MAX_ELEMENTS", VOCAB)  # one vector a block
    values = [ValueId(0, dim) for dim in range(6)]
    with stoppable(asked(6)):
        assert len(tied.debugger.promoted(values)) == 6
    with stoppable(asked(5)), pytest.raises(Unwanted):
        tied.debugger.promoted(values)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Writes down the size of every tensor that any operation returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor):
            self.sizes.append(out.numel())
        return out


def test_no_matrix_of_all_projections_is_ever_made(tied: Case) -> None:
    """The reference holds [L F, V] in memory, here 12 times the embedding [V, D]. A projection
    needs one row of that, and no tensor on the way is larger than the embedding."""
    debugger = tied.forgetful
    with Watch() as watch:
        debugger.project(1, 3)
        debugger.trace("Yes")
    assert 0 < max(watch.sizes) <= VOCAB * debugger.info.d_model
