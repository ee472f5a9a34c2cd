"""Search over all rows of a bank by direction; needs no index.

A concept is a set of words to promote and to demote. The mean logit of some tokens is linear in the
vector, mean_t(E_t · v) = mean_t(E_t) · v, so ranking all N rows by it exactly, over the full
vocabulary, costs one matrix-vector product per layer. Neighbours are the same product with cosines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.checks import check_range, check_text
from lm_debugger.engine.given import shown, wholes
from lm_debugger.engine.lens import top_k
from lm_debugger.engine.nodes import Node, ValueId
from lm_debugger.engine.spelling import Spelling, spell_all
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.engine.types import Token
from lm_debugger.errors import InvalidInput, UnknownLayer
from lm_debugger.index.bank import Bank
from lm_debugger.index.source import Source

MOST_FOUND = 1_000_000
"""So many results may be asked for, however many rows there are."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a concept and the tokens whose mean logit stands for it."""

    text: str
    demoted: bool
    tokens: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class ScoredValue:
    """A row and its score: a mean logit, that divided by ||v||, or a cosine."""

    node: Node
    score: float

    @property
    def id(self) -> ValueId:
        """The value vector, where it is one; raises InvalidNode."""
        return ValueId.of(self.node)


def parse(text: str) -> list[tuple[str, bool]]:
    """`"music, song, -school"` -> [("music", False), ("song", False), ("school", True)].

    Raises:
        InvalidInput: there is no word.
    """
    words = []
    for part in (part.strip() for part in text.split(",")):
        demoted = part.startswith("-") and len(part) > 1
        word = part[1:].strip() if demoted else part
        if word:
            words.append((word, demoted))
    if not words:
        raise InvalidInput(
            "Type at least one word; separate several by commas, and demote one with a minus."
        )
    return words


class ConceptSearch:
    """Ranks the rows of one bank.

    A search takes a turn at the gate and can be stopped between layers. Then `search` and
    `neighbours` raise Busy, or what stopped them, too.
    """

    def __init__(self, source: Source, bank: Bank) -> None:
        self._source = source
        self._bank = bank

    def words(self, text: str) -> tuple[Word, ...]:
        """Parse a concept and find each word's tokens.

        A word stands for those of its two forms, with and without a leading space, that are one
        token; if neither is, for the tokens of the form with a space. A form that the tokenizer
        cannot write does not count.

        Raises:
            InvalidInput: there is no word.
            UnknownWord: the tokenizer can write no form of some words.
        """
        words = parse(check_text("What is looked for", text))
        vocabulary = self._source.vocabulary
        spelled = spell_all([word for word, _ in words], vocabulary.spell, lambda w: (w, f" {w}"))
        return tuple(
            Word(word, demoted, tuple(map(vocabulary.token, _tokens(forms))))
            for (word, demoted), forms in zip(words, spelled, strict=True)
        )

    def search(
        self,
        words: Sequence[Word],
        n: int,
        *,
        normalised: bool = False,
        layers: tuple[int, int] | None = None,
    ) -> list[ScoredValue]:
        """The n rows with the largest mean logit of the promoted words minus that of the
        demoted ones.

        Args:
            normalised: divide by ||v||: which direction, rather than how strongly.
            layers: first and last layer to search, both included.

        Raises:
            UnknownLayer: the range is empty or outside the model.
        """
        n = check_range("n", n, MOST_FOUND)
        with torch.inference_mode():
            direction = torch.zeros(self._source.unembedding.shape[1])
            for sign, demoted in ((1, False), (-1, True)):
                chosen = [self._mean_row(w) for w in words if w.demoted is demoted]
                if chosen:
                    direction += sign * torch.stack(chosen).mean(dim=0)
            return self._ranked(direction, n, normalised=normalised, layers=layers)

    def neighbours(
        self, at: Node | ValueId, n: int, *, opposite: bool = False
    ) -> list[ScoredValue]:
        """The n rows nearest to v by cosine, v itself left out, or those most opposed to it.

        Raises:
            InvalidInput, UnknownLayer, UnknownDimension, OutOfRange.
        """
        layer, row = self._bank.place(at)
        n = check_range("n", n, MOST_FOUND)
        with torch.inference_mode():
            vector = self._bank.matrix(layer)[row].float().cpu()
            unit = vector / vector.norm().clamp_min(torch.finfo(torch.float32).tiny)
            sign = -1 if opposite else 1
            own = self._bank.node(layer, row)
            found = self._ranked(sign * unit, n + 1, normalised=True, layers=None)
        return [ScoredValue(v.node, sign * v.score) for v in found if v.node != own][:n]

    def _ranked(
        self, direction: Tensor, n: int, *, normalised: bool, layers: tuple[int, int] | None
    ) -> list[ScoredValue]:
        bank = self._bank
        ends = wholes(layers or (0, bank.n_layers - 1)) or ()
        first, last = ends if len(ends) == 2 else (-1, -1)
        if not 0 <= first <= last < bank.n_layers:
            raise UnknownLayer(
                f"There is no layer range {shown(layers)}; this model's layers are 0 to "
                f"{bank.n_layers - 1}.",
                minimum=0,
                maximum=bank.n_layers - 1,
            )
        direction = direction.to(self._source.unembedding.device)
        rows = [direction.new_zeros(0)]
        with self._source.gate:
            for layer in range(first, last + 1):
                may_go_on()
                if bank.heights[layer]:
                    rows.append(bank.matrix(layer).float() @ direction)
            scores = torch.cat(rows).cpu()  # [rows of these layers]
            norms = bank.of_layers(bank.norms, first, last) if normalised else None
        if norms is not None:
            scores = torch.where(norms > 0, scores / norms, 0.0)
        if not len(scores):
            return []
        values, places = top_k(scores.view(1, -1), n)
        begin = bank.offsets[first]
        return [
            ScoredValue(bank.named(begin + place), value)
            for value, place in zip(values[0].tolist(), places[0].tolist(), strict=True)
        ]

    def _mean_row(self, word: Word) -> Tensor:
        ids = torch.tensor([token.id for token in word.tokens])
        unembedding = self._source.unembedding
        rows = unembedding[ids.to(unembedding.device)]
        return rows.float().mean(dim=0).cpu()


def _tokens(forms: Sequence[Spelling]) -> list[int]:
    """The ids that stand for a word.

    Args:
        forms: those that can be written, the one with a leading space last.
    """
    whole = [form.ids[0] for form in forms if len(form.ids) == 1]
    return list(dict.fromkeys(whole or forms[-1].ids))
