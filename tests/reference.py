"""The oracle: GPT-2, the lens and every intervention, written out plainly from docs/semantics.md.

Slow, in float64, position by position where that reads better. There is no hook in here, no KV
cache, no torch, no transformers and nothing of `lm_debugger`: weights come straight from the
safetensors file, so whatever the engine gets wrong, this file does not get wrong with it.

Letters: L layers, F FFN width, D model width, V vocabulary, n tokens of a sequence, T tokens of its
prompt. An intervention is a mapping with the keys `layer`, `dim`, `kind` and, where they matter,
`value`, `positions` ("all", "last" or indices) and `generated` (see `Edit`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NotRequired, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

Array: TypeAlias = NDArray[np.float64]


class Edit(TypedDict):
    """One intervention. `generated` absent or None: yes if `positions` is "all", otherwise no."""

    layer: int
    dim: int
    kind: str
    value: NotRequired[float | None]
    positions: NotRequired[str | Sequence[int]]
    generated: NotRequired[bool | None]


# --- the activation functions, by the names that checkpoints use ---------------------------------


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


erf = np.vectorize(math.erf, otypes=[np.float64])


def gelu(x: Array) -> Array:
    """x Phi(x), with the normal distribution's Phi."""
    return np.asarray(x * 0.5 * (1 + erf(x / math.sqrt(2))))


def gelu_new(x: Array) -> Array:
    """The tanh approximation of GELU (Hendrycks & Gimpel, 2016), the one GPT-2 was trained with."""
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": gelu,
    "gelu_new": gelu_new,
    "gelu_pytorch_tanh": gelu_new,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "tanh": np.tanh,
}


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class States:
    """Everything that one pass over a sequence shows, at every position (rules 3 and 6)."""

    before: Array  # [L, n, D] residual after attention, before the FFN
    m: Array  # [L, n, F] coefficients
    ffn: Array  # [L, n, D] what the FFN adds, bias included
    after: Array  # [L, n, D] before + ffn


@dataclass(frozen=True)
class Step:
    """One generated token, with the whole distribution it was chosen from."""

    token: int
    state: Array  # [D], the last residual at the position before it
    probs: Array  # [V]


class Oracle:
    """One checkpoint, as `save_pretrained` writes it: `config.json` and `model.safetensors`."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
        raw = load_file(folder / "model.safetensors")
        self.w: dict[str, Array] = {
            name.removeprefix("transformer."): value.astype(np.float64)
            for name, value in raw.items()
        }
        self.n_layer: int = self.config["n_layer"]
        self.act = ACTIVATIONS[self.config["activation_function"]]
        # The unembedding E [V, D] is the embedding itself where the two are tied.
        self.unembedding = self.w["wte.weight"]
        if not self.config.get("tie_word_embeddings", True):
            self.unembedding = self.w["lm_head.weight"]

    # --- the model -------------------------------------------------------------------------------

    def layer_norm(self, x: Array, name: str) -> Array:
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        normal = (x - mean) / np.sqrt(variance + self.config["layer_norm_epsilon"])
        return np.asarray(normal * self.w[f"{name}.weight"] + self.w[f"{name}.bias"])

    def affine(self, x: Array, name: str) -> Array:
        """transformers' Conv1D: x W + b with W [in, out]."""
        return np.asarray(x @ self.w[f"{name}.weight"] + self.w[f"{name}.bias"])

    def attention(self, x: Array, layer: int) -> Array:
        """Causal multi-head attention over normed residuals x [n, D]."""
        n, d = x.shape
        heads = self.config["n_head"]
        width = d // heads
        scale = 1.0
        if self.config.get("scale_attn_weights", True):
            scale /= math.sqrt(width)
        if self.config.get("scale_attn_by_inverse_layer_idx", False):
            scale /= layer + 1
        q, k, v = np.split(self.affine(x, f"h.{layer}.attn.c_attn"), 3, axis=-1)
        future = np.triu(np.ones((n, n), dtype=bool), k=1)
        parts = []
        for h in range(heads):
            columns = slice(h * width, (h + 1) * width)
            logits = q[:, columns] @ k[:, columns].T * scale
            logits[future] = -np.inf
            parts.append(softmax(logits) @ v[:, columns])
        return self.affine(np.concatenate(parts, axis=-1), f"h.{layer}.attn.c_proj")

    def run(
        self, ids: Sequence[int], edits: Iterable[Edit] = (), prompt: int | None = None
    ) -> States:
        """One pass over `ids`, whose first `prompt` tokens (default: all) are the prompt."""
        n = len(ids)
        prompt = n if prompt is None else prompt
        edits = list(edits)
        boost = self.boosts(ids[:prompt]) if any(e["kind"] == "on" for e in edits) else None
        before, ms, ffn, after = [], [], [], []
        x = self.w["wte.weight"][list(ids)] + self.w["wpe.weight"][:n]
        for layer in range(self.n_layer):
            h = f"h.{layer}"
            x = x + self.attention(self.layer_norm(x, f"{h}.ln_1"), layer)
            before.append(x)
            pre = self.affine(self.layer_norm(x, f"{h}.ln_2"), f"{h}.mlp.c_fc")
            here = winners([e for e in edits if e["layer"] == layer], n, prompt)
            for (t, i), edit in here.items():  # rules 8 and 9: before the activation
                if edit["kind"] == "off":
                    pre[t, i] = 0.0
                elif edit["kind"] == "on":
                    assert boost is not None
                    pre[t, i] = boost[layer]
            m = self.act(pre)
            for (t, i), edit in here.items():  # rule 15: after the activation
                value = edit.get("value")
                if edit["kind"] == "set":
                    m[t, i] = value
                elif edit["kind"] == "scale":
                    m[t, i] = value * m[t, i]
                elif edit["kind"] == "add":
                    m[t, i] = m[t, i] + value
            ms.append(m)
            ffn.append(self.affine(m, f"{h}.mlp.c_proj"))
            x = x + ffn[-1]
            after.append(x)
        return States(*(np.stack(part) for part in (before, ms, ffn, after)))

    # --- what is read from it --------------------------------------------------------------------

    def logits(self, x: Array) -> Array:
        """E ln_f(x) for residuals x [..., D]: [..., V]."""
        return np.asarray(self.layer_norm(x, "ln_f") @ self.unembedding.T)

    def lens(self, x: Array) -> Array:
        """Rule 4: softmax(E ln_f(x))."""
        return softmax(self.logits(x))

    def values(self, layer: int) -> Array:
        """The value vectors of a layer: [F, D]."""
        return self.w[f"h.{layer}.mlp.c_proj.weight"]

    def scores(self, m: Array, layer: int) -> Array:
        """Rule 6: |m_i| ||v_i|| for coefficients m [..., F]."""
        return np.asarray(np.abs(m) * np.sqrt((self.values(layer) ** 2).sum(axis=-1)))

    def boosts(self, prompt_ids: Sequence[int]) -> list[float]:
        """Rules 9 and 10: c of every layer, from the unedited run over the prompt alone."""
        plain = self.run(prompt_ids)
        return [
            float(self.scores(plain.m[layer, -1], layer).max()) + 0.01
            for layer in range(self.n_layer)
        ]

    def projection(self, layer: int, dim: int) -> Array:
        """Rule 7: E v, raw: [V]."""
        return np.asarray(self.unembedding @ self.values(layer)[dim])

    # --- generation ------------------------------------------------------------------------------

    def generate(
        self, ids: Sequence[int], edits: Iterable[Edit] = (), k: int = 10
    ) -> tuple[list[Step], bool]:
        """Rule 14: greedy, the whole sequence anew for every token. True: end-of-text came."""
        edits = list(edits)
        sequence = list(ids)
        steps: list[Step] = []
        for _ in range(k):
            states = self.run(sequence, edits, prompt=len(ids))
            state = states.after[-1, -1]
            probs = self.lens(state)
            token = int(np.argmax(probs))  # the first of equals: the lowest id
            if token == self.config["eos_token_id"]:
                return steps, True
            steps.append(Step(token, state, probs))
            sequence.append(token)
        return steps, False


def winners(edits: Iterable[Edit], n: int, prompt: int) -> dict[tuple[int, int], Edit]:
    """Which edit holds at each (position, dim) of one layer: the last one given (rule 11)."""
    chosen: dict[tuple[int, int], Edit] = {}
    for edit in edits:
        for t in range(n):
            if covers(edit, t, prompt):
                chosen[t, edit["dim"]] = edit
    return chosen


def covers(edit: Edit, t: int, prompt: int) -> bool:
    """Whether an edit touches position t of a sequence with `prompt` prompt tokens (rule 15)."""
    positions = edit.get("positions", "all")
    if t >= prompt:  # a generated token
        generated = edit.get("generated")
        return positions == "all" if generated is None else generated
    if positions == "all":
        return True
    if positions == "last":
        return t == prompt - 1
    return t in [p if p >= 0 else prompt + p for p in positions]  # type: ignore[operator]


def ranked(values: Array, k: int) -> list[int]:
    """The indices of the k largest entries, largest first, equal ones by lower index (rule 5)."""
    return sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]


def sampling_distribution(probs: Array, temperature: float, top_p: float) -> Array:
    """Softmax at a temperature, cut to its nucleus (Holtzman et al., 2020), renormalised: [V]."""
    if temperature == 0:
        return np.asarray(np.eye(len(probs))[ranked(probs, 1)[0]])
    hot = softmax(np.log(probs) / temperature)
    kept, total = [], 0.0
    for i in ranked(hot, len(hot)):
        kept.append(i)
        total += hot[i]
        if total >= top_p:
            break
    cut = np.zeros_like(hot)
    cut[kept] = hot[kept] / total
    return cut


def assert_ranked(
    got: Sequence[tuple[int, float]],
    truth: Array,
    k: int,
    *,
    rtol: float = 1e-5,
    atol: float = 0.0,
) -> None:
    """Hold a list of (index, value), largest first, to the oracle's values for every index.

    float32 may swap two entries that differ by less than its rounding, so indices are not compared
    one by one. Instead, at every rank r both the reported value and the oracle's own value of the
    reported index must equal the oracle's r-th largest value to tolerance: an index can stand at a
    wrong rank only if it is tied there. No index may appear twice, and equal reported values must
    come in the order of their indices (rule 5).
    """
    best = np.sort(truth)[::-1][:k]
    indices = [i for i, _ in got]
    values = [v for _, v in got]
    assert len(got) == len(best), f"{len(got)} entries instead of {len(best)}"
    assert len(set(indices)) == len(indices), "an index appears twice"
    np.testing.assert_allclose(values, best, rtol=rtol, atol=atol, err_msg="values by rank")
    np.testing.assert_allclose(truth[indices], best, rtol=rtol, atol=atol, err_msg="who is where")
    for a, b in pairwise(got):
        assert (-a[1], a[0]) < (-b[1], b[0]), f"{a} before {b}"
