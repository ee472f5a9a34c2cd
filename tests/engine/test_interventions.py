"""Rules 8 to 15: every kind of intervention at every choice of positions, against the oracle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Intervention, Trace
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, agree, as_edits, assert_agree, assert_run
from tests.models import random_model, save

PROMPT = PROMPTS[0]


def assert_edited(
    case: Case, edits: Sequence[Intervention], prompt: str = PROMPT, positions: str = "all"
) -> Trace:
    """The edited and the unedited run against the oracle, at every position; returns the trace."""
    ids = case.encode(prompt)
    trace = case.debugger.trace(prompt, edits, positions=positions, top_k=10)  # type: ignore[arg-type]
    plain, edited = case.oracle.run(ids), case.oracle.run(ids, as_edits(edits))
    assert trace.edited is not None
    assert_run(case, trace.unedited, plain, trace.positions, k=10)
    assert_run(case, trace.edited, edited, trace.positions, k=10)
    assert [a.intervention for a in trace.interventions] == list(edits)
    boosts = case.oracle.boosts(ids)
    at = trace.positions[-1]
    for applied in trace.interventions:
        layer, dim = applied.intervention.layer, applied.intervention.dim
        # A coefficient near a zero of its activation is a small difference of large numbers:
        # float32 holds it to a millionth of the layer's largest, not to 1e-5 of itself.
        for got, m in (
            (applied.unedited_coefficient, plain.m[layer, at]),
            (applied.edited_coefficient, edited.m[layer, at]),
        ):
            assert got == pytest.approx(m[dim], rel=RTOL, abs=1e-6 * abs(m).max())
        expected = {"on": boosts[layer], "off": 0.0}.get(applied.intervention.kind)
        assert applied.pre_activation == (
            None if expected is None else pytest.approx(expected, rel=RTOL)
        )
    return trace


KINDS: dict[str, Callable[[str], Intervention]] = {
    "on": Intervention.on,
    "off": Intervention.off,
    "set": lambda name: Intervention.set(name, -2.5),
    "scale": lambda name: Intervention.scale(name, -1.5),
    "add": lambda name: Intervention.add(name, 0.75),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind(case: Case, kind: str) -> None:
    layer = case.oracle.n_layer // 2
    trace = assert_edited(case, [KINDS[kind](str(case.dominant(layer)))])
    assert not agree(case, trace.edited, trace.unedited)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("positions", ["last", 0, (1, -2), range(1, 4)], ids=str)
def test_each_kind_at_some_positions(
    tied: Case, kind: str, positions: str | int | tuple[int, ...] | range
) -> None:
    name = str(tied.dominant(1))
    whole = KINDS[kind](name)
    edit = Intervention(whole.layer, whole.dim, whole.kind, whole.value, positions)  # type: ignore[arg-type]
    trace = assert_edited(tied, [edit])
    assert trace.edited is not None
    ids = tied.encode(PROMPT)
    touched = {"last": {len(ids) - 1}, 0: {0}, (1, -2): {1, len(ids) - 2}, range(1, 4): {1, 2, 3}}
    first = min(touched[positions])
    for a, b in zip(trace.unedited.positions, trace.edited.positions, strict=True):
        # Layer 0 lies below the edit; nor can what comes before the first edited position differ.
        assert_agree(tied, b.layers[0], a.layers[0])
        assert agree(tied, b, a) == (a.position < first)


def test_many_edits_of_every_kind_in_every_layer(case: Case) -> None:
    """All kinds at once, also several of a layer; what an edit below does to `scale` and `add`."""
    edits = []
    for layer in range(case.oracle.n_layer):
        top = case.debugger.trace(PROMPT).unedited.positions[0].layers[layer].sub_updates
        makers = list(KINDS.values())
        edits += [makers[(layer + n) % 5](str(u.id)) for n, u in enumerate(top[:5])]
    assert_edited(case, edits)


def test_edits_on_other_prompts(case: Case) -> None:
    edits = [Intervention.on("L0D3"), Intervention.scale("L0D5", 3.0)]
    for prompt in PROMPTS[1:]:
        assert_edited(case, edits, prompt, positions="last")


def test_boost_comes_from_the_last_prompt_position_whatever_is_traced(tied: Case) -> None:
    """Rule 9: c does not depend on which positions somebody looks at."""
    edit = Intervention.on(str(tied.dominant(1)))
    last = tied.debugger.trace(PROMPT, [edit]).interventions[0]
    first = tied.debugger.trace(PROMPT, [edit], positions=0).interventions[0]
    expected = pytest.approx(tied.oracle.boosts(tied.encode(PROMPT))[1], rel=RTOL)
    assert first.pre_activation == last.pre_activation == expected
    assert_agree(tied, first.edited_coefficient, last.edited_coefficient)


def test_boost_does_not_depend_on_other_edits(tied: Case) -> None:
    """Rule 10: c of a higher layer is that of the unedited run, whatever is edited below."""
    on = Intervention.on(str(tied.dominant(2)))
    alone = tied.debugger.trace(PROMPT, [on]).interventions[0]
    below = Intervention.set(str(tied.dominant(0)), 40.0)
    trace = assert_edited(tied, [below, on])
    assert_agree(tied, trace.interventions[1].pre_activation, alone.pre_activation)
    same_layer = Intervention.set(str(tied.dominant(2)), 1000.0, positions=(0,))
    beside = tied.debugger.trace(PROMPT, [same_layer, on]).interventions[1]
    assert_agree(tied, beside.pre_activation, alone.pre_activation)


def test_boost_is_put_through_the_activation(tied: Case) -> None:
    """Rule 9: m = act(c), not c. (The score is used as a pre-activation.)"""
    applied = tied.debugger.trace(PROMPT, [Intervention.on("L1D3")]).interventions[0]
    assert applied.pre_activation is not None
    expected = float(tied.oracle.act(applied.pre_activation))  # type: ignore[arg-type]
    assert applied.edited_coefficient == pytest.approx(expected, rel=RTOL)


def test_suppression_is_the_activation_of_zero(tmp_path: Path) -> None:
    """Rule 9: for GELU that is 0, but sigmoid(0) = 1/2."""
    folder = save(random_model({"activation_function": "sigmoid"}, seed=9), tmp_path / "sigmoid")
    debugger = Debugger.load(str(folder), device="cpu")
    applied = debugger.trace(PROMPT, [Intervention.off("L1D3")]).interventions[0]
    assert applied.edited_coefficient == 0.5
    assert applied.pre_activation == 0.0


class TestTheLastOneWins:
    """Rule 11, position by position."""

    def test_everywhere(self, tied: Case) -> None:
        name = str(tied.dominant())
        first, last = Intervention.set(name, 30.0), Intervention.off(name)
        both = assert_edited(tied, [first, last])
        only = tied.forgetful.trace(PROMPT, [last], positions="all")
        assert_agree(tied, both.edited, only.edited)

    def test_only_where_both_apply(self, tied: Case) -> None:
        name = str(tied.dominant())
        edits = [
            Intervention.set(name, 30.0),
            Intervention.scale(name, 2.0, positions=(1, 2)),
            Intervention.off(name, positions=(2,)),
        ]
        assert_edited(tied, edits)
        assert_edited(tied, edits[::-1])

    def test_also_where_the_last_changes_nothing(self, tied: Case) -> None:
        """`scale` by 1 says m_i := m_i, and it is what holds."""
        name = str(tied.dominant())
        trace = assert_edited(tied, [Intervention.off(name), Intervention.scale(name, 1.0)])
        assert trace.edited == trace.unedited


class TestNoOps:
    """Rule 15: exactly nothing. Within one answer to the last bit: nothing is run a second time."""

    @pytest.mark.parametrize(
        "edits",
        [
            [Intervention.scale("L0D3", 1.0)],
            [Intervention.add("L0D3", 0.0)],
            [Intervention.add("L0D3", -0.0, positions="last")],
            [Intervention.scale("L0D3", 1), Intervention.add("L0D4", 0, positions=(0, 1))],
        ],
    )
    def test_exactly(self, case: Case, edits: list[Intervention]) -> None:
        trace = case.debugger.trace(PROMPT, edits, positions="all")
        assert trace.edited == trace.unedited
        clean = case.forgetful.trace(PROMPT, positions="all")
        assert_agree(case, trace.unedited, clean.unedited)
        generated = case.debugger.generate(PROMPT, edits, max_new_tokens=4)
        assert_agree(case, generated, case.debugger.generate(PROMPT, max_new_tokens=4))

    def test_beside_an_edit(self, tied: Case) -> None:
        off = Intervention.off(str(tied.dominant(1)))
        idle = [Intervention.scale("L1D3", 1.0), Intervention.add("L2D3", 0.0)]
        one = tied.forgetful.trace(PROMPT, [off], positions="all")
        more = tied.forgetful.trace(PROMPT, [idle[0], off, idle[1]], positions="all")
        assert_agree(tied, more.edited, one.edited)

    def test_an_empty_list_gives_no_edited_run(self, tied: Case) -> None:
        """Rule 13."""
        assert tied.debugger.trace(PROMPT, []).edited is None


def test_the_unedited_run_is_always_there_and_untouched(case: Case) -> None:
    """Rule 13."""
    clean = case.forgetful.trace(PROMPT)
    edited = case.forgetful.trace(PROMPT, [Intervention.set("L0D1", 25.0)])
    assert_agree(case, edited.unedited, clean.unedited)
    assert edited.edited is not None


def test_the_boost_is_the_last_positions_whichever_position_is_traced(tied: Case) -> None:
    """Rule 9, also where no run is known yet."""
    for layer, expected in enumerate(tied.oracle.boosts(tied.encode(PROMPT))):
        edit = Intervention.on(f"L{layer}D3")
        got = tied.forgetful.trace(PROMPT, [edit], positions=[0])
        assert got.interventions[0].pre_activation == pytest.approx(expected, rel=1e-5)
