"""Why this prediction: the questions beyond one position's trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, SupportsIndex

import torch

from lm_debugger.engine import interventions as rules
from lm_debugger.engine.attribution import attribute
from lm_debugger.engine.checks import (
    check_range,
    check_text,
    known_tokens,
    resolve_positions,
)
from lm_debugger.engine.core import Core, PositionsLike
from lm_debugger.engine.following import follow
from lm_debugger.engine.grid import grid
from lm_debugger.engine.lens import top_k as best
from lm_debugger.engine.sub_updates import Selection, sub_updates
from lm_debugger.engine.types import (
    Attribution,
    Following,
    Grid,
    InterventionsLike,
    Projection,
    SubUpdateDetail,
    Token,
    ValueId,
    as_positions,
)
from lm_debugger.errors import InvalidInput


class Why(Core):
    """All positions, single tokens, single parts, single vectors."""

    def grid(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        positions: PositionsLike = "all",
    ) -> Grid:
        """What every state predicts, positions x layers (rule 4), in both runs.

        Args:
            positions: of the prompt; negative ones count from the end.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        columns = resolve_positions(as_positions(positions), len(ids))
        check_range("positions", len(columns), self.limits.max_positions)
        edits = self._check_interventions(interventions, len(ids))
        self._check_weight(self._weights.grid(len(columns), edited=bool(edits)))
        tokens = [self._vocabulary.token(id) for id in ids]
        with self._gate:
            plain, changed = self._both(ids, columns, edits)
            edited = changed if edits else None
            return grid(self._lens, self._vocabulary, tokens, columns, plain, edited)

    def sub_updates(
        self,
        prompt: str,
        layer: int,
        interventions: InterventionsLike = (),
        position: int = -1,
        top_k: int = 50,
        sort: Literal["score", "effect"] = "score",
        token: int | None = None,
        against: int | None = None,
        n_tokens: int = 3,
    ) -> tuple[SubUpdateDetail, ...]:
        """The sub-updates of one layer in detail (rules 6 and 16), of the edited run.

        Args:
            position: of the prompt; negative ones count from the end.
            top_k: K, how many.
            sort: by score, or by the absolute effect on `token`.
            token, against: ids: the effect on a logit, or on the lead over another.
            n_tokens: tokens listed that each pushes up, and down.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        column = self._column(position, len(ids))
        layer = rules.check_value(self._adapter, layer, 0).layer
        top_k = check_range("top_k", top_k, self.limits.max_top_k)
        n_tokens = check_range("n_tokens", n_tokens, self.limits.max_top_k)
        self._check_weight(self._weights.sub_updates(top_k, n_tokens))
        edits = self._check_interventions(interventions, len(ids))
        if sort not in ("score", "effect"):
            raise InvalidInput(f'sort must be "score" or "effect", not {sort!r}.')
        if token is None and (against is not None or sort == "effect"):
            raise InvalidInput("Name the token whose logit the sub-updates are to affect.")
        asked = [id for id in (token, against) if id is not None]
        tokens = known_tokens(self._vocabulary, self.info.vocab_size, asked)
        chosen = Selection(layer, column, top_k, tokens, sort, n_tokens)
        with self._gate:
            plain, changed = self._both(ids, (column,), edits)
            return sub_updates(
                self._adapter, self._runner, self._lens, self._vocabulary, chosen,
                unedited=plain, done=changed,
            )  # fmt: skip

    def follow(
        self,
        prompt: str,
        tokens: SupportsIndex | Iterable[SupportsIndex],
        interventions: InterventionsLike = (),
        position: int = -1,
    ) -> Following:
        """Probability, logit and rank of some tokens through all 2 L states (rule 4), both runs.

        Args:
            tokens: ids.
            position: of the prompt; negative ones count from the end.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        column = self._column(position, len(ids))
        edits = self._check_interventions(interventions, len(ids))
        followed = known_tokens(
            self._vocabulary, self.info.vocab_size, tokens, self.limits.max_top_k
        )
        self._check_weight(self._weights.follow(len(followed), edited=bool(edits)))
        with self._gate:
            plain, changed = self._both(ids, (column,), edits)
            unedited = edited = follow(self._lens, plain, column, followed)
            if changed is not plain:
                edited = follow(self._lens, changed, column, followed)
        return Following(column, unedited, edited if edits else None)

    def attribute(
        self,
        prompt: str,
        token: int,
        against: int | None = None,
        interventions: InterventionsLike = (),
        position: int = -1,
        top_k: int = 10,
    ) -> Attribution:
        """What every part adds to a token's logit, or to its lead over another (rule 16).

        Args:
            token, against: ids. With `against`: why `token` rather than `against`.
            interventions: what is split is the edited run.
            position: of the prompt; negative ones count from the end.
            top_k: K, sub-updates listed, those of the largest absolute amount.

        Raises:
            InvalidInput: one of its subclasses says what is wrong and what is allowed.
            Busy: too many requests wait for the model.
        """
        ids = self._encode(prompt)
        column = self._column(position, len(ids))
        top_k = check_range("top_k", top_k, self.limits.max_top_k)
        self._check_weight(self._weights.attribute(top_k))
        edits = self._check_interventions(interventions, len(ids))
        asked = [token] if against is None else [token, against]
        tokens = known_tokens(self._vocabulary, self.info.vocab_size, asked)
        with self._gate:
            _, done = self._both(ids, (column,), edits)
            return attribute(self._adapter, self._runner, done, column, tokens, top_k)

    def find_tokens(self, text: str, n: int = 10) -> tuple[Token, ...]:
        """The n entries of the vocabulary that a typed text may mean, the likeliest meant first:
        " nurse" and "nurse" for "nurse", then what begins so.

        Raises:
            OutOfRange: n.
            UnknownWord: none begins so, and the tokenizer can write it as unknown only.
        """
        n = check_range("n", n, self.limits.max_top_k)
        check_text("What is looked for", text)
        return self._vocabulary.find(text, n)

    def project(self, layer: int, dim: int, top_k: int = 50) -> Projection:
        """What a value vector promotes and suppresses: both ends of E · v_i (rule 7).

        Raises:
            UnknownLayer, UnknownDimension, OutOfRange.
            Busy: too many requests wait for the model.
        """
        at = rules.check_value(self._adapter, layer, dim)
        top_k = check_range("top_k", top_k, self.limits.max_top_k)
        self._check_weight(self._weights.projection(top_k))
        with self._gate, torch.inference_mode():
            vector = self._adapter.value_directions(at.layer)[at.dim].float()
            logits = self._lens.unembed(vector.unsqueeze(0))  # [1, V]
            highest, promoted = _top_k(logits, top_k)
            lowest, suppressed = _top_k(-logits, top_k)
            return Projection(
                id=at,
                norm=float(vector.norm()),
                promoted=self._vocabulary.logits(promoted, highest),
                suppressed=self._vocabulary.logits(suppressed, [-x for x in lowest]),
            )

    def promoted(self, values: Sequence[ValueId], top_k: int = 10) -> list[tuple[Token, ...]]:
        """The tokens that each of some value vectors promotes most (rule 7), as `project` has them;
        many at once, and a turn of the model for each block of them.

        Raises:
            UnknownLayer, UnknownDimension, OutOfRange.
            Busy: too many requests wait for the model.
        """
        for at in values:
            rules.check_value(self._adapter, at.layer, at.dim)
        check_range("top_k", top_k, self.limits.max_top_k)
        found: list[tuple[Token, ...]] = []
        if not values:
            return found
        with torch.inference_mode():
            vectors = [self._adapter.value_directions(at.layer)[at.dim].float() for at in values]
            for rows in self._lens.blocks(torch.stack(vectors)):
                with self._gate:  # which asks whether the answer is still wanted
                    ids = best(self._lens.unembed(rows), top_k)[1].tolist()
                found += (tuple(map(self._vocabulary.token, row)) for row in ids)
        return found


def _top_k(row: torch.Tensor, k: int) -> tuple[list[float], list[int]]:
    """`lens.top_k` of one row [1, N]."""
    values, ids = best(row, k)
    return values[0].tolist(), ids[0].tolist()
