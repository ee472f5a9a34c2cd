"""What comes out of the questions beyond one position's trace (`why`), and what it shares with a
trace: tokens and sub-updates. Frozen values without behaviour; `types` has the letters and rules,
and all of them can be imported from there.
"""

from __future__ import annotations

from dataclasses import dataclass

from lm_debugger.engine.asked import ValueId


@dataclass(frozen=True, slots=True)
class Token:
    """One entry of the vocabulary.

    `text` is the tokenizer's decoding of that one id. `hex` holds its bytes ("e2 80") where they
    are not valid UTF-8 by themselves, so that `text` shows replacement characters; else None.
    """

    id: int
    text: str
    hex: str | None = None


@dataclass(frozen=True, slots=True)
class TokenProb:
    """A token and its probability in [0, 1]."""

    token: Token
    prob: float


@dataclass(frozen=True, slots=True)
class TokenLogit:
    """A token, its raw vocabulary piece ("Ġman") and a logit (unbounded, rule 7)."""

    token: Token
    piece: str
    logit: float


@dataclass(frozen=True, slots=True)
class SubUpdate:
    """m_i v_i: coefficient (signed) and score |m_i| * ||v_i||_2 (rule 6)."""

    id: ValueId
    coefficient: float
    score: float


@dataclass(frozen=True, slots=True)
class Followed:
    """One token through one run: [2 L] numbers in the order before_0, after_0, before_1, ...

    `ranks` are 1 for the likeliest token, ties by lower id. `logits` are those of the lens.
    """

    token: Token
    probs: tuple[float, ...]
    logits: tuple[float, ...]
    ranks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Following:
    """Some tokens through all states at one position; `edited` is None without interventions."""

    position: int
    unedited: tuple[Followed, ...]
    edited: tuple[Followed, ...] | None


@dataclass(frozen=True, slots=True)
class GridRun:
    """The lens over one run: 2 L rows in the order before_0, after_0, before_1, ..., P cells each.

    `probs` are those of the likeliest `tokens` (ids, ties by lower id); entropies are in nats.
    """

    tokens: tuple[tuple[int, ...], ...]
    probs: tuple[tuple[float, ...], ...]
    entropies: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The answer to `Debugger.grid`. `vocabulary` has every token that a cell names, by id.

    `kl` [2 L][P] is KL(edited || unedited) in nats, None as `edited` is: without interventions.
    """

    tokens: tuple[Token, ...]
    positions: tuple[int, ...]
    vocabulary: tuple[Token, ...]
    unedited: GridRun
    edited: GridRun | None
    kl: tuple[tuple[float, ...], ...] | None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one sub-update m_i v_i adds to a logit, or to the difference of two (rule 16)."""

    id: ValueId
    coefficient: float
    amount: float


@dataclass(frozen=True, slots=True)
class Attribution:
    """A logit, or the difference of two, as a sum of parts: the attribution reading (rule 16).

    total = base + start + sum(attention) + sum(ffn). `base` comes from the final norm's bias,
    `start` from the embeddings and the first block's attention, `attention[l]` from that of block
    l (0 for the first), `ffn[l]` from the FFN of block l. `sub_updates` are the parts of all FFNs
    with the largest absolute amounts, largest first.
    """

    position: int
    token: Token
    against: Token | None
    total: float
    base: float
    start: float
    attention: tuple[float, ...]
    ffn: tuple[float, ...]
    sub_updates: tuple[Contribution, ...]


@dataclass(frozen=True, slots=True)
class SubUpdateDetail:
    """A sub-update m_i v_i with what it does to the vocabulary.

    `share` is its score over the sum of all F of the layer; `unedited_coefficient` is m_i without
    interventions; `effect` is what it adds to a logit or to the lead over another (rule 16). `up`
    are the largest entries of E (m_i v_i), largest first, `down` the smallest, smallest first.
    """

    sub_update: SubUpdate
    unedited_coefficient: float
    share: float
    effect: float | None
    up: tuple[TokenLogit, ...]
    down: tuple[TokenLogit, ...]


@dataclass(frozen=True, slots=True)
class Projection:
    """What one value vector promotes and suppresses: the extremes of E v (rule 7).

    `promoted` is sorted from the largest logit down, `suppressed` from the smallest up. `norm` is
    ||v||_2.
    """

    id: ValueId
    norm: float
    promoted: tuple[TokenLogit, ...]
    suppressed: tuple[TokenLogit, ...]
