"""What goes into the engine: value vectors by name, interventions, sampling, limits. Frozen, and
checked when made as far as that needs no model. See `types` for the letters and rules.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lm_debugger.errors import InvalidIntervention, InvalidPosition, OutOfRange

Kind: TypeAlias = Literal["on", "off", "set", "scale", "add"]
KINDS: tuple[Kind, ...] = ("on", "off", "set", "scale", "add")

Positions: TypeAlias = Literal["all", "last"] | tuple[int, ...]
"""Positions of the prompt: all, the last, or indices (negative ones count from the end)."""


def as_positions(value: Literal["all", "last"] | int | range | Sequence[int]) -> Positions:
    """Bring a choice of prompt positions into its one canonical form.

    Raises:
        InvalidPosition: neither "all", "last", an index, a range nor a non-empty list of indices.
    """
    if isinstance(value, str):
        if value in ("all", "last"):
            return value
        raise InvalidPosition(
            f'positions must be "all", "last" or a list of prompt positions, not {value!r}.',
            positions=value,
        )
    items = tuple(value) if isinstance(value, Iterable) else (value,)
    if not items or any(isinstance(i, bool) or not isinstance(i, int) for i in items):
        raise InvalidPosition(
            'positions must be "all", "last" or a non-empty list of integers.',
            positions=[repr(i) for i in items[:8]],
        )
    return items


@dataclass(frozen=True, slots=True, order=True)
class ValueId:
    """One value vector: row `dim` of layer `layer`'s value matrix [F, D]; written `L12D34`."""

    layer: int
    dim: int

    def __str__(self) -> str:
        return f"L{self.layer}D{self.dim}"

    @classmethod
    def parse(cls, text: str) -> ValueId:
        """Read `L12D34` (any case, surrounding space allowed).

        Raises:
            InvalidIntervention: the text does not have that form.
        """
        match = re.fullmatch(r"\s*[lL](\d{1,9})[dD](\d{1,9})\s*", text)
        if match is None:
            raise InvalidIntervention(
                f"{text!r} does not name a value vector; write layer and dimension as L12D34.",
                value=text,
            )
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Intervention:
    """One edit of one coefficient m_i (rules 8 to 15).

    `kind`:
        on     m_i := act(c), c = 0.01 + largest sub-update score of the layer in the unedited run
        off    m_i := act(0), which is 0 for GELU (both: rule 9)
        set    m_i := value
        scale  m_i := value * m_i
        add    m_i := m_i + value
    `positions`: which positions of the prompt are edited. `generated`: whether generated tokens are
    edited too; None means "as a person would expect": yes when `positions` is "all", otherwise no.

    Raises:
        InvalidIntervention: unknown kind, a value missing, superfluous, NaN or infinite.
        InvalidPosition: see `as_positions`.
    """

    layer: int
    dim: int
    kind: Kind = "off"
    value: float | None = None
    positions: Positions = "all"
    generated: bool | None = None

    def __post_init__(self) -> None:
        name = f"L{self.layer}D{self.dim}"
        for part in (self.layer, self.dim):
            if isinstance(part, bool) or not isinstance(part, int):
                raise InvalidIntervention(f"{name}: layer and dim must be integers.")
        if self.kind not in KINDS:
            raise InvalidIntervention(
                f"{name}: unknown kind {self.kind!r}; allowed are {', '.join(KINDS)}.",
                kind=self.kind,
                allowed=list(KINDS),
            )
        if self.kind in ("on", "off"):
            if self.value is not None:
                raise InvalidIntervention(f'{name}: "{self.kind}" takes no value.', kind=self.kind)
        else:
            if self.value is None or isinstance(self.value, bool):
                raise InvalidIntervention(
                    f'{name}: "{self.kind}" needs a number as value.', kind=self.kind
                )
            if not math.isfinite(self.value):
                raise InvalidIntervention(
                    f"{name}: the value must be a finite number, not {self.value}.", kind=self.kind
                )
            object.__setattr__(self, "value", float(self.value))
        object.__setattr__(self, "positions", as_positions(self.positions))

    @property
    def id(self) -> ValueId:
        """The value vector that is edited."""
        return ValueId(self.layer, self.dim)

    @property
    def edits_generated(self) -> bool:
        """Whether generated tokens are edited, `generated` or its default."""
        return self.positions == "all" if self.generated is None else self.generated

    @classmethod
    def on(cls, value: str, **more: object) -> Intervention:
        """`Intervention.on("L12D34")`: boost, rule 9."""
        return cls._named(value, "on", **more)

    @classmethod
    def off(cls, value: str, **more: object) -> Intervention:
        """`Intervention.off("L12D34")`: suppress, rule 9."""
        return cls._named(value, "off", **more)

    @classmethod
    def set(cls, value: str, to: float, **more: object) -> Intervention:
        """`Intervention.set("L12D34", 3.0)`: m_i := 3, rule 15."""
        return cls._named(value, "set", value=to, **more)

    @classmethod
    def scale(cls, value: str, by: float, **more: object) -> Intervention:
        """`Intervention.scale("L12D34", -1)`: m_i := -m_i, rule 15."""
        return cls._named(value, "scale", value=by, **more)

    @classmethod
    def add(cls, value: str, amount: float, **more: object) -> Intervention:
        """`Intervention.add("L12D34", 0.5)`: m_i := m_i + 0.5, rule 15."""
        return cls._named(value, "add", value=amount, **more)

    @classmethod
    def _named(cls, name: str, kind: Kind, **more: object) -> Intervention:
        at = ValueId.parse(name)
        return cls(at.layer, at.dim, kind, **more)  # type: ignore[arg-type]  # checked in __post_init__


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. `temperature` 0 is greedy (ties by lower token id).

    `top_p`: nucleus sampling (Holtzman et al., 2020), the smallest set of tokens whose
    probabilities reach top_p. The same seed gives the same text on the same machine.

    Raises:
        OutOfRange: temperature outside [0, 10], top_p outside (0, 1], seed outside [0, 2**63).
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 10.0:
            raise OutOfRange(
                f"temperature must lie between 0 (greedy) and 10, not {self.temperature}.",
                parameter="temperature",
            )
        if not 0.0 < self.top_p <= 1.0:
            raise OutOfRange(
                f"top_p must be above 0 and at most 1, not {self.top_p}.", parameter="top_p"
            )
        if not 0 <= self.seed < 2**63:
            raise OutOfRange("seed must be a non-negative 63-bit integer.", parameter="seed")


GREEDY = Sampling()


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for; None: no limit but the model's own."""

    max_interventions: int = 256
    max_top_k: int = 200
    max_new_tokens: int = 256
    max_positions: int = 256
    max_waiting: int = 64


LIMITS = Limits()
