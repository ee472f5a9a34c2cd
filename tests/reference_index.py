"""The oracle of Explore: keyword and concept search and clouds written out plainly, in float64.

Like `reference`, it takes nothing from `lm_debugger`: weights come from the safetensors file, token
strings from the tokenizer file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from tests.reference import Array, Oracle, ranked

Vector = tuple[int, int]  # layer, dim


class Library:
    """All value vectors of a checkpoint with the 50 token strings of rule 7."""

    def __init__(self, folder: Path) -> None:
        self.oracle = Oracle(folder)
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        width = self.oracle.values(0).shape[0]
        self.vectors: list[Vector] = [
            (layer, dim) for layer in range(self.oracle.n_layer) for dim in range(width)
        ]
        self.logits: Mapping[Vector, Array] = {
            vector: self.oracle.projection(*vector) for vector in self.vectors
        }
        self.top = {vector: ranked(logits, 50) for vector, logits in self.logits.items()}

    def words(self, vector: Vector) -> list[str]:
        """The document of a vector: 50 decoded tokens, lower-cased (rule 17)."""
        return [self.text(token).lower() for token in self.top[vector]]

    def text(self, token: int) -> str:
        if token >= self.tokenizer.get_vocab_size():
            return f"[{token}]"
        return str(self.tokenizer.decode([token], skip_special_tokens=False))


def bm25(
    documents: Mapping[Vector, Sequence[str]], queries: Sequence[Sequence[str]]
) -> dict[Vector, float]:
    """BM25 with k1 = 1.2 and b = 0.75, every query being a list of terms that must all be there.

    The textbook formula, document lengths and all; a document's score is the sum over its queries.
    """
    k1, b = 1.2, 0.75
    n = len(documents)
    average = sum(len(words) for words in documents.values()) / n
    df: dict[str, int] = {}
    for query in queries:
        for term in query:
            df[term] = sum(term in words for words in documents.values())
    scores: dict[Vector, float] = {}
    for vector, words in documents.items():
        for query in queries:
            if all(term in words for term in query):
                for term in query:
                    tf = list(words).count(term)
                    idf = math.log(1 + (n - df[term] + 0.5) / (df[term] + 0.5))
                    length = 1 - b + b * len(words) / average
                    score = idf * tf * (k1 + 1) / (tf + k1 * length)
                    scores[vector] = scores.get(vector, 0.0) + score
    return scores


def concept(
    library: Library, promote: Sequence[Sequence[int]], demote: Sequence[Sequence[int]]
) -> Array:
    """Mean over promoted words of the mean logit of their tokens, minus that of demoted words."""
    rows = np.stack([library.logits[vector] for vector in library.vectors])  # [N, V]

    def mean(words: Sequence[Sequence[int]]) -> Array:
        if not words:
            return np.zeros(len(rows))
        return np.asarray(np.mean([rows[:, list(tokens)].mean(axis=1) for tokens in words], axis=0))

    return mean(promote) - mean(demote)


def cloud(library: Library, members: Sequence[Vector]) -> dict[int, float]:
    """Token -> weight in the cloud of a cluster (rule 18): the sum of its logits in the lists of 50
    of those members that list it."""
    weights: dict[int, float] = {}
    for member in members:
        for token in library.top[member]:
            weights[token] = weights.get(token, 0.0) + float(library.logits[member][token])
    return weights


def cosines(library: Library) -> Array:
    """All cosines [N, N]; for tests only, the product never holds such a thing."""
    rows = np.stack([library.oracle.values(layer)[dim] for layer, dim in library.vectors])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(unit @ unit.T)
