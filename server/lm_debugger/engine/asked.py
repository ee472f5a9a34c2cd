"""What goes into the engine: interventions, positions, sampling. Frozen, and
checked when made as far as that needs no model. See `types` for the letters and rules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, SupportsIndex, TypeAlias

from lm_debugger.engine.given import listed, number, shown, whole, wholes
from lm_debugger.engine.nodes import ValueId
from lm_debugger.errors import InvalidIntervention, InvalidPosition, OutOfRange

Kind: TypeAlias = Literal["on", "off", "set", "scale", "add"]
KINDS: tuple[Kind, ...] = ("on", "off", "set", "scale", "add")

Positions: TypeAlias = Literal["all", "last"] | tuple[int, ...]
"""Positions of the prompt: all, the last, or indices (negative ones count from the end)."""

PositionsLike: TypeAlias = Literal["all", "last"] | SupportsIndex | Iterable[SupportsIndex]
"""What `as_positions` takes."""


def as_positions(value: PositionsLike) -> Positions:
    """Bring a choice of prompt positions into its one canonical form.

    Raises:
        InvalidPosition: neither "all", "last", an index, a range nor a non-empty list of indices.
    """
    if isinstance(value, str):
        if value in ("all", "last"):
            return "all" if value == "all" else "last"
        raise InvalidPosition(
            f'positions must be "all", "last" or a list of prompt positions, not {shown(value)}.',
            positions=value,
        )
    items = wholes(value)
    if not items:
        given = "[]" if items == () else shown(value)
        raise InvalidPosition(
            f'positions must be "all", "last" or a non-empty list of integers, not {given}.',
            positions=given,
        )
    return items


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

    layer: Annotated[int, "0-based layer"]
    dim: Annotated[int, "0-based dimension (row of the layer's value matrix)"]
    kind: Annotated[Kind, "on and off as in LM-Debugger; set, scale, add after the activation"] = (
        "off"
    )
    value: Annotated[float | None, "needed by set, scale and add; not allowed with on and off"] = (
        None
    )
    positions: Annotated[
        Positions, "prompt positions to edit; negative ones count from the end"
    ] = "all"
    generated: Annotated[
        bool | None, "edit generated tokens too; default: only if positions is 'all'"
    ] = None

    def __post_init__(self) -> None:
        at = ValueId(self.layer, self.dim)
        name = str(at)
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InvalidIntervention(
                f"{name}: unknown kind {shown(self.kind)}; allowed are {', '.join(KINDS)}.",
                kind=shown(self.kind),
                allowed=list(KINDS),
            )
        value = self._checked_value(name)
        if self.generated is not None and not isinstance(self.generated, bool):
            raise InvalidIntervention(
                f"{name}: generated must be true, false or None, not {shown(self.generated)}."
            )
        positions = as_positions(self.positions)
        for field, plain in (
            ("layer", at.layer), ("dim", at.dim), ("value", value), ("positions", positions),
        ):  # fmt: skip
            object.__setattr__(self, field, plain)

    def _checked_value(self, name: str) -> float | None:
        if self.kind in ("on", "off"):
            if self.value is not None:
                raise InvalidIntervention(f'{name}: "{self.kind}" takes no value.', kind=self.kind)
            return None
        value = number(self.value)
        if value is None:
            given = "" if self.value is None else f", not {shown(self.value)}"
            raise InvalidIntervention(
                f'{name}: "{self.kind}" needs a number as value{given}.', kind=self.kind
            )
        if not math.isfinite(value):
            raise InvalidIntervention(
                f"{name}: the value must be a finite number, not {value}.", kind=self.kind
            )
        return value

    @property
    def id(self) -> ValueId:
        """The value vector that is edited."""
        return ValueId(self.layer, self.dim)

    @property
    def edits_generated(self) -> bool:
        """Whether generated tokens are edited, `generated` or its default."""
        return self.positions == "all" if self.generated is None else self.generated

    @classmethod
    def on(
        cls, value: str, *, positions: Positions = "all", generated: bool | None = None
    ) -> Intervention:
        """`Intervention.on("L12D34")`: boost, rule 9."""
        return cls._named(value, "on", None, positions, generated)

    @classmethod
    def off(
        cls, value: str, *, positions: Positions = "all", generated: bool | None = None
    ) -> Intervention:
        """`Intervention.off("L12D34")`: suppress, rule 9."""
        return cls._named(value, "off", None, positions, generated)

    @classmethod
    def set(
        cls, value: str, to: float, *, positions: Positions = "all", generated: bool | None = None
    ) -> Intervention:
        """`Intervention.set("L12D34", 3.0)`: m_i := 3, rule 15."""
        return cls._named(value, "set", to, positions, generated)

    @classmethod
    def scale(
        cls, value: str, by: float, *, positions: Positions = "all", generated: bool | None = None
    ) -> Intervention:
        """`Intervention.scale("L12D34", -1)`: m_i := -m_i, rule 15."""
        return cls._named(value, "scale", by, positions, generated)

    @classmethod
    def add(
        cls,
        value: str,
        amount: float,
        *,
        positions: Positions = "all",
        generated: bool | None = None,
    ) -> Intervention:
        """`Intervention.add("L12D34", 0.5)`: m_i := m_i + 0.5, rule 15."""
        return cls._named(value, "add", amount, positions, generated)

    @classmethod
    def _named(
        cls,
        name: str,
        kind: Kind,
        value: float | None,
        positions: Positions,
        generated: bool | None,
    ) -> Intervention:
        at = ValueId.parse(name)
        return cls(at.layer, at.dim, kind, value, positions, generated)


def edited(node: Any, layer: Any, dim: Any) -> ValueId:
    """The value vector that an intervention outside of Python names: by its `node` or by `layer`
    and `dim`, None being what it leaves out.

    Raises:
        InvalidIntervention: it has neither, both and not of the same vector, or no such name.
    """
    if node is None:
        if layer is None or dim is None:
            raise InvalidIntervention(
                'An intervention has a node, such as "L12D34", or a layer and a dim.'
            )
        return ValueId(layer, dim)
    at = ValueId.parse(node)
    if layer not in (None, at.layer) or dim not in (None, at.dim):
        raise InvalidIntervention(
            f"The intervention's node is {at}, its layer {shown(layer)} and its dim {shown(dim)}; "
            "the node alone is enough."
        )
    return at


InterventionsLike: TypeAlias = (
    Intervention | Mapping[str, Any] | Iterable[Intervention | Mapping[str, Any]] | None
)
"""Interventions, or dicts as they are sent over HTTP: one, several, or none."""


def as_interventions(given: InterventionsLike) -> tuple[Intervention, ...]:
    """Bring what a caller gives as interventions into its one canonical form.

    Raises:
        InvalidIntervention: something else is among them, or a dict has an unknown or missing key.
        InvalidPosition: see `as_positions`.
    """
    if given is None:
        return ()
    if isinstance(given, Intervention | Mapping):
        return (_as_intervention(given),)
    items = listed(given)
    if items is None:
        raise InvalidIntervention(_NOT_ONE.format(shown(given)))
    return tuple(_as_intervention(item) for item in items)


_NOT_ONE = (
    '{} is no intervention; write Intervention.off("L12D34"), or a dict such as '
    '{{"node": "L12D34", "kind": "off"}}.'
)


def _as_intervention(item: Any) -> Intervention:
    if isinstance(item, Intervention):
        return item
    if not isinstance(item, Mapping):
        raise InvalidIntervention(_NOT_ONE.format(shown(item)))
    known = ["node", *(field.name for field in fields(Intervention))]
    unknown = [key for key in item if key not in known]
    needed = ("kind",) if "node" in item else ("layer", "dim", "kind")
    missing = [key for key in needed if key not in item]
    if unknown or missing:
        wrong = [f"no {key}" for key in missing] + [f"an unknown key {shown(k)}" for k in unknown]
        raise InvalidIntervention(
            f"The intervention {shown(dict(item))} has {' and '.join(wrong)}; the keys are "
            f"{', '.join(known)}."
        )
    if "node" not in item:
        return Intervention(**item)
    at = edited(*(item.get(key) for key in ("node", "layer", "dim")))
    more = {key: item[key] for key in item if key != "node"}
    return Intervention(**{**more, "layer": at.layer, "dim": at.dim})


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. `temperature` 0 is greedy (ties by lower token id).

    `top_p`: nucleus sampling (Holtzman et al., 2020), the smallest set of tokens whose
    probabilities reach top_p. The same seed gives the same text on the same machine.

    Raises:
        OutOfRange: temperature outside [0, 10], top_p outside (0, 1], seed outside [0, 2**63).
    """

    temperature: Annotated[float, "0 = greedy"] = 0.0
    top_p: Annotated[float, "nucleus sampling; 1 = all tokens"] = 1.0
    seed: Annotated[int, "same seed, same text on the same machine"] = 0

    def __post_init__(self) -> None:
        temperature, top_p, seed = number(self.temperature), number(self.top_p), whole(self.seed)
        if temperature is None or not 0.0 <= temperature <= 10.0:
            raise OutOfRange(
                "temperature must be a number from 0 (greedy) to 10, not "
                f"{shown(self.temperature)}.",
                parameter="temperature",
            )
        if top_p is None or not 0.0 < top_p <= 1.0:
            raise OutOfRange(
                f"top_p must be a number above 0 and at most 1, not {shown(self.top_p)}.",
                parameter="top_p",
            )
        if seed is None or not 0 <= seed < 2**63:
            raise OutOfRange(
                f"seed must be a whole number from 0 to 2^63 - 1, not {shown(self.seed)}.",
                parameter="seed",
            )
        for field, plain in (("temperature", temperature), ("top_p", top_p), ("seed", seed)):
            object.__setattr__(self, field, plain)


GREEDY = Sampling()
