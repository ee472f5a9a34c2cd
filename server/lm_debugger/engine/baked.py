"""What comes out of baking interventions into weights; see `baking`."""

from __future__ import annotations

from dataclasses import dataclass

from lm_debugger.engine.asked import Intervention


@dataclass(frozen=True, slots=True)
class BakedEdit:
    """An intervention in the weights: m_i := factor * m_i + shift, at every position."""

    intervention: Intervention
    factor: float
    shift: float


@dataclass(frozen=True, slots=True)
class Baked:
    """The answer to `Debugger.bake`: an ordinary checkpoint folder.

    `edits` are those in force, by layer and dimension. `prompt` is the one whose unedited run the
    boosts' c was taken from (rule 9), None where nothing is boosted. `rounding` is how far, at
    most, a changed weight is from its exact value, because of the weights' `dtype`.
    """

    folder: str
    dtype: str
    edits: tuple[BakedEdit, ...]
    prompt: str | None
    rounding: float


def formula(factor: float, shift: float, of: str) -> str:
    """`factor * of + shift` as people write it: "-0.5 · m_i", "m_i - 3", "2"."""
    if factor == 0:
        return f"{shift:g}"
    scaled = of if factor == 1 else f"{factor:g} · {of}"
    if shift == 0:
        return scaled
    return f"{scaled} {'+' if shift > 0 else '-'} {abs(shift):g}"
