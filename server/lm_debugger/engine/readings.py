"""The ways to read a vector of the residual stream as tokens, and which of them holds where.

There are four, they give different lists for the same vector, and they are never mixed (rule 16).
Every answer that lists tokens names its own.
"""

from __future__ import annotations

from enum import StrEnum


class Reading(StrEnum):
    """How a vector x becomes one number for every entry of the vocabulary."""

    RAW = "raw"
    """E · x, nothing else (rule 7)."""
    LENS = "lens"
    """softmax(E · ln_f(x)), x with final-norm statistics of its own (rule 4)."""
    EXACT = "exact"
    """g_t · x: what x adds to a logit, statistics frozen at the final state (rule 16)."""
    OWN_NORM = "own_norm"
    """E · ln_f(x) of a part of the residual, as if it were a state by itself (arXiv 2404.07004)."""


OF_STATES = Reading.LENS
"""The default where the tokens of a residual state are listed."""
OF_WRITES = Reading.RAW
"""Where those of a value vector or of a sub-update are: what it pushes up and down."""
OF_EFFECTS = Reading.EXACT
"""Where parts are ranked by what they add to a logit."""
