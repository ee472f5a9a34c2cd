"""The bundled model, from text to checkpoint, in one command that can be stopped and repeated.

    python -m lm_debugger.demo.train --corpus DIR --out DIR --tokens 300M

`--corpus` is a folder of text (see `corpus`) or one that `lm_debugger.demo.data` prepared or
packed. In `--out`: data/ (tokenizer and tokens), checkpoints/, train.log, model/ (the
result). The same command again goes on where the last one stopped; with more `--tokens` it goes on
from before the learning rate fell. See RECIPE.md.
"""

from __future__ import annotations

import argparse
import signal
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click
import torch

from lm_debugger.demo import checkpoint, data, export
from lm_debugger.demo.corpus import VALIDATION
from lm_debugger.demo.model import Shape
from lm_debugger.demo.trainer import ACCELERATED, Plan, Trainer

LOG_SECONDS = 15


def signals() -> list[int]:
    """A list that SIGTERM and SIGINT append themselves to, from now on."""
    received: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda which, _: received.append(which))
    return received


def run(
    trainer: Trainer, out: Path, save_every: float, max_minutes: float, stop: Sequence[int] = ()
) -> bool:
    """Train until the budget, the time or a signal ends it; returns whether the budget is used.

    Args:
        save_every: minutes between checkpoints.
        stop: training ends when this is no longer empty.
    """
    folder, total = out / "checkpoints", trainer.plan.total
    began, begun_at = time.monotonic(), trainer.tokens
    saved = logged = began
    losses: list[torch.Tensor] = []
    while trainer.tokens < total and not stop:
        if trainer.falls and not trainer.decayed:
            trainer.save(folder)  # from here a larger budget can go on
        losses.append(trainer.train_step())
        now = time.monotonic()
        if now - logged > LOG_SECONDS or trainer.tokens >= total:
            speed = (trainer.tokens - begun_at) / (now - began)
            left = timedelta(seconds=round(max(0, total - trainer.tokens) / speed))
            log(
                out,
                f"step {trainer.step}  tokens {trainer.tokens / 1e6:.2f}M of {total / 1e6:.1f}M  "
                f"loss {torch.stack(losses).mean().item():.3f}  {speed:,.0f} tokens/s  "
                f"ETA {left}  lr x {trainer.lr_factor:.3f}",
            )
            logged, losses = now, []
        if now - saved > save_every * 60:
            trainer.save(folder)
            saved = now
        if now - began > max_minutes * 60:
            break
    trainer.save(folder)
    return trainer.tokens >= total


def log(out: Path, line: str) -> None:
    """Print a line and append it to the log file."""
    click.echo(line)
    with (out / "train.log").open("a") as file:
        file.write(line + "\n")


def tokens(text: str) -> int:
    """A number such as 300M in full."""
    factor = {"K": 10**3, "M": 10**6, "B": 10**9}.get(text[-1:].upper(), 1)
    return int(float(text if factor == 1 else text[:-1]) * factor)


def parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lm_debugger.demo.train")
    parser.add_argument("--corpus", type=Path, required=True, help="text, or a prepared folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=tokens, default=tokens("300M"), help="total budget")
    parser.add_argument("--decay", type=float, default=Plan.decay, help="share of it in which the "
                        "learning rate falls")  # fmt: skip
    parser.add_argument("--batch", type=int, help="windows in a step")
    parser.add_argument("--muon-lr", type=float, default=Plan.muon_lr)
    parser.add_argument("--adam-lr", type=float, default=Plan.adam_lr)
    parser.add_argument("--embedding-decay", type=float, default=Plan.embedding_decay)
    parser.add_argument("--layers", type=int, default=Shape.n_layer)
    parser.add_argument("--width", type=int, default=Shape.n_embd)
    parser.add_argument("--heads", type=int, default=Shape.n_head)
    parser.add_argument("--context", type=int, default=Shape.n_positions)
    parser.add_argument("--vocab-size", type=int, default=Shape.vocab_size, help="at most")
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--compile", action="store_true", help="torch.compile, pays on a GPU")
    parser.add_argument("--save-every", type=float, default=15, metavar="MINUTES")
    parser.add_argument("--max-minutes", type=float, default=float("inf"), help="then stop")
    parser.add_argument("--rewarm", action="store_true", help="go on from the newest checkpoint "
                        "even if the learning rate had fallen there: it jumps back up")  # fmt: skip
    parser.add_argument("--init", type=Path, help="start from the weights of this exported model")
    return parser.parse_args(argv)


def has_bfloat16(device: str) -> bool:
    """Whether products in bfloat16 are faster than in fp32. On a CPU they are with AVX512-BF16
    (measured: 1.8 times the tokens per second), and slower where they are emulated."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(getattr(torch.cpu, "_is_avx512_bf16_supported", bool)())  # not public yet


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    torch.set_num_threads(args.threads)
    torch.set_float32_matmul_precision("high")
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    prepared = args.corpus if data.is_prepared(args.corpus) else args.out / "data"
    data.prepare(args.corpus, prepared, args.vocab_size)
    corpus = data.load(prepared)
    low = args.precision == "bfloat16" or (args.precision == "auto" and has_bfloat16(device))
    sizes = dict(ACCELERATED) if device == "cuda" else {}
    if args.batch:
        sizes["batch"] = args.batch
        sizes["micro_batch"] = min(sizes.get("micro_batch", Plan.micro_batch), args.batch)
    plan = Plan(
        args.tokens, args.decay, muon_lr=args.muon_lr, adam_lr=args.adam_lr,
        embedding_decay=args.embedding_decay, seed=args.seed,
        precision=torch.bfloat16 if low else None, **sizes,
    )  # fmt: skip
    shape = Shape(
        corpus.tokenizer.get_vocab_size(), args.context, args.width, args.layers, args.heads
    )
    trainer = Trainer(shape, plan, corpus, device, args.compile)
    args.out.mkdir(parents=True, exist_ok=True)
    last = checkpoint.latest(args.out / "checkpoints", plan.total, plan.decay, args.rewarm)
    if last:
        trainer.restore(last)
    elif args.init:
        trainer.model.load_state_dict(export.weights(args.init))
    stop = signals()
    n_parameters = sum(p.numel() for p in trainer.model.parameters())
    log(
        args.out,
        f"{n_parameters / 1e6:.2f}M parameters, {len(trainer.unused)} unused tokens, {device}, "
        f"{plan}, {f'resumed from {last.name}' if last else 'from the start'}",
    )
    finished = run(trainer, args.out, args.save_every, args.max_minutes, stop)
    if stop:  # whoever stops a run will not wait for its evaluation
        log(args.out, f"stopped after step {trainer.step}; the same command goes on from there")
        return
    score = trainer.bits_per_byte(prepared / f"{VALIDATION}.txt")
    log(
        args.out,
        f"{score:.4f} bits per byte on {VALIDATION}.txt after {trainer.tokens / 1e6:.1f}M tokens"
        f"{'' if finished else ', stopped before the end of the budget'}",
    )
    export.export(trainer.model, corpus.tokenizer, args.out / "model", trainer.tokens, score)


if __name__ == "__main__":
    main()
