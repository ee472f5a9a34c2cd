"""Measures building and searching an index against the bare products it cannot do without.

    python -m tests.benchmarks.index MODEL [MODEL ...]

Prints one row of the table in docs/speed.md per model. Everything is measured in one run, the bare
product right before the thing it is compared with.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex
from lm_debugger.index.build import Progress
from lm_debugger.index.kmeans import MAX_ITERATIONS

ROWS = 256


def memory(field: str) -> int:
    """VmRSS (now) or VmHWM (highest since `reset_peak`) of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def bare_projection(debugger: Debugger, layer: int) -> None:
    """E · v for the value vectors of a layer, fp32, and nothing else."""
    unembedding = debugger.adapter.unembedding.T
    with torch.inference_mode():
        for rows in torch.split(debugger.adapter.value_matrix(layer), ROWS):
            _ = rows @ unembedding


def bare_concept(debugger: Debugger, direction: torch.Tensor) -> None:
    """v · q for every value vector."""
    with torch.inference_mode():
        for layer in range(debugger.adapter.n_layers):
            _ = debugger.adapter.value_matrix(layer) @ direction


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


class Clock:
    """Times a build, and beside every layer of it the bare products of that layer, so that what
    else the machine does falls on both alike."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger
        self._last = time.perf_counter()
        self.bare = 0.0
        self.spent = {"projections": 0.0, "clusters": 0.0}
        self.iterations = 0

    def __call__(self, progress: Progress) -> None:
        self.spent[progress.stage] += time.perf_counter() - self._last
        if progress.stage == "projections" and progress.done and not progress.within:
            self.bare += seconds(lambda: bare_projection(self._debugger, progress.done - 1))
        if progress.stage == "clusters" and 0 < progress.done < progress.total:
            self.iterations = progress.done
        shown = f"\r  {progress.stage} {progress.done}/{progress.total}   "
        print(shown, end="", file=sys.stderr, flush=True)
        self._last = time.perf_counter()


def measure(name: str) -> None:
    debugger = Debugger.load(name, device="cpu")
    debugger.trace("The weights are mapped, not read: touch all of them before counting memory")
    loaded = memory("VmRSS")
    print(f"{name}: loaded, {loaded / 1e9:.2f} GB, {torch.get_num_threads()} threads", flush=True)
    reset_peak()
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(debugger)
        index = ModelIndex(debugger, Path(folder))
        result = index.build(clock)
        assert result.state == "ready", result
        disk = index.store.size()
        again = ModelIndex(debugger, Path(folder))
        restart = seconds(again.build)
    peak = memory("VmHWM") - loaded
    projected, clustered = clock.spent["projections"], clock.spent["clusters"]
    # Random weights settle after a few iterations, trained ones need them all.
    longest = clustered / max(1, clock.iterations) * MAX_ITERATIONS
    print(
        f"\n  bare products {clock.bare:.0f} s; index {projected:.0f} s = "
        f"{projected / clock.bare:.2f} x bare; {index.n_clusters} clusters {clustered:.0f} s for "
        f"{clock.iterations} iterations, {longest:.0f} s for {MAX_ITERATIONS}; second start "
        f"{restart:.1f} s\n"
        f"  peak memory: loaded model + {peak / 1e9:.2f} GB; disk {disk / 1e6:.0f} MB",
        flush=True,
    )
    search(debugger, index)


def search(debugger: Debugger, index: ModelIndex) -> None:
    """Latencies; keywords are drawn from the vocabulary as people would type them."""
    draw = random.Random(0)
    vocab_size = debugger.adapter.unembedding.shape[0]
    tokens = (debugger.vocabulary.token(id).text.strip() for id in range(vocab_size))
    words = draw.sample([word for word in tokens if word.isalpha() and len(word) > 2], 400)
    queries = words[:200] + [", ".join(draw.sample(words, 3)) for _ in range(200)]
    keyword = [seconds(lambda q=query: index.keywords(q, 20)) for query in queries]
    direction = torch.randn(debugger.adapter.unembedding.shape[1])
    concept, bare = [], []
    for query in queries[-60:]:
        bare.append(seconds(lambda: bare_concept(debugger, direction)))
        found = index.concepts.words(query)
        concept.append(seconds(lambda f=found: index.concepts.search(f, 20)))
    print(
        f"  keyword search p50 {statistics.median(keyword) * 1e3:.2f} ms, p95 "
        f"{p95(keyword) * 1e3:.2f} ms over {index.n_vectors:,} vectors\n"
        f"  concept search p50 {statistics.median(concept) * 1e3:.1f} ms = "
        f"{statistics.median(concept) / statistics.median(bare):.2f} x the bare product",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+")
    for model in parser.parse_args().models:
        measure(model)
