"""Measures the projections of one layer with random weights of any size, against the bare product.

    python -m tests.benchmarks.projections --tokens 262144 --width 640 --rows 2048

Processor seconds beside the clock's, as other work on the machine lengthens only the latter.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise

import torch

from lm_debugger.index.stages.projections import project
from tests.benchmarks.index import ROWS, memory, reset_peak


def measured(title: str, work: Callable[[], object]) -> None:
    loaded = memory("VmRSS")
    reset_peak()
    clock, processor = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    peak = (memory("VmHWM") - loaded) / 1e6
    print(
        f"{title}: {clock:.1f} s, of processors {processor:.1f} s; peak +{peak:.0f} MB", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=262_144)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    asked = parser.parse_args()
    random, dtype = torch.Generator().manual_seed(0), getattr(torch, asked.dtype)
    unembedding, matrix = (
        (torch.randn(n, asked.width, generator=random) * 0.05).to(dtype)
        for n in (asked.tokens, asked.rows)
    )
    waits: list[float] = []

    def pause(within: float) -> None:
        waits.append(time.perf_counter())

    def bare() -> None:
        for rows in torch.split(matrix, ROWS):
            _ = rows @ unembedding.T

    print(f"E {list(unembedding.shape)}, rows {list(matrix.shape)}, {asked.dtype}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    measured("bare product", bare)
    measured("projections", lambda: project(matrix, unembedding, pause))
    longest = max(later - earlier for earlier, later in pairwise(waits))
    print(f"longest time between two pauses: {longest:.2f} s")


if __name__ == "__main__":
    main()
