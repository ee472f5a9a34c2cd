"""The values that go in: they refuse by themselves what can never be meant."""

from __future__ import annotations

import pytest

from lm_debugger.engine.types import Intervention, Sampling
from lm_debugger.errors import InvalidIntervention, InvalidPosition, OutOfRange


class TestWhatAnInterventionIs:
    """Kinds, values and positions."""

    def test_default_for_generated_tokens(self) -> None:
        assert Intervention.off("L0D1").edits_generated
        assert not Intervention.off("L0D1", positions="last").edits_generated
        assert not Intervention.off("L0D1", positions=(0,)).edits_generated
        assert Intervention.off("L0D1", positions=(0,), generated=True).edits_generated
        assert not Intervention.off("L0D1", generated=False).edits_generated

    def test_named_constructors(self) -> None:
        assert Intervention.on("L12D34") == Intervention(12, 34, "on")
        assert Intervention.off(" l12d34 ") == Intervention(12, 34, "off")
        assert Intervention.set("L1D2", 3) == Intervention(1, 2, "set", 3.0)
        assert Intervention.scale("L1D2", -1) == Intervention(1, 2, "scale", -1.0)
        assert Intervention.add("L1D2", 0.5) == Intervention(1, 2, "add", 0.5)
        assert Intervention.add("L1D2", 1, positions=range(2)).positions == (0, 1)

    @pytest.mark.parametrize("name", ["", "L1", "D1L1", "L1D2D3", "L-1D2", "LxDy", "L1D2;", "1.2"])
    def test_names_that_name_nothing(self, name: str) -> None:
        with pytest.raises(InvalidIntervention, match="L12D34"):
            Intervention.off(name)

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("on", 1.0), ("off", 0.0), ("set", None), ("scale", None), ("add", None),
            ("set", float("nan")), ("scale", float("inf")), ("add", float("-inf")), ("add", True),
            ("boost", None), ("", None),
        ],
    )  # fmt: skip
    def test_kinds_and_values(self, kind: str, value: float | None) -> None:
        with pytest.raises(InvalidIntervention):
            Intervention(0, 1, kind, value)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        "positions", ["first", "", (), (1.5,), (True,), ("1",), 1.5, None, True]
    )
    def test_positions(self, positions: object) -> None:
        with pytest.raises(InvalidPosition):
            Intervention(0, 1, "off", positions=positions)  # type: ignore[arg-type]

    @pytest.mark.parametrize("part", [1.0, True, "1", None])
    def test_layers_and_dimensions_are_integers(self, part: object) -> None:
        with pytest.raises(InvalidIntervention):
            Intervention(part, 1)  # type: ignore[arg-type]
        with pytest.raises(InvalidIntervention):
            Intervention(1, part)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -0.1}, {"temperature": 10.1}, {"temperature": float("nan")},
        {"top_p": 0.0}, {"top_p": 1.1}, {"top_p": float("nan")}, {"seed": -1}, {"seed": 2**63},
    ],
)  # fmt: skip
def test_settings_of_sampling_have_limits(options: dict[str, float]) -> None:
    with pytest.raises(OutOfRange):
        Sampling(**options)  # type: ignore[arg-type]
