"""One training run: model, optimisers and the position in the text, a step at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from lm_debugger.demo import checkpoint, data
from lm_debugger.demo.corpus import documents
from lm_debugger.demo.evaluate import bits_per_byte
from lm_debugger.demo.model import GPT2, Shape, loss_sum
from lm_debugger.demo.optim import lr_factor, optimisers


@dataclass(frozen=True)
class Plan:
    """What decides the result of a run. `total` is in tokens, `warmup` in steps, `batch` and
    `micro_batch` are in windows, `chunk` is in rows of logits."""

    total: int
    decay: float = 0.3
    warmup: int = 50
    batch: int = 32
    micro_batch: int = 4
    chunk: int = 256
    muon_lr: float = 0.02
    adam_lr: float = 6e-3
    embedding_decay: float = 0.1
    min_uses: int = 20
    seed: int = 0
    precision: torch.dtype | None = None  # of matrix products; None: fp32


# On a CPU small pieces stay in its cache (measured: 4 windows and 256 rows of logits at a time are
# fastest); an accelerator wants all at once, and larger batches.
ACCELERATED = {"batch": 256, "micro_batch": 256, "chunk": 16384}


class Trainer:
    """Model, optimisers and position in the text."""

    def __init__(
        self, shape: Shape, plan: Plan, corpus: data.Corpus, device: str, compiled: bool = False
    ) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.device = plan, torch.device(device)
        self.model = GPT2(shape).to(self.device)
        self.states: Callable[[Tensor], Tensor] = (
            torch.compile(self.model) if compiled else self.model
        )
        self.optimisers = optimisers(
            self.model, plan.muon_lr, plan.adam_lr, plan.embedding_decay,
            dtype=plan.precision or torch.float32,
        )  # fmt: skip
        self.windows = data.Windows(corpus, shape.n_positions, plan.seed)
        self.step = self.tokens = self.window = 0
        self.decayed = False  # whether a step was made with a falling learning rate
        # Rows of tokens that (almost) never occur are 0 and stay so: their raw logit E v is 0 for
        # every value vector, and the other tokens learn to have logits well above it.
        uses = torch.from_numpy(corpus.uses()).to(self.device)
        self.unused = (uses < plan.min_uses).nonzero().flatten()
        with torch.no_grad():
            self.model.unembedding[self.unused] = 0

    @property
    def lr_factor(self) -> float:
        plan = self.plan
        warmup = plan.warmup * plan.batch * self.model.shape.n_positions
        return lr_factor(self.tokens, plan.total, warmup, plan.decay)

    @property
    def falls(self) -> bool:
        """Whether the next step is one of those with a falling learning rate."""
        return self.tokens > (1 - self.plan.decay) * self.plan.total

    def train_step(self) -> Tensor:
        """One batch; returns its loss, nats per token, without waiting for the device."""
        plan, context = self.plan, self.model.shape.n_positions
        ids = torch.from_numpy(self.windows.batch(self.window, plan.batch).astype("int64"))
        if self.device.type == "cuda":
            ids = ids.pin_memory().to(self.device, non_blocking=True)
        n_predicted = plan.batch * context
        total = torch.zeros((), device=self.device)
        for part in torch.split(ids, plan.micro_batch):
            with torch.autocast(
                self.device.type, plan.precision, enabled=plan.precision is not None
            ):
                loss = loss_sum(self.states, self.model.unembedding, part, plan.chunk)
            (loss / n_predicted).backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        grad = self.model.unembedding.grad
        assert grad is not None
        grad[self.unused] = 0
        factor = self.lr_factor
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["base_lr"] * factor
            optimiser.step()
            optimiser.zero_grad()
        self.decayed |= self.falls
        self.step += 1
        self.window += plan.batch
        self.tokens += n_predicted
        return total / n_predicted

    def save(self, folder: Path) -> Path:
        plan = self.plan
        state = {
            "tokens": self.tokens, "step": self.step, "window": self.window,
            "decayed": self.decayed, "total": plan.total, "decay": plan.decay, "seed": plan.seed,
            "shape": asdict(self.model.shape),
        }  # fmt: skip
        return checkpoint.save(folder, checkpoint.tensors_of(self.model, self.optimisers), state)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint. The text goes on where it was only under the same seed."""
        state = checkpoint.restore(path, self.model, self.optimisers)
        self.step, self.tokens, self.window = state["step"], state["tokens"], state["window"]
        self.decayed = state["decayed"]

    def bits_per_byte(self, text: Path) -> float:
        """On the validation text in fp32, see `evaluate`."""
        tokenizer = self.windows.corpus.tokenizer

        return bits_per_byte(
            lambda ids: F.linear(self.model(ids), self.model.unembedding),
            lambda t: tokenizer.encode(t).ids, documents(text),
            self.model.shape.n_positions, 0, self.device,
        )  # fmt: skip
