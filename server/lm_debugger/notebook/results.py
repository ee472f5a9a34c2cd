"""The engine's results with the three things that a notebook wants of them: `_repr_html_` (traces),
`to_pandas()` with one row per number, and `to_json()`, which is what the API would reply.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, Self

from lm_debugger.api import dump, dump_why
from lm_debugger.engine import types as engine
from lm_debugger.notebook import rows
from lm_debugger.notebook.html import trace_html

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, repr=False)
class Trace(engine.Trace):
    """The answer to `Debugger.trace`: a table in a notebook, else `to_pandas` and `to_json`."""

    @classmethod
    def of(cls, found: engine.Trace) -> Self:
        """The engine's result, with more to it."""
        return cls(**_values(found))

    def to_json(self) -> str:
        """What `POST /api/v1/trace` would reply."""
        return dump.trace(self).model_dump_json()

    def to_pandas(self, what: Literal["predictions", "sub_updates"] = "predictions") -> DataFrame:
        """One row per token, or per sub-update, of every layer at every position in every run.

        Args:
            what: "predictions" (run, position, layer, state, rank, token, token_id, prob) or
                "sub_updates" (run, position, layer, rank, dim, vector, coefficient, score).

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        find = rows.predictions if what == "predictions" else rows.sub_updates
        return _frame(find(self))

    def __repr__(self) -> str:
        runs = "unedited" if self.edited is None else "unedited and edited"
        at = ", ".join(map(str, self.positions))
        return f"<Trace of {self.prompt!r} by {self.model}: {runs}, position {at}>"

    def _repr_html_(self) -> str:
        return trace_html(self)


@dataclass(frozen=True, slots=True)
class Generation(engine.Generation):
    """The answer to `Debugger.generate`."""

    @classmethod
    def of(cls, found: engine.Generation) -> Self:
        """The engine's result, with more to it."""
        return cls(**_values(found))

    def to_json(self) -> str:
        """What `POST /api/v1/generate` would reply."""
        return dump.generation(self).model_dump_json()

    def to_pandas(self) -> DataFrame:
        """One row per alternative of every step: index, rank, token, token_id, prob, chosen.

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        return _frame(rows.steps(self))


@dataclass(frozen=True, slots=True, repr=False)
class Grid(engine.Grid):
    """The answer to `Debugger.grid`."""

    model: str

    @classmethod
    def of(cls, found: engine.Grid, model: str) -> Self:
        """The engine's result, with more to it."""
        return cls(**_values(found), model=model)

    def to_json(self) -> str:
        """What `POST /api/v1/grid` would reply."""
        return dump_why.grid(self.model, self).model_dump_json()

    def to_pandas(self) -> DataFrame:
        """One row per cell and run: run, position, layer, state, token, token_id, prob, entropy,
        kl (of the edited run from the unedited one, in nats).

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        return _frame(rows.cells(self))

    def __repr__(self) -> str:
        runs = "unedited" if self.edited is None else "unedited and edited"
        shape = f"{len(self.unedited.tokens)} states x {len(self.positions)} positions"
        return f"<Grid by {self.model}: {runs}, {shape}>"


@dataclass(frozen=True, slots=True)
class Following(engine.Following):
    """The answer to `Debugger.follow`."""

    model: str

    @classmethod
    def of(cls, found: engine.Following, model: str) -> Self:
        """The engine's result, with more to it."""
        return cls(**_values(found), model=model)

    def to_json(self) -> str:
        """What `POST /api/v1/follow` would reply."""
        return dump_why.following(self.model, self).model_dump_json()

    def to_pandas(self) -> DataFrame:
        """One row per token, state and run: run, layer, state, token, token_id, prob, logit, rank.

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        return _frame(rows.followed(self))


@dataclass(frozen=True, slots=True)
class Attribution(engine.Attribution):
    """The answer to `Debugger.attribute`."""

    model: str

    @classmethod
    def of(cls, found: engine.Attribution, model: str) -> Self:
        """The engine's result, with more to it."""
        return cls(**_values(found), model=model)

    def to_json(self) -> str:
        """What `POST /api/v1/attribute` would reply."""
        return dump_why.attribution(self.model, self).model_dump_json()

    def to_pandas(self) -> DataFrame:
        """One row per part: part, layer, dim, amount. The parts base, start, attention and ffn add
        up to the total; the sub_updates are the largest parts of the ffns.

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
        """
        return _frame(rows.parts(self))


def _values(found: Any) -> dict[str, Any]:
    """A dataclass's fields by name, as they are."""
    return {field.name: getattr(found, field.name) for field in fields(found)}


def _frame(records: Iterable[Mapping[str, Any]]) -> DataFrame:
    frame = _pandas().DataFrame.from_records(list(records))
    gaps = [name for name in ("layer", "dim", "rank") if name in frame and frame[name].hasnans]
    return frame.astype(dict.fromkeys(gaps, "Int64"))  # whole numbers, with gaps too


def _pandas() -> ModuleType:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Data frames need pandas: pip install 'lm-debugger[notebook]'", name="pandas"
        ) from error
    return pandas  # type: ignore[no-any-return]
