"""What a sample of value vectors is about: the top tokens of E v, without lens or coefficient.

    python -m lm_debugger.demo.concepts MODEL_FOLDER [--data PREPARED]

prints 100 value vectors from the upper half of the layers, for a person to judge how many read as
one concept. With the prepared training data, it also says how many of the shown tokens are rare
there: rows that training hardly touched would crowd every list.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import click
import torch

from lm_debugger import Debugger
from lm_debugger.demo import data
from lm_debugger.demo.data import Ints
from lm_debugger.engine.types import ValueId

RARE = (50, 250, 1000)


def sample(debugger: Debugger, n: int, seed: int) -> list[ValueId]:
    """`n` different value vectors of the upper half of the layers, in order."""
    info = debugger.info
    first = info.n_layers // 2
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm((info.n_layers - first) * info.ffn_width, generator=generator)[:n]
    places = (divmod(i, info.ffn_width) for i in sorted(drawn.tolist()))
    return [ValueId(first + layer, dim) for layer, dim in places]


def share_of_rare(debugger: Debugger, at: list[ValueId], top: int, uses: Ints, below: int) -> float:
    """The share of the `top` tokens of these vectors that are read less than `below` times in two
    epochs. `uses` [V]."""
    shown = [entry.token.id for v in at for entry in debugger.project(v.layer, v.dim, top).promoted]
    return float((uses[shown] < below).mean())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m lm_debugger.demo.concepts")
    parser.add_argument("model", type=Path, help="folder that save_pretrained wrote")
    parser.add_argument("--data", type=Path, help="what lm_debugger.demo.data wrote")
    parser.add_argument("-n", type=int, default=100, help="how many vectors")
    parser.add_argument("--top", type=int, default=10, help="tokens each")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    debugger = Debugger.load(str(args.model), device="cpu")
    drawn = sample(debugger, args.n, args.seed)
    for at in drawn:
        promoted = debugger.project(at.layer, at.dim, args.top).promoted
        tokens = " | ".join(repr(entry.token.text)[1:-1] for entry in promoted)
        click.echo(f"{at!s:9} {tokens}")
    if args.data:
        uses = data.load(args.data).uses()
        for below in RARE:
            share, all_tokens = share_of_rare(debugger, drawn, args.top, uses, below), uses < below
            click.echo(
                f"tokens read less than {below} times: {share:.1%} of those shown, "
                f"{all_tokens.mean():.1%} of the vocabulary"
            )


if __name__ == "__main__":
    main()
