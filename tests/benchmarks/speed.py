"""How far from the bare arithmetic everything is: the table of docs/speed.md.

    make bench                                   # all of it, about twenty minutes
    python -m tests.benchmarks.speed --size medium --only trace --only slider

Random weights of GPT-2's real shapes are made once, in a folder for caches. Every figure is the
median of at least 9 rounds, measured in turns with what it is compared with. Absolute times say
something about the machine, ratios about this program.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch
from platformdirs import user_cache_path

from tests.benchmarks import make_checkpoint, servers
from tests.benchmarks.index import Clock
from tests.benchmarks.rows import Bench, Row

PARTS = (
    "trace", "answer", "back", "slider", "grid", "generate", "clients", "projection", "index",
    "memory", "startup", "help",
)  # fmt: skip
MEMORY_GOALS = {"medium": 300.0, "large": 500.0}


def checkpoint(size: str, tokenizer: Path) -> Path:
    folder = user_cache_path("lm-debugger-benchmarks") / size
    if not (folder / "merges.txt").exists():
        make_checkpoint.make(size, folder, tokenizer)
    return folder


def index(bench: Bench) -> Row:
    """Top 50 of every value vector, layer by layer beside the bare products."""
    from lm_debugger.index import ModelIndex

    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(bench.debugger)
        ModelIndex(bench.debugger, Path(folder), n_clusters=2).build(clock)
    return Row("index of all value vectors", "the bare fp32 products", 1.2,
               clock.spent["projections"], clock.bare)  # fmt: skip


def measure(
    size: str, folder: Path, repeats: int, wanted: Iterable[str], device: str, dtype: str
) -> Iterator[Row]:
    bench = Bench(folder, repeats, device, dtype)
    parts: dict[str, Callable[[], Iterable[Row]]] = {
        "trace": bench.traces,
        "answer": lambda: [bench.answer()],
        "back": lambda: [bench.back()],
        "slider": lambda: [bench.slider()],
        "grid": lambda: [bench.grid()],
        "generate": lambda: [bench.generation()],
        "clients": lambda: [servers.clients(folder, bench.prompt, repeats)],
        "projection": lambda: [bench.projection()],
        "index": lambda: [index(bench)],
        "memory": lambda: [servers.memory(folder, MEMORY_GOALS[size])],
        "startup": lambda: [servers.startup(repeats)],
        "help": lambda: [servers.help_text(repeats)],
    }
    for part in wanted:
        yield from parts[part]()


def line(row: Row) -> str:
    scale = 1000 if row.unit == "ms" else 1
    if row.difference:
        sign, figure = "≤ +", f"+{row.figure * scale:.3g} {row.unit}"
        goal = f"{row.goal * scale:.3g} {row.unit}"
    else:
        sign, figure, goal = "≥ " if row.at_least else "≤ ", f"{row.figure:.2f}", f"{row.goal:.2f}"
    return (
        f"| {row.what} | {row.measured * scale:.4g} {row.unit} | {row.over} | "
        f"{row.base * scale:.4g} {row.unit} | {figure} | {sign}{goal} | "
        f"{'yes' if row.met else 'no'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", action="append", choices=MEMORY_GOALS)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"))
    parser.add_argument("--tokenizer", type=Path, default=Path("../shared/gpt2-bpe"),
                        help="folder with GPT-2's vocab.json and merges.txt")  # fmt: skip
    arguments = parser.parse_args()
    name = platform.processor() or platform.machine()
    if arguments.device.startswith("cuda"):
        name = torch.cuda.get_device_name(arguments.device)
    print(f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"{arguments.dtype}, median of {arguments.repeats}\n")  # fmt: skip
    written = []
    of_every_model = [part for part in PARTS if part not in ("startup", "help")]
    for number, size in enumerate(arguments.size or ["medium", "large"]):
        folder = checkpoint(size, arguments.tokenizer)
        print(f"| GPT-2 {size} | time | over | time | ratio | goal | met |")
        print("|---|---:|---|---:|---:|---:|---|")
        wanted = arguments.only or (of_every_model if number else PARTS)
        for row in measure(size, folder, arguments.repeats, wanted, arguments.device,
                           arguments.dtype):  # fmt: skip
            print(line(row), flush=True)
            written.append({"model": size, **row.as_json()})
        print()
    if arguments.json:
        arguments.json.write_text(json.dumps({"machine": name, "rows": written}, indent=1))


if __name__ == "__main__":
    main()
