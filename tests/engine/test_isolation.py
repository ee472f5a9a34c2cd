"""What the reference got wrong: hooks left behind, edits left behind, users in each other's way."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.types import Generation, Intervention, Limits, Sampling, Trace
from lm_debugger.errors import Busy, DebuggerError, UnknownDimension
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import agree, assert_agree
from tests.until import PATIENCE, until

PROMPT = PROMPTS[0]


def modules(debugger: Debugger) -> list[nn.Module]:
    return list(debugger.adapter.backbone.modules())


def count_hooks(debugger: Debugger) -> int:
    """Hooks of every sort on every module of the model."""
    stores = [
        store
        for module in modules(debugger)
        for name, store in vars(module).items()
        if "hook" in name and isinstance(store, dict)
    ]
    assert len(stores) > 4 * len(modules(debugger))
    return sum(len(store) for store in stores)


def fingerprint(debugger: Debugger) -> list[torch.Tensor]:
    return [p.detach().clone() for p in debugger.adapter.backbone.state_dict().values()]


@contextmanager
def untouched(case: Case) -> Iterator[None]:
    """Whatever happens inside, hooks, weights and a clean trace are as before."""
    hooks, weights = count_hooks(case.debugger), fingerprint(case.debugger)
    clean = case.forgetful.trace("It was the", positions="all")
    try:
        yield
    finally:
        assert count_hooks(case.debugger) == hooks == 0
        after = fingerprint(case.debugger)
        assert all(torch.equal(a, b) for a, b in zip(weights, after, strict=True))
        assert_agree(case, case.forgetful.trace("It was the", positions="all"), clean)


EDITS = [
    Intervention.on("L0D3"),
    Intervention.off("L1D4"),
    Intervention.set("L2D5", 3.0),
    Intervention.scale("L0D6", -2.0),
    Intervention.add("L1D7", 1.0, positions="last"),
]


def test_the_count_of_hooks_sees_a_hook(tied: Case) -> None:
    """So that the tests below can fail."""
    before = count_hooks(tied.debugger)
    handle = modules(tied.debugger)[3].register_forward_hook(lambda *_: None)
    assert count_hooks(tied.debugger) == before + 1
    handle.remove()


def test_no_request_leaves_a_hook(tied: Case) -> None:
    """The reference added 5 L + 1 of them with each request."""
    with untouched(tied):
        for _ in range(3):
            tied.debugger.trace(PROMPT, EDITS)
            tied.debugger.generate(PROMPT, EDITS, max_new_tokens=3)
            tied.debugger.project(0, 1)


def test_an_abandoned_stream_leaves_no_hook(tied: Case) -> None:
    with untouched(tied):
        stream = tied.debugger.stream(PROMPT, EDITS)
        next(stream)
        assert count_hooks(tied.debugger) == 0
        del stream
        gc.collect()


class Broken(Exception):
    """Raised in the middle of a forward pass."""


@contextmanager
def breaking(module: nn.Module, after: int = 0) -> Iterator[None]:
    """`module` raises when it is called for the (after + 1)-th time."""
    original, calls = module.forward, 0

    def forward(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Broken
        return original(*args, **kwargs)

    module.forward = forward
    try:
        yield
    finally:
        module.forward = original


@pytest.mark.parametrize("where", ["attn", "ln_2", "mlp", "mlp.act", "mlp.c_proj"])
@pytest.mark.parametrize("layer", [0, 2])
def test_an_exception_in_mid_forward_leaves_nothing(tied: Case, where: str, layer: int) -> None:
    """In the reference, an error midway left an edit in the model, for everybody."""
    debugger = tied.debugger
    module = debugger.adapter.backbone.get_submodule(f"h.{layer}.{where}")
    expected = tied.forgetful.trace(PROMPT, EDITS)
    with untouched(tied):
        prompt = f"a new prompt for {where} {layer}"
        with breaking(module), pytest.raises(Broken):  # in both runs at once
            debugger.trace(prompt, EDITS)
        assert count_hooks(debugger) == 0
        debugger.trace(prompt)
        with breaking(module), pytest.raises(Broken):  # in the edited one alone
            debugger.trace(prompt, [Intervention.set("L0D1", 7), *EDITS])
        assert count_hooks(debugger) == 0
        with breaking(module, 2), pytest.raises(Broken):
            debugger.generate(PROMPT, EDITS[1:], max_new_tokens=6)
    assert_agree(tied, tied.forgetful.trace(PROMPT, EDITS), expected)


def test_an_exception_in_one_step_ends_the_stream_only(tied: Case) -> None:
    debugger = tied.forgetful
    whole = debugger.generate(PROMPT, EDITS, max_new_tokens=6)
    stream = debugger.stream(PROMPT, EDITS, max_new_tokens=6)
    first = next(stream)
    with breaking(debugger.adapter.backbone.h[1].attn), pytest.raises(Broken):  # type: ignore[union-attr, index]
        next(stream)
    assert count_hooks(debugger) == 0
    assert stream.result.steps == (first,)
    assert_agree(tied, debugger.generate(PROMPT, EDITS, max_new_tokens=6), whole)


def test_a_dimension_that_does_not_exist_breaks_no_later_request(tied: Case) -> None:
    """In the reference, it broke every later one."""
    with untouched(tied):
        for _ in range(3):
            with pytest.raises(UnknownDimension, match="0 to 127"):
                tied.debugger.trace(PROMPT, [*EDITS, Intervention.on("L0D128")])


def test_a_boost_works_with_this_numpy(tied: Case) -> None:
    """With numpy 2, a boost of the reference always failed."""
    trace = tied.debugger.trace(PROMPT, [Intervention.on("L0D3")])
    assert trace.edited is not None
    assert type(trace.interventions[0].edited_coefficient) is float
    assert type(trace.edited.positions[0].prediction.top[0].prob) is float


def test_interventions_of_one_request_never_show_in_the_next(tied: Case) -> None:
    one = [Intervention.set("L0D3", 8.0)]
    other = [Intervention.set("L2D9", -8.0)]
    results = [tied.forgetful.trace(PROMPT, e, positions="all") for e in (one, other, one, [])]
    assert_agree(tied, results[2], results[0])
    assert not agree(tied, results[0].edited, results[1].edited)
    assert results[3].edited is None
    for result in results:
        assert_agree(tied, result.unedited, results[3].unedited)


def test_what_is_remembered_is_what_would_be_computed(tied: Case) -> None:
    """Unedited runs are the same for everybody and kept; neither other questions about the same
    prompt nor many prompts in between change an answer."""
    debugger = Debugger(tied.debugger.checkpoint)

    def ask(debugger: Debugger, n: int) -> Trace:
        where = ("last", 0, [0, -1], "all")[n % 4]
        return debugger.trace(f"Yes {n % 40}", EDITS[: n % 3], positions=where, top_k=3 + n % 5)  # type: ignore[arg-type]

    expected = [ask(tied.forgetful, n) for n in range(120)]
    for n in [*range(120), *reversed(range(120))]:
        assert_agree(tied, ask(debugger, n), expected[n])


def graphs() -> set[int]:
    """The tensors in this process that a graph hangs on, other tests' included."""
    gc.collect()
    every = (o for o in gc.get_objects() if issubclass(type(o), torch.Tensor))
    return {id(tensor) for tensor in every if tensor.grad_fn is not None}


def test_no_gradients_and_no_graph_are_kept(tied: Case) -> None:
    before = graphs()
    trace = tied.debugger.trace(PROMPT, EDITS)
    generation = tied.debugger.generate(PROMPT, EDITS, max_new_tokens=2)
    assert all(p.grad is None for p in tied.debugger.adapter.backbone.parameters())
    assert graphs() <= before
    del trace, generation


# --- many at once ---------------------------------------------------------------------------------

Request = Callable[[Debugger], Trace | Generation]
WORDS = ("Yes", "It was", "The time that", " two\n", "1984", "a wife is", "the the the", "Möwe")


def request(worker: int, n: int) -> Request:
    """The n-th request of a worker: every other one is clean, the rest all differ in their edits.

    Traced positions vary, so that clean traces are computed, not remembered.
    """
    prompt = f"{WORDS[(worker + n) % 8]} {WORDS[(worker * 3 + n // 8) % 8]} {n}"
    edits = [
        Intervention(n % 3, (worker * 50 + n) % 128, "set", 6.0 + worker),
        Intervention((n + 1) % 3, (worker * 50 + n + 1) % 128, "on"),
        Intervention(n % 3, (worker * 50 + n + 2) % 128, "scale", -3.0, positions=(0,)),
    ]
    chosen = edits if n % 2 else []
    if n % 5 == 4:
        sampling = Sampling(temperature=float(n % 3), seed=n)
        return lambda d: d.generate(prompt, chosen, max_new_tokens=3, sampling=sampling)
    return lambda d: d.trace(prompt, chosen, positions="all" if n % 3 else "last", top_k=5)


def test_eight_threads_with_fifty_requests_each(tied: Case) -> None:
    """In the reference, 23 of 40 clean requests among others' edits came out wrong."""
    debugger = Debugger.load(str(tied.folder), device="cpu")
    start = threading.Barrier(8)

    def work(worker: int) -> list[Trace | Generation]:
        start.wait()
        return [request(worker, n)(debugger) for n in range(50)]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(work, range(8)))
    assert count_hooks(debugger) == 0
    for worker, results in enumerate(together):
        for n, result in enumerate(results):
            assert_agree(tied, result, request(worker, n)(tied.forgetful))


def test_edits_of_threads_do_show(tied: Case) -> None:
    """Else the test above could not tell contamination from nothing."""
    for n in range(1, 10, 2):
        result = request(0, n)(tied.debugger)
        if isinstance(result, Trace):
            assert not agree(tied, result.edited, result.unedited)


def test_errors_among_other_requests(tied: Case) -> None:
    """Some threads ask for what does not exist or overflows; the others never notice."""
    debugger = Debugger(tied.debugger.checkpoint, remember=False)
    clean = debugger.trace(PROMPT, positions="all")
    bad = [
        [Intervention.off("L0D999")],
        [Intervention.set("L0D1", 3e38)],
        [Intervention.off("L0D1", positions=(99,))],
    ]

    def work(worker: int) -> list[Trace]:
        good = []
        for n in range(12):
            if worker % 2:
                with pytest.raises(DebuggerError):
                    debugger.trace(PROMPT, bad[n % 3])
            else:
                good.append(debugger.trace(PROMPT, positions="all"))
        return good

    with ThreadPoolExecutor(6) as pool:
        for results in pool.map(work, range(6)):
            for result in results:
                assert_agree(tied, result, clean)
    assert count_hooks(debugger) == 0


# --- the queue ------------------------------------------------------------------------------------


def test_first_come_first_served() -> None:
    gate, order = Gate(max_waiting=10), list[int]()
    threads = []

    def enter(n: int) -> None:
        with gate:
            order.append(n)

    with gate:
        for n in range(5):
            thread = threading.Thread(target=enter, args=(n,))
            thread.start()
            until(lambda n=n: len(gate._queue) > n)  # type: ignore[misc]
            threads.append(thread)
    for thread in threads:
        thread.join(timeout=PATIENCE)
    assert order == list(range(5))
    with gate:  # free again
        pass


def test_a_full_queue_says_busy(tied: Case) -> None:
    debugger = Debugger.load(str(tied.folder), device="cpu", limits=Limits(max_waiting=1))
    with debugger.gate:
        waiting = threading.Thread(target=debugger.trace, args=("Yes",))
        waiting.start()
        until(lambda: debugger.gate._queue)
        with pytest.raises(Busy) as failure:
            debugger.trace(PROMPT)
        assert failure.value.retry_after >= 1
    waiting.join(timeout=PATIENCE)
    assert not waiting.is_alive()
    assert_agree(tied, debugger.trace(PROMPT), tied.forgetful.trace(PROMPT))
