"""The places of a forward pass that can be read and written, by name.

A site is a place in every block (or, for `EMBED` and `FINAL`, in the model) at which one tensor
passes by. Which module it passes by is the adapter's to tell (`adapters.base.Adapter.place`); the
letters of shapes are those of `types`, with H heads, G heads of keys and values (grouped queries:
G < H), d the width of a head, B rows of a batch.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, NamedTuple

from torch import nn


class Site(StrEnum):
    """One place, in the order in which a forward pass comes by."""

    EMBED = "embed"
    """[B, T, D], the residual before the first block."""
    RESID_PRE = "resid_pre"
    """[B, T, D], the residual before a block."""
    ATTN_IN = "attn_in"
    """[B, T, D], what attention reads: the residual through its norm."""
    Q = "q"
    """[B, H, T, d], queries, rotated where positions are."""
    K = "k"
    """[B, G, T, d], keys, likewise."""
    V = "v"
    """[B, G, T, d], values, bias included."""
    PATTERN = "pattern"
    """[B, H, T, T], row q: how much query q attends to each key; sums to 1."""
    Z = "z"
    """[B, T, H d], z_q^h = sum_k A[h, q, k] v_k^h, the heads side by side."""
    ATTN_RAW = "attn_raw"
    """[B, T, D], sum_h z^h W_O^h + b_O, before a post-norm; without one the same as `ATTN_OUT`."""
    ATTN_OUT = "attn_out"
    """[B, T, D], what attention adds to the residual."""
    RESID_MID = "resid_mid"
    """[B, T, D], the residual between attention and FFN; parallel blocks have none."""
    FFN_IN = "ffn_in"
    """[B, T, D], what the FFN reads: the residual through its norm."""
    PRE = "pre"
    """[B, T, F], what the activation function is applied to; of a gated FFN, the gate's."""
    UP = "up"
    """[B, T, F], what the gate is multiplied with; gated FFNs only."""
    COEFFICIENTS = "coefficients"
    """[B, T, F], m_i (rule 6), the input of the value projection."""
    FFN_RAW = "ffn_raw"
    """[B, T, D], sum_i m_i v_i + b, before a post-norm; without one the same as `FFN_OUT`."""
    FFN_OUT = "ffn_out"
    """[B, T, D], what the FFN adds to the residual."""
    RESID_POST = "resid_post"
    """[B, T, D], the residual after a block."""
    FINAL = "final"
    """[B, T, D], the residual that the final norm reads."""


ATTENTION = frozenset({Site.Q, Site.K, Site.V, Site.PATTERN})
"""Sites within the attention function, which belong to no module: see `attention`."""

ONCE = frozenset({Site.EMBED, Site.FINAL})
"""Sites that a model has once, not once a block."""


class Place(NamedTuple):
    """The module that a site passes by, and on which side of it."""

    module: nn.Module
    side: Literal["in", "out"]
