"""What `speed` measures within one process: each thing beside the bare arithmetic that it cannot
do without, in turns, so that whatever else the machine does falls on both alike."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GPT2LMHeadModel

from lm_debugger.api.wire import dumped
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.gradients import frozen_score, gradients
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention

N_TOKENS = 10
N_NEW = 20
N_GRID = 32
EDITS = (
    Intervention.on("L3D30"),
    Intervention.off("L9D90"),
    Intervention.set("L15D150", 2.0),
    Intervention.scale("L20D200", -1.0),
)


@dataclass(frozen=True)
class Row:
    """One row of the table. `measured` and `base` are seconds unless `what` says otherwise."""

    what: str
    over: str
    goal: float
    measured: float
    base: float
    at_least: bool = False
    difference: bool = False
    """The goal is for measured - base instead of measured / base."""
    unit: str = "ms"

    @property
    def figure(self) -> float:
        return self.measured - self.base if self.difference else self.measured / self.base

    @property
    def met(self) -> bool:
        return self.figure >= self.goal if self.at_least else self.figure <= self.goal

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "figure": self.figure, "met": self.met}


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


class Bench:
    """A model under the debugger, and the same weights in plain transformers.

    Args:
        folder: a checkpoint.
        repeats: rounds; of each, medians count. Two more go before, to warm up.
    """

    def __init__(self, folder: Path, repeats: int, device: str, dtype: str) -> None:
        self.debugger = Debugger.load(str(folder), device=device, dtype=dtype)
        self.device = self.debugger.info.device
        self.dtype = getattr(torch, dtype)
        plain: Any = GPT2LMHeadModel.from_pretrained(folder, dtype=self.dtype)
        self.plain = plain.to(self.device).eval()
        self.plain.generation_config.eos_token_id = None
        self.plain.generation_config.pad_token_id = 0
        self.repeats = repeats
        self._random = random.Random(0)
        vocabulary = [self.debugger.token(id).text for id in range(self.plain.config.vocab_size)]
        self._words = [word for word in vocabulary if word[:1] == " " and word[1:].isalpha()]

    def prompt(self, n_tokens: int = N_TOKENS) -> str:
        """Random words, never seen before."""
        while True:
            text = "".join(self._random.choice(self._words) for _ in range(n_tokens))
            if len(self.debugger.tokenize(text)) == n_tokens:
                return text

    def inputs(self, prompt: str) -> dict[str, torch.Tensor]:
        ids = [token.id for token in self.debugger.tokenize(prompt)]
        input_ids = torch.tensor([ids], device=self.device)
        return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids)}

    def bare(self, prompt: str) -> None:
        """`model(**inputs)`."""
        with torch.inference_mode():
            self.plain(**self.inputs(prompt)).logits[0, -1, 0].item()  # wait for the device

    def medians(self, **actions: Callable[[], object]) -> dict[str, float]:
        """Seconds of each action; the order turns from round to round."""
        times: dict[str, list[float]] = {name: [] for name in actions}
        names = list(actions)
        for number in range(self.repeats + 2):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                times[name].append(seconds(actions[name]))
        return {name: statistics.median(values[2:]) for name, values in times.items()}

    def rows(self) -> Iterator[Row]:
        yield from self.traces()
        yield self.answer()
        yield self.back()
        yield self.slider()
        yield self.grid()
        yield self.generation()
        yield self.projection()

    def traces(self) -> Iterator[Row]:
        found = self.medians(
            bare=lambda: self.bare(self.prompt()),
            trace=lambda: self.debugger.trace(self.prompt()),
            edited=lambda: self.debugger.trace(self.prompt(), EDITS),
        )
        yield Row("trace, 10 tokens, K = 10", "model(**inputs)", 1.10, found["trace"],
                  found["bare"])  # fmt: skip
        yield Row("trace with 4 edits, both runs", "model(**inputs)", 1.50, found["edited"],
                  found["bare"])  # fmt: skip

    def answer(self) -> Row:
        """From a trace of both runs to the bytes that are sent: nothing is computed there."""
        trace = self.debugger.trace(self.prompt(), EDITS)
        goal = 0.004 * self.debugger.info.n_layers / 24
        found = self.medians(written=lambda: dumped(trace))
        return Row("a trace with 4 edits as JSON", "nothing", goal, found["written"], 0.0,
                   difference=True)  # fmt: skip

    def back(self) -> Row:
        """Forward and back, with the gradient at every site of the residual and the FFNs."""
        adapter, gate = self.debugger.adapter, self.debugger.gate
        sites = (Site.EMBED, Site.RESID_PRE, Site.ATTN_OUT, Site.COEFFICIENTS, Site.FFN_OUT)

        def both() -> None:
            ids = [token.id for token in self.debugger.tokenize(self.prompt())]
            with gate:
                gradients(adapter, ids, frozen_score(adapter, N_TOKENS - 1, [300], [301]), sites)

        found = self.medians(bare=lambda: self.bare(self.prompt()), both=both)
        return Row("forward and back, gradients at 5 sites a layer", "model(**inputs)", 2.5,
                   found["both"], found["bare"])  # fmt: skip

    def slider(self) -> Row:
        prompt, n = self.prompt(), iter(range(10**9))

        def move() -> None:
            edits = (*EDITS[:2], Intervention.set("L15D150", 2.0 + next(n) / 100), EDITS[3])
            self.debugger.trace(prompt, edits)

        found = self.medians(bare=lambda: self.bare(self.prompt()), move=move)
        return Row("edits changed in layers ≥ 12 only", "model(**inputs)", 0.65, found["move"],
                   found["bare"])  # fmt: skip

    def grid(self) -> Row:
        adapter = self.debugger.adapter
        n_states = 2 * adapter.n_layers * N_GRID
        states = torch.randn(n_states, self.debugger.info.d_model, device=self.device)
        weight: Any = self.plain.lm_head.weight

        def base() -> None:
            self.bare(self.prompt(N_GRID))
            with torch.inference_mode():
                for rows in torch.split(states.to(self.dtype), 128):
                    logits = rows @ weight.T
                logits[0, 0].item()

        found = self.medians(base=base, grid=lambda: self.debugger.grid(self.prompt(N_GRID)))
        return Row(f"lens grid, {N_GRID} positions x {2 * adapter.n_layers} states",
                   "forward + product of the states", 1.25, found["grid"],
                   found["base"])  # fmt: skip

    def generation(self) -> Row:
        def plain() -> None:
            with torch.inference_mode():
                self.plain.generate(**self.inputs(self.prompt()), max_new_tokens=N_NEW,
                                    do_sample=False)  # fmt: skip

        def ours() -> None:
            result = self.debugger.generate(self.prompt(), EDITS, N_NEW)
            assert len(result.steps) == N_NEW

        found = self.medians(plain=plain, ours=ours)
        return Row(f"generate {N_NEW} tokens, 4 edits", "model.generate, no edits", 1.10,
                   found["ours"], found["plain"])  # fmt: skip

    def projection(self) -> Row:
        weight: Any = self.plain.lm_head.weight
        info = self.debugger.info

        def at() -> tuple[int, int]:
            return self._random.randrange(info.n_layers), self._random.randrange(info.ffn_width)

        def bare() -> None:
            layer, dim = at()
            vector = self.plain.transformer.h[layer].mlp.c_proj.weight[dim]
            with torch.inference_mode():
                (weight @ vector)[0].item()

        found = self.medians(bare=bare, ours=lambda: self.debugger.project(*at()))
        return Row("projection of one value vector", "[V, D] · [D]", 1.5, found["ours"],
                   found["bare"])  # fmt: skip
