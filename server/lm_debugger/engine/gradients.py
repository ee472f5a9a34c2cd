"""Derivatives of a score with respect to any site: dS/dx, by autograd through transformers' own
forward pass (METHODS 1).

What is frozen is a rule, not an accident (rule 24): the statistics of the final norm, in the score
itself (`frozen_score`); and, for a site behind a post-norm (Gemma), the statistics of that norm
alone: with it free, the effect of everything that it normalises is 0 in sum. All other norms, and
gates, are free.

A product without a backward drops gradients without an exception. So every site that a gradient
must pass is looked at, and what was dropped is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.edits import Edits
from lm_debugger.engine.hooks import attached
from lm_debugger.engine.norms import Norm
from lm_debugger.engine.passes import NO_EDITS
from lm_debugger.engine.sites import ATTENTION, Site
from lm_debugger.engine.stopping import may_go_on
from lm_debugger.errors import GradientLost

_IN_ATTENTION = (*(s for s in Site if s in ATTENTION), Site.Z, Site.ATTN_RAW)
_IN_FFN = (Site.PRE, Site.UP, Site.COEFFICIENTS, Site.FFN_RAW)
_ON_THE_WAY = tuple(site for site in Site if site not in (Site.EMBED, Site.PATTERN, Site.FINAL))

Score = Callable[[Tensor], Tensor]
"""The residual after the last block, [T, D] -> a scalar."""


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Of one prompt.

    Attributes:
        score: S.
        values: of every site asked for, a tensor a layer, shaped as in `sites` without B; once for
            `EMBED` and `FINAL`.
        gradients: dS/d of each, likewise.
    """

    score: float
    values: Mapping[Site, tuple[Tensor, ...]]
    gradients: Mapping[Site, tuple[Tensor, ...]]


def frozen_score(
    adapter: Adapter, position: int, tokens: Sequence[int], against: Sequence[int] = ()
) -> Score:
    """S: the mean logit of some tokens, less that of others, at a position, before any softcap and
    with the final norm's statistics frozen (rule 16)."""

    def score(x: Tensor) -> Tensor:
        row, base = _unembedding(adapter, tokens)
        if against:
            other, other_base = _unembedding(adapter, against)
            row, base = row - other, base - other_base
        state, norm = x[position].float(), adapter.final
        if norm.bias is not None:
            base = base + row @ norm.bias.float()
        return state @ (norm.pull_back(row) * norm.inverse(state.detach())) + base

    return score


def gradients(
    adapter: Adapter,
    ids: Sequence[int],
    score: Score,
    sites: Iterable[Site],
    edits: Edits = NO_EDITS,
) -> Gradients:
    """Run a prompt forward and back. The caller holds the gate.

    Args:
        ids: the prompt, T of them.
        edits: without open operands; what is recorded and derived is the edited run.

    Raises:
        GradientLost: a part of the model has no backward.
    """
    wanted = tuple(dict.fromkeys(sites))
    with torch.inference_mode(False), torch.enable_grad():
        way = _Way(adapter, edits, wanted)
        s = way.forward(ids, score)
        found = way.back(s)
    return Gradients(
        float(s.detach()),
        {site: tuple(x.detach()[0] for x in way.seen[site]) for site in wanted},
        found,
    )


class _Way:
    """One pass, there and back."""

    def __init__(self, adapter: Adapter, edits: Edits, wanted: Sequence[Site]) -> None:
        self._adapter, self._edits, self._wanted = adapter, edits, wanted
        self.seen: dict[Site, list[Tensor]] = {}

    def forward(self, ids: Sequence[int], score: Score) -> Tensor:
        adapter = self._adapter
        tokens = torch.tensor([list(ids)], device=adapter.unembedding.device)
        embedded, calls = adapter.enter(tokens)
        x = embedded.detach().requires_grad_(True)
        self.seen[Site.EMBED] = [x]
        sites = {site for site in (*_ON_THE_WAY, *self._wanted) if adapter.has(site)}
        layers = range(adapter.n_layers)
        places = [(site, l) for site in Site if site in sites and site not in _ENDS for l in layers]
        with attached(adapter, places, self._sees):
            for layer in layers:
                may_go_on()
                x = adapter.run_block(layer, x, calls)
        self.seen[Site.FINAL] = [x]
        return score(x[0])

    def _sees(self, site: Site, layer: int, value: Tensor) -> Tensor | None:
        if not value.requires_grad:
            raise GradientLost(
                f"Layer {layer} gives no gradient at {site}: a product before it has no backward.",
                layer=layer,
                site=str(site),
            )
        edit, instead = self._edits.get((layer, site)), None
        if edit is not None:
            instead = value.clone()
            edit.write(instead[0], 0)
        self.seen.setdefault(site, []).append(value if instead is None else instead)
        return instead

    def back(self, s: Tensor) -> dict[Site, tuple[Tensor, ...]]:
        """dS/d of every wanted site."""
        adapter, found = self._adapter, {}
        behind: list[tuple[tuple[Site, ...], Site, Callable[[int], Norm | None]]] = []
        if adapter.attention_post_norm(0) is not None:
            behind.append((_IN_ATTENTION, Site.ATTN_OUT, adapter.attention_post_norm))
        if adapter.has_post_norm:
            behind.append((_IN_FFN, Site.FFN_OUT, adapter.ffn_post_norm))
        inner = {site: out for inside, out, _ in behind for site in inside}
        direct = [site for site in self._wanted if site not in inner]
        needed = dict.fromkeys((*direct, *(inner[s] for s in self._wanted if s in inner)))
        tensors = [x for site in needed for x in self.seen[site]]
        every = iter(_grad(s, tensors, None, retain=bool(behind)))
        outer = {site: tuple(next(every)[0] for _ in self.seen[site]) for site in needed}
        found.update({site: outer[site] for site in direct})
        for inside, out, norm_of in behind:
            mine = [site for site in self._wanted if site in inside]
            if mine:
                found.update(self._behind(mine, inside[-1], outer[out], norm_of))
        return found

    def _behind(
        self,
        sites: Sequence[Site],
        raw: Site,
        outer: Sequence[Tensor],
        norm_of: Callable[[int], Norm | None],
    ) -> dict[Site, tuple[Tensor, ...]]:
        """Sites of a part whose output goes through a post-norm: its statistics are frozen."""
        parts: dict[Site, list[Tensor]] = {site: [] for site in sites}
        for layer, gradient in enumerate(outer):
            u, norm = self.seen[raw][layer], norm_of(layer)
            assert norm is not None
            with torch.no_grad():
                frozen = norm.pull_back(gradient) * norm.inverse(u[0]).unsqueeze(-1)
            tensors = [self.seen[site][layer] for site in sites]
            for site, own in zip(
                sites, _grad(u, tensors, frozen.to(u).unsqueeze(0), retain=True), strict=True
            ):
                parts[site].append(own[0])
        return {site: tuple(layers) for site, layers in parts.items()}


_ENDS = (Site.EMBED, Site.FINAL)


def _grad(
    of: Tensor, to: Sequence[Tensor], weights: Tensor | None, *, retain: bool
) -> Sequence[Tensor]:
    if not to:
        return ()
    found = torch.autograd.grad(of, to, weights, retain_graph=retain, allow_unused=True)
    if any(gradient is None for gradient in found):
        raise GradientLost("The score does not depend on a site that its gradient was asked for.")
    return found


def _unembedding(adapter: Adapter, tokens: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The mean row of E, and the mean bias."""
    rows = adapter.unembedding[list(tokens)].float()
    bias = adapter.unembedding_bias
    if bias is None:
        return rows.mean(dim=0), rows.new_zeros(())
    return rows.mean(dim=0), bias[list(tokens)].float().mean()
