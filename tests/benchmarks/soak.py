"""Never wrong, never lost: the long runs whose figures are in docs/speed.md.

    python -m tests.benchmarks.soak                      # all of it, about six minutes
    python -m tests.benchmarks.soak --only clients --seconds 600

`clients`: sixteen at once, every reply checked. `traces`: 2,000 in a row, memory and time. `fuzz`:
made-up requests over the whole OpenAPI document and LM-Debugger's routes, to a real server. The
tests have shorter runs of the same (tests/load). Ends with status 1 if anything was wrong.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: as the server it is compared with
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.compare import is_same
from tests.load import fuzz
from tests.load.clients import crowd
from tests.load.mixed import N_CLUSTERS, alone, clean, right_answers
from tests.load.process import Served, serving
from tests.load.series import N_TRACES, WARM_UP, Series
from tests.models import SHAPES, random_model, save

Check = Callable[[argparse.Namespace, Path], bool]


def random_folder(folder: Path) -> str:
    return str(save(random_model(SHAPES["tied"]), folder / "random"))


def clients(arguments: argparse.Namespace, folder: Path) -> bool:
    """Every reply against the one precomputed by an application that nobody else asks."""
    models = ["demo", random_folder(folder)]
    undisturbed = alone(models, folder / "cache")
    asks = right_answers(undisturbed, arguments.requests)
    with serving(folder, models, "--n-clusters", str(N_CLUSTERS)) as served:
        served.wait_for_indexes()
        told = crowd(served.url, asks, arguments.clients, arguments.seconds)
        same = all(is_same(clean(served, model), clean(undisturbed, model)) for model in models)
        status, log = served.end(), served.log
    print(f"{arguments.clients} clients, {arguments.seconds:g} s, {len(asks)} different requests: "
          f"{told.count} replies, {told.count / arguments.seconds:.0f}/s\n{told.table()}\n"
          f"wrong: {len(told.wrong)}; unexpected statuses or broken connections: "
          f"{len(told.unexpected)}; clean traces afterwards the same: {same}; "
          f"exit status {status}; tracebacks in the log: {log.count('Traceback')}")  # fmt: skip
    for fault in [*told.wrong, *told.unexpected][:20]:
        print(f"  {fault}")
    return not (told.wrong or told.unexpected or status or "Traceback" in log) and same


def traces(arguments: argparse.Namespace, folder: Path) -> bool:
    """2,000 traces, one after the other, by one client of the bundled model."""
    with serving(folder, ["demo"], "--auto-index", "false") as served:
        series = Series.of(served, N_TRACES)
    same = is_same(series.clean, clean(alone(["demo"], folder / "cache"), "demo"))
    first, last = map(statistics.median, (series.seconds[:100], series.seconds[-100:]))
    growth = (series.resident[-1] - series.resident[WARM_UP // 100]) / 1e6
    print(f"{N_TRACES} traces: median of the first 100 {first * 1000:.2f} ms, of the last 100 "
          f"{last * 1000:.2f} ms ({last / first - 1:+.1%}); memory {growth:+.1f} MB after the "
          f"first {WARM_UP}, clean trace afterwards the same: {same}")  # fmt: skip
    for number, resident in enumerate(series.resident):
        print(f"  after {number * 100:5d}: {resident / 1e6:.1f} MB")
    return growth <= 30 and last <= 1.1 * first and same


def fuzzing(arguments: argparse.Namespace, folder: Path) -> bool:
    """Whatever schemathesis and hypothesis make up."""
    model = random_folder(folder)
    with ExitStack() as stack:
        served: Served = stack.enter_context(
            serving(folder, [model], "--n-clusters", str(N_CLUSTERS), "--metrics")
        )
        served.wait_for_indexes()
        found = fuzz.everything(served, arguments.examples)
        same = is_same(clean(served, model), clean(alone([model], folder / "cache"), model))
        log = served.log
    print(f"{found.count} made-up requests; statuses {dict(sorted(found.statuses.items()))}; "
          f"not as documented: {len(found.faults)}; tracebacks in the log: "
          f"{log.count('Traceback')}; clean trace afterwards the same: {same}")  # fmt: skip
    for fault in found.faults[:20]:
        print(f"  {fault}")
    failed = sum(n for status, n in found.statuses.items() if status >= 500)
    return not (found.faults or failed or "Traceback" in log) and same


PARTS: dict[str, Check] = {"clients": clients, "traces": traces, "fuzz": fuzzing}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--requests", type=int, default=600, help="different ones")
    parser.add_argument("--examples", type=int, default=110, help="per route and kind of request")
    arguments = parser.parse_args()
    passed = []
    for name in arguments.only or PARTS:
        print(f"## {name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            passed.append(PARTS[name](arguments, Path(folder)))
        print("passed" if passed[-1] else "FAILED", flush=True)
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
