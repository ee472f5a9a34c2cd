"""Names of what writes into the residual stream, and the order in which it is written.

    L3D7        value vector: row 7 of layer 3's value matrix
    L3H5        head 5 of layer 3's attention
    L3A  L3F    the whole attention, the whole FFN of layer 3
    L3AB L3FB   their biases: b_O' (the values' biases folded in) and b_out
    E    P      embedding, position embedding
    L3S120      latent 120 of a dictionary at layer 3; gemma-scope:L3S120 where there are several

`@4` behind a name is the position that is written to; `L3H5@6<4` is what head 5 brings to position
6 from position 4. Without a position a name means all positions together (METHODS, section 1).

`Node` is any of these, `ValueId` a value vector by its two numbers alone. Names are read and
written here and nowhere else.

All numbers are 0-based. Any case and surrounding space are read; a dictionary's name keeps its
case. What only adds to a score, the final norm's and the unembedding's bias, writes nothing and has
no name here. frontend/src/lib/nodes.ts is this module's twin: tests/nodes.json tests both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args

from lm_debugger.engine.given import shown, whole
from lm_debugger.errors import (
    InvalidInput,
    InvalidIntervention,
    InvalidNode,
    InvalidPosition,
    UnknownDimension,
    UnknownLayer,
)

NodeName: TypeAlias = Annotated[str, "its name, L3D7"]
"""Of a value vector, as answers have it beside its layer and dimension."""

NodeKind: TypeAlias = Literal[
    "embedding",
    "position_embedding",
    "head",
    "attention",
    "attention_bias",
    "value",
    "latent",
    "ffn",
    "ffn_bias",
]
"""In the order in which the parts of a layer are written, a whole after its parts."""

_LETTERS: Final[dict[str, NodeKind]] = {
    "E": "embedding",
    "P": "position_embedding",
    "H": "head",
    "A": "attention",
    "AB": "attention_bias",
    "D": "value",
    "S": "latent",
    "F": "ffn",
    "FB": "ffn_bias",
}
_LETTER_OF: Final = {kind: letter for letter, kind in _LETTERS.items()}
_RANK: Final = {kind: rank for rank, kind in enumerate(get_args(NodeKind))}
_IN_NO_LAYER: Final = ("embedding", "position_embedding")
_COUNTED: Final = ("head", "value", "latent")
"""Of these a layer has many, told apart by their index."""

_SPACE = "(?:[^\\S\x1c-\x1f\x85]|\ufeff)*"  # what JavaScript calls space: the page reads the same
_DICTIONARY = r"[A-Za-z0-9][A-Za-z0-9._/-]{0,95}"
_NAME = re.compile(
    rf"{_SPACE}(?:({_DICTIONARY}):)?(?:[lL]([0-9]{{1,9}}))?([A-Za-z]{{1,2}})([0-9]{{1,9}})?"
    rf"(?:@([0-9]{{1,9}})(?:<([0-9]{{1,9}}))?)?{_SPACE}"
)
_LAYERS_HAVE = "layers of this model have"
_FORMS = "L3D7, L3H5, L3A, L3F, L3AB, L3FB, L3S120, E or P, with @4 for position 4"


@dataclass(frozen=True, slots=True)
class Shape:
    """How much a model has of what names count; None: not known here, so that nothing is refused.

    Attributes:
        n_layers, ffn_width, n_heads: L, F and H.
        n_tokens: T, of the prompt that positions are in.
        n_latents: of the dictionary that latents are in.
    """

    n_layers: int
    ffn_width: int
    n_heads: int | None = None
    n_tokens: int | None = None
    n_latents: int | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """One writer into the residual stream; `str` gives its name.

    Attributes:
        kind: what it is.
        layer: None for `embedding` and `position_embedding`.
        index: head, dimension or latent, where a layer has many; None otherwise.
        position: that it writes to; None: all positions together.
        source: of a head, the position that it attends to from `position`; None: all of them.
        dictionary: of a latent, its dictionary's name; None: the only one there is.

    Raises:
        InvalidNode: the parts make no node; the sentence says why.
    """

    kind: NodeKind
    layer: int | None = None
    index: int | None = None
    position: int | None = None
    source: int | None = None
    dictionary: str | None = None

    def __post_init__(self) -> None:
        for part in ("layer", "index", "position", "source"):
            given = getattr(self, part)
            number = None if given is None else whole(given)
            if given is not None and (number is None or number < 0):
                raise InvalidNode(f"The {part} of a node is an integer from 0, not {shown(given)}.")
            object.__setattr__(self, part, number)
        problem = self._problem()
        if problem:
            raise InvalidNode(problem)

    def _problem(self) -> str | None:
        """The sentence on parts that do not belong together."""
        kind = self.kind
        if kind not in _RANK:
            return f"There is no kind of node {shown(kind)}; there are {', '.join(_RANK)}."
        if (self.layer is None) != (kind in _IN_NO_LAYER):
            return f"A node of kind {kind} has {'a' if self.layer is None else 'no'} layer."
        if (self.index is None) == (kind in _COUNTED):
            return f"A node of kind {kind} has {'an' if self.index is None else 'no'} index."
        if self.source is not None:
            if kind != "head":
                return f"Only a head attends to a position: L3H5@6<4, not {shown(str(self))}."
            if self.position is None or self.source > self.position:
                return f"A head attends to its own position or an earlier one, not {self._ends()}."
        if self.dictionary is not None:
            if kind != "latent":
                return "Only a latent, such as L3S120, has a dictionary's name in front."
            if not re.fullmatch(_DICTIONARY, self.dictionary):
                return (
                    f"{shown(self.dictionary)} cannot be a dictionary's name: it has letters, "
                    "digits and . _ / - only, and begins with a letter or digit."
                )
        return None

    def _ends(self) -> str:
        query = "" if self.position is None else f"@{self.position}"
        return f"{query}<{self.source}"

    def __str__(self) -> str:
        front = "" if self.dictionary is None else f"{self.dictionary}:"
        position = "" if self.position is None else f"@{self.position}"
        source = "" if self.source is None else f"<{self.source}"
        return f"{front}{name_of(self.kind, self.layer, self.index)}{position}{source}"

    @classmethod
    def parse(cls, text: str) -> Node:
        """Read a name.

        Raises:
            InvalidNode: it names no node; the sentence says what a name looks like, or what of it
                cannot be.
        """
        match = _NAME.fullmatch(text) if isinstance(text, str) else None
        kind = _LETTERS.get(match[3].upper()) if match else None
        if match is None or kind is None:
            raise _no_name(text)
        layer, index, position, source = (
            None if part is None else int(part) for part in match.group(2, 4, 5, 6)
        )
        if (layer is None) != (kind in _IN_NO_LAYER) or (index is None) == (kind in _COUNTED):
            raise _no_name(text)
        return cls(kind, layer, index, position, source, match[1])

    @property
    def order(self) -> tuple[Any, ...]:
        """To sort by: as the forward pass writes, then by index, position and source; what means
        all of something stands before each of it."""
        return (
            -1 if self.layer is None else self.layer,
            _RANK[self.kind],
            self.dictionary or "",
            *(-1 if part is None else part for part in (self.index, self.position, self.source)),
        )

    def check(self, shape: Shape) -> None:
        """Refuse what a model, a prompt or a dictionary does not have.

        Raises:
            UnknownLayer, UnknownDimension, InvalidPosition, InvalidInput: naming what there is.
        """
        if self.layer is not None:
            _within(UnknownLayer, "layer", self.layer, "this model has", shape.n_layers)
        of_kind: dict[str, tuple[type[InvalidInput], str, str, int | None]] = {
            "value": (UnknownDimension, "dimension", _LAYERS_HAVE, shape.ffn_width),
            "head": (InvalidInput, "head", _LAYERS_HAVE, shape.n_heads),
            "latent": (InvalidInput, "latent", "this dictionary has", shape.n_latents),
        }
        if self.kind in of_kind:
            error, word, has, count = of_kind[self.kind]
            _within(error, word, self.index, has, count, layer=self.layer)
        if self.position is not None:
            _within(InvalidPosition, "position", self.position, "this prompt has", shape.n_tokens)


def name_of(kind: NodeKind, layer: int | None, index: int | None = None) -> str:
    """The name of a node at all positions, without making one: what tables are filled with."""
    place = "" if layer is None else f"L{layer}"
    return f"{place}{_LETTER_OF[kind]}{'' if index is None else index}"


@dataclass(frozen=True, slots=True, order=True)
class ValueId:
    """One value vector: row `dim` of layer `layer`'s value matrix [F, D]; written `L12D34`.

    Any integers: whether a model has it, only `value_in` says.

    Raises:
        InvalidIntervention: one of them is no integer.
    """

    layer: int
    dim: int

    def __post_init__(self) -> None:
        if type(self.layer) is int and type(self.dim) is int:
            return
        for part in ("layer", "dim"):
            plain = whole(getattr(self, part))
            if plain is None:
                raise InvalidIntervention(
                    "Layer and dimension of a value vector are integers, not "
                    f"{shown(self.layer)} and {shown(self.dim)}."
                )
            object.__setattr__(self, part, plain)

    def __str__(self) -> str:
        return name_of("value", self.layer, self.dim)

    @classmethod
    def of(cls, node: Node) -> ValueId:
        """The value vector that a node is, at whatever position.

        Raises:
            InvalidNode: it is another kind of node.
        """
        if node.kind != "value":
            raise InvalidNode(f"{node} is no value vector; these are written as L12D34.")
        assert node.layer is not None
        assert node.index is not None
        return cls(node.layer, node.index)

    @classmethod
    def parse(cls, text: str) -> ValueId:
        """Read `L12D34` (any case, surrounding space allowed).

        Raises:
            InvalidIntervention: the text names no value vector, or one at a position.
        """
        try:
            node = Node.parse(text)
        except InvalidNode:
            node = None
        if node is None or node.kind != "value" or node.position is not None:
            raise InvalidIntervention(
                f"{shown(text)} does not name a value vector; write layer and dimension as L12D34.",
                value=text if isinstance(text, str) else shown(text),
            )
        return cls.of(node)


def value_in(shape: Shape, layer: Any, dim: Any) -> ValueId:
    """The value vector of a layer and a dimension, whatever a caller gives as such, if a model has
    it (rule 12).

    Raises:
        UnknownLayer, UnknownDimension: naming what there is.
    """
    at = _within(UnknownLayer, "layer", layer, "this model has", shape.n_layers)
    width = shape.ffn_width
    return ValueId(at, _within(UnknownDimension, "dimension", dim, _LAYERS_HAVE, width, layer=at))


def _within(
    error: type[InvalidInput],
    word: str,
    given: Any,
    has: str,
    count: int | None,
    **details: Any,
) -> Any:
    """`given` as a plain integer, if it is one from 0 and below `count`."""
    number = whole(given)
    if count is not None and (number is None or not 0 <= number < count):
        wrong = shown(given) if number is None else number
        raise error(
            f"There is no {word} {wrong}: {has} {word}s 0 to {count - 1}.",
            **details,
            **{"dim" if word == "dimension" else word: wrong},
            minimum=0,
            maximum=count - 1,
        )
    return number


def _no_name(text: object) -> InvalidNode:
    return InvalidNode(
        f"{shown(text)} names no node; write one as {_FORMS}.",
        value=text if isinstance(text, str) else shown(text),
    )
