"""What each part of the network adds to a logit: the *attribution* reading (rule 16).

The final state is a sum of parts,

    x = before_0 + sum_l FFN_l + sum_{l >= 1} attention_l,      FFN_l = sum_i m_i v_i + b_l,

and with the final norm's statistics frozen at x, ln_f is affine: for LayerNorm with weight w, bias
b and the standard deviation s of x,

    logit_t(x) = E_t · b + sum over parts p of  g_t · p,   g_t = (w ⊙ E_t - mean(w ⊙ E_t)) / s.

So the parts' contributions g_t · p add up to the logit. This reading is never mixed with the lens,
which gives every state its own statistics.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.lens import top_k
from lm_debugger.engine.passes import Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Attribution, Contribution, Token, ValueId


def attribute(
    adapter: Adapter,
    runner: Runner,
    done: Recording,
    position: int,
    tokens: Sequence[Token],
    k: int,
) -> Attribution:
    """Why a token, or why one rather than another.

    Args:
        done: a forward pass that recorded `position`; see `passes.Runner.run`.
        tokens: A, or A and B: then everything is about logit A minus logit B.
        k: K, how many sub-updates are listed.
    """
    with torch.inference_mode():
        before, after = done.states([position])[:, :, 0].float().unbind(dim=1)  # [L, D] each
        direction, base = frozen_direction(adapter, after[-1], tokens)
        attention = (before[1:] - after[:-1]) @ direction  # [L - 1]
        readings = [
            adapter.value_directions(l).float() @ direction for l in range(adapter.n_layers)
        ]
        coefficients = done[Site.COEFFICIENTS][:, done.positions.index(position)]  # [L, F]
        written = runner.written(done, [position])[:, 0]  # [L, F]
        amounts = (written * torch.stack(readings)).flatten()  # [L * F]
        _, chosen = top_k(amounts.abs().unsqueeze(0), k)
        return Attribution(
            position=position,
            token=tokens[0],
            against=tokens[1] if len(tokens) == 2 else None,
            total=float(base + after[-1] @ direction),
            base=float(base),
            start=float(before[0] @ direction),
            attention=(0.0, *attention.tolist()),
            ffn=tuple(((after - before) @ direction).tolist()),
            sub_updates=tuple(
                Contribution(
                    ValueId(*divmod(number, adapter.ffn_width)),
                    float(coefficients.flatten()[number]),
                    float(amounts[number]),
                )
                for number in chosen[0].tolist()
            ),
        )


def frozen_direction(
    adapter: Adapter, state: Tensor, tokens: Sequence[Token]
) -> tuple[Tensor, Tensor]:
    """g [D] and the constant of a logit before any softcap, or of the difference of two, at a final
    state [D]."""
    rows = adapter.unembedding[[token.id for token in tokens]].float()
    row = rows[0] - rows[1] if len(rows) == 2 else rows[0]  # [D]
    norm, base = adapter.final, row.new_zeros(())
    if norm.bias is not None:
        base = base + row @ norm.bias.float()
    if adapter.unembedding_bias is not None:
        biases = adapter.unembedding_bias[[token.id for token in tokens]].float()
        base = base + (biases[0] - biases[1] if len(biases) == 2 else biases[0])
    return norm.pull_back(row) * norm.inverse(state), base
