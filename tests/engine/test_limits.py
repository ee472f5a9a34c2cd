"""What a request may not ask for (rule 12), and what float32 cannot hold: errors, never results."""

from __future__ import annotations

import pytest

from lm_debugger.engine.types import Intervention, Limits, ValueId
from lm_debugger.errors import (
    InvalidPosition,
    NonFiniteResult,
    TooManyInterventions,
    UnknownDimension,
    UnknownLayer,
)
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import assert_agree
from tests.reference import assert_ranked

PROMPT = PROMPTS[0]


class TestWhatDoesNotExist:
    """Rule 12: an error that names the allowed range, and nothing broken afterwards."""

    @pytest.mark.parametrize(
        ("layer", "dim", "error", "allowed"),
        [
            (3, 0, UnknownLayer, "0 to 2"),
            (-1, 0, UnknownLayer, "0 to 2"),
            (10**9, 0, UnknownLayer, "0 to 2"),
            (0, 128, UnknownDimension, "0 to 127"),
            (2, -1, UnknownDimension, "0 to 127"),
            (2, 10**9, UnknownDimension, "0 to 127"),
        ],
    )
    def test_layers_and_dimensions(
        self, tied: Case, layer: int, dim: int, error: type[Exception], allowed: str
    ) -> None:
        before = tied.forgetful.trace(PROMPT)
        bad = [Intervention.off("L0D1"), Intervention(layer, dim, "on")]
        for call in (
            lambda: tied.debugger.trace(PROMPT, bad),
            lambda: tied.debugger.generate(PROMPT, bad),
            lambda: tied.debugger.stream(PROMPT, bad),
            lambda: tied.debugger.project(layer, dim),
        ):
            with pytest.raises(error, match=allowed):
                call()
        assert_agree(tied, tied.forgetful.trace(PROMPT), before)

    @pytest.mark.parametrize("positions", [(6,), (-7,), (0, 99)])
    def test_positions(self, tied: Case, positions: tuple[int, ...]) -> None:
        n = len(tied.encode(PROMPT))
        assert n == 6
        edit = Intervention.off("L0D1", positions=positions)
        for call in (tied.debugger.trace, tied.debugger.generate, tied.debugger.stream):
            with pytest.raises(InvalidPosition, match="0 to 5"):
                call(PROMPT, [edit])

    def test_a_no_op_is_checked_too(self, tied: Case) -> None:
        with pytest.raises(UnknownLayer):
            tied.debugger.trace(PROMPT, [Intervention.scale("L9D1", 1.0)])


def test_too_many_interventions(tied: Case) -> None:
    most = Limits().max_interventions
    edits = [Intervention.off(f"L{n % 3}D{n // 3}") for n in range(most + 1)]
    assert tied.debugger.trace(PROMPT, edits[:-1]).edited is not None
    with pytest.raises(TooManyInterventions, match=str(most)):
        tied.debugger.trace(PROMPT, edits)
    with pytest.raises(TooManyInterventions, match=str(most)):
        tied.debugger.generate(PROMPT, edits)


@pytest.mark.parametrize("value", [3e38, -3e38, 1e39, 1e300])
@pytest.mark.parametrize("kind", ["set", "add", "scale"])
def test_numbers_that_overflow_are_an_error_not_a_result(
    tied: Case, kind: str, value: float
) -> None:
    edit = Intervention(*_pair(tied.dominant()), kind, value)  # type: ignore[arg-type]
    before = tied.forgetful.trace(PROMPT)
    with pytest.raises(NonFiniteResult):
        tied.debugger.trace(PROMPT, [edit])
    with pytest.raises(NonFiniteResult):
        tied.debugger.generate(PROMPT, [edit])
    assert_agree(tied, tied.forgetful.trace(PROMPT), before)


def _pair(value: ValueId) -> tuple[int, int]:
    return value.layer, value.dim


def test_large_but_finite_values_are_computed(tied: Case) -> None:
    """Where one sub-update drowns all others, ln_f still gives a distribution."""
    trace = tied.debugger.trace(PROMPT, [Intervention.set("L2D5", 1e6)])
    assert trace.edited is not None
    v = tied.oracle.values(2)[5]
    expected = tied.oracle.lens(v * 1e6)
    top = trace.edited.positions[0].prediction.top[0]
    assert top.token.id == expected.argmax()
    # The rest of the residual is some millionths of it.
    assert top.prob == pytest.approx(expected.max(), rel=1e-3)


@pytest.mark.parametrize("exponent", range(6, 39, 2))
def test_no_size_of_a_value_gives_a_wrong_distribution(tied: Case, exponent: int) -> None:
    """Right or refused. From 1e19 on, the variance in ln_f overflows float32, while the norm's
    output stays finite: 1 / sqrt(inf) = 0."""
    value = 10.0**exponent
    try:
        trace = tied.debugger.trace(PROMPT, [Intervention.set("L1D5", value)])
    except NonFiniteResult:
        assert exponent >= 18, "refused although float32 holds it with ease"
        return
    assert trace.edited is not None
    ids = tied.encode(PROMPT)
    states = tied.oracle.run(ids, [{"layer": 1, "dim": 5, "kind": "set", "value": value}])
    truth = tied.oracle.lens(states.after[1, -1])
    got = trace.edited.positions[0].layers[1].after.top
    # Next to 1e6 and more, float32 keeps fewer digits of everything else in the residual.
    assert_ranked([(t.token.id, t.prob) for t in got], truth, 10, rtol=1e-4)
