"""What every question has in common.

`Debugger.ask(question)` goes through these steps, each of them once:

    encode   the prompt becomes tokens, if there is one
    check    `checked`: the question in its canonical form, or what is wrong with it
    weigh    `weight`: how large the answer will be, against the limit
    gate     its turn to use the model; traces that wait at the same time are one batch
    run      the unedited and the edited run, as far as they are not known yet
    answer   `answer`: what is read of them; weighed again where only now it can be
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from lm_debugger.engine import showing
from lm_debugger.engine.asked import Intervention, Positions, as_interventions
from lm_debugger.engine.checks import check_range

if TYPE_CHECKING:
    from lm_debugger.engine.kept import Kept
    from lm_debugger.engine.model import Model
    from lm_debugger.engine.weight import Shape


class Answer:
    """What every answer can do beside holding its values: at a notebook, see `showing`."""

    __slots__ = ()

    def to_json(self) -> str:
        """What the API would reply."""
        return showing.way().json(self)

    def to_pandas(self) -> Any:
        """A data frame with one row per number, or the few that belong together.

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
            TypeError: this kind of answer has no such form.
        """
        return showing.way().frame(self)


A = TypeVar("A", bound=Answer)

Edits: TypeAlias = Annotated[
    tuple[Intervention, ...], "edits of coefficients; of two on one vector the last wins"
]
AtPosition: TypeAlias = Annotated[int, "of the prompt; negative ones count from the end"]


class Question(Generic[A]):
    """Something to be asked of a model; subclasses are frozen dataclasses of plain values."""

    __slots__ = ()
    needs_turn: ClassVar[bool] = True
    """Whether it is answered in one turn of the model; False: it needs none, or takes its own."""

    def weight(self, shape: Shape) -> int:
        """Bytes of the answer to this checked question, rounded up; see `weight`."""
        raise NotImplementedError

    def weight_told(self, shape: Shape, answer: A) -> int | None:
        """The same once the answer is there, where only it can tell; None: `weight` was it."""
        return None


class OfModel(Question[A]):
    """One that needs no prompt."""

    __slots__ = ()

    def checked(self, model: Model) -> Self:
        """The question in canonical form.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
        """
        raise NotImplementedError

    def answer(self, model: Model) -> A:
        """Of a checked question."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Prompt:
    """A text and its tokens [T], which the model can read."""

    text: str
    ids: Sequence[int]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """What a question about a prompt is answered from: its run without and with the interventions,
    one and the same where nothing is edited, recorded at the question's `columns`."""

    prompt: Prompt
    unedited: Kept
    edited: Kept


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutPrompt(Question[A]):
    """One about what a model does with a prompt, edited or not."""

    prompt: Annotated[str, "taken as it is: nothing added, nothing stripped (rule 1)"]
    interventions: Edits = ()

    @property
    def columns(self) -> tuple[int, ...]:
        """Positions of the prompt that are read, of a checked question."""
        raise NotImplementedError

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """The question in canonical form: positions as indices in [0, T), numbers as integers.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
        """
        edits = model.interventions(as_interventions(self.interventions), len(prompt.ids))
        return replace(self, interventions=edits)

    def answer(self, model: Model, runs: Runs) -> A:
        """Of a checked question."""
        raise NotImplementedError

    @classmethod
    def answers(cls, model: Model, asked: Sequence[tuple[Self, Runs]]) -> list[A]:
        """Of several that were run as one batch."""
        return [question.answer(model, runs) for question, runs in asked]

    @classmethod
    def fit(cls, asked: Sequence[tuple[Self, Prompt]]) -> bool:
        """Whether several may be one batch."""
        return len(asked) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AtOnePosition(AboutPrompt[A]):
    """One that reads a single position."""

    position: AtPosition = -1

    @property
    def columns(self) -> tuple[int, ...]:
        """The one."""
        return (self.position,)

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidPosition too."""
        column = model.column(self.position, len(prompt.ids))
        # Not super(): a dataclass with slots is another class than the one that was written here.
        return replace(AboutPrompt.checked(self, model, prompt), position=column)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtPositions(AboutPrompt[A]):
    """One that reads several positions, P of them."""

    positions: Annotated[Positions, "of the prompt; negative ones count from the end"] = "all"

    @property
    def columns(self) -> tuple[int, ...]:
        """Those."""
        assert not isinstance(self.positions, str)
        return self.positions

    def checked(self, model: Model, prompt: Prompt) -> Self:
        """Raises InvalidPosition and OutOfRange too."""
        columns = model.columns(self.positions, len(prompt.ids))
        check_range("positions", len(columns), model.limits.max_positions)
        return replace(AboutPrompt.checked(self, model, prompt), positions=columns)
