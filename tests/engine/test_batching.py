"""Requests that wait at the same time are answered together, and nobody can tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.gate import Gate
from lm_debugger.engine.stopping import may_go_on, stoppable
from lm_debugger.engine.types import Intervention, Trace
from lm_debugger.errors import Busy, NonFiniteResult
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits, assert_run
from tests.engine.test_kept import some_edits
from tests.until import until

T = TypeVar("T")


def waiting(gate: Gate) -> int:
    return len(gate._queue)


def all_at_once(gate: Gate, *calls: Callable[[], T]) -> list[Future[T]]:
    """Call all of them while the gate is held, in this order; then open it and wait."""
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = []
        with gate:
            for number, call in enumerate(calls):
                futures.append(pool.submit(call))
                until(lambda n=number: waiting(gate) == n + 1)  # type: ignore[misc]
    return futures


class Batches:
    """Counts the rows of every batch that a debugger runs."""

    def __init__(self, debugger: Debugger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        run = debugger.model.runner.run

        def counted(rows: Sequence[object]) -> object:
            self.sizes.append(len(rows))
            return run(rows)  # type: ignore[arg-type]

        monkeypatch.setattr(debugger.model.runner, "run", counted)


def test_waiting_traces_are_one_batch_with_the_oracles_numbers(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Edited and not, of different prompts and K, at different positions, one of them twice."""
    debugger = Debugger(case.debugger.checkpoint)
    batches = Batches(debugger, monkeypatch)
    asked = [
        (prompt, some_edits(case, n) if n % 2 else [], 0 if n % 3 == 1 else -1, 3 + n)
        for n, prompt in enumerate([*PROMPTS, PROMPTS[0]])
    ]

    def trace(prompt: str, edits: list[Intervention], position: int, k: int) -> Trace:
        return debugger.trace(prompt, edits, positions=position, top_k=k)

    calls = [lambda a=a: trace(*a) for a in asked]  # type: ignore[misc]
    for (prompt, edits, _, k), future in zip(
        asked, all_at_once(debugger.gate, *calls), strict=True
    ):
        got, ids = future.result(), case.encode(prompt)
        assert_run(case, got.unedited, case.oracle.run(ids, []), got.positions, k)
        assert (got.edited is None) == (not edits)
        if got.edited is not None:
            assert_run(case, got.edited, case.oracle.run(ids, as_edits(edits)), got.positions, k)
    assert len(batches.sizes) < len(asked)
    assert max(batches.sizes) > 2


def test_remembered_and_new_runs_share_a_batch(tied: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    debugger = Debugger(tied.debugger.checkpoint)
    debugger.trace(PROMPTS[0])
    batches = Batches(debugger, monkeypatch)
    edit = Intervention.set(f"L{tied.oracle.n_layer - 1}D1", 2.5)
    new, resumed = all_at_once(
        debugger.gate,
        lambda: debugger.trace("of a different one"),
        lambda: debugger.trace(PROMPTS[0], [edit]),
    )
    assert batches.sizes == [2]
    ids = tied.encode(PROMPTS[0])
    edited = resumed.result().edited
    assert edited is not None
    assert_run(tied, edited, tied.oracle.run(ids, as_edits([edit])), [len(ids) - 1], 10)
    other = tied.encode("of a different one")
    assert_run(tied, new.result().unedited, tied.oracle.run(other, []), [len(other) - 1], 10)


def test_one_that_fails_fails_alone(tied: Case) -> None:
    debugger = Debugger(tied.debugger.checkpoint)
    too_much = Intervention.set("L0D0", 3e38)
    good, bad, also_good = all_at_once(
        debugger.gate,
        lambda: debugger.trace("one"),
        lambda: debugger.trace("two", [too_much]),
        lambda: debugger.trace("three"),
    )
    with pytest.raises(NonFiniteResult):
        bad.result()
    for future, prompt in ((good, "one"), (also_good, "three")):
        ids = tied.encode(prompt)
        run = future.result().unedited
        assert_run(tied, run, tied.oracle.run(ids, []), [len(ids) - 1], 10)


def test_long_prompts_and_many_positions_do_not_hold_up_a_batch(
    tied: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    debugger = Debugger(tied.debugger.checkpoint)
    batches = Batches(debugger, monkeypatch)
    all_at_once(
        debugger.gate,
        lambda: debugger.trace("a b c d e f g h i j k l m n o p q r s t"),
        lambda: debugger.trace("a"),
        lambda: debugger.trace("a b c", positions="all"),
    )
    assert batches.sizes == [1, 1, 1]


# --- the gate itself -----------------------------------------------------------------------------


def doubled(items: Sequence[int]) -> list[int]:
    return [2 * item for item in items]


def any_fit(_items: Sequence[object]) -> bool:
    return True


def test_everybody_gets_their_own_answer() -> None:
    gate, batches = Gate(10), []

    def work(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        return doubled(items)

    calls = [lambda n=n: gate.together(n, work, any_fit) for n in range(6)]  # type: ignore[misc]
    assert [f.result() for f in all_at_once(gate, *calls)] == [0, 2, 4, 6, 8, 10]
    assert batches == [[0, 1, 2, 3, 4, 5]]


def test_other_work_keeps_its_place() -> None:
    gate, order = Gate(10), []

    def turn() -> int:
        with gate:
            order.append("turn")
            return 0

    def work(items: Sequence[int]) -> list[int]:
        order.append(f"{len(items)} together")
        return doubled(items)

    def other(items: Sequence[int]) -> list[int]:
        order.append("other")
        return doubled(items)

    all_at_once(
        gate,
        lambda: gate.together(1, work, any_fit),
        turn,
        lambda: gate.together(2, work, any_fit),
        lambda: gate.together(3, other, any_fit),
    )
    assert order == ["2 together", "turn", "other"]


def test_the_queue_is_bounded() -> None:
    gate = Gate(1)
    with ThreadPoolExecutor(1) as pool:
        with gate:
            first = pool.submit(gate.together, 1, doubled, any_fit)
            until(lambda: waiting(gate) == 1)
            with pytest.raises(Busy):
                gate.together(2, doubled, any_fit)
        assert first.result() == 2


class Gone(Exception):
    pass


def test_who_is_gone_leaves_the_queue() -> None:
    """At once, and the others go on."""
    gate, gone = Gate(10), threading.Event()

    def check() -> None:
        if gone.is_set():
            raise Gone

    def leaving() -> int:
        with stoppable(check):
            return gate.together(1, doubled, any_fit)

    with ThreadPoolExecutor(2) as pool:
        with gate:
            left = pool.submit(leaving)
            until(lambda: waiting(gate) == 1)
            stays = pool.submit(gate.together, 2, doubled, any_fit)
            until(lambda: waiting(gate) == 2)
            gone.set()
            with pytest.raises(Gone):
                left.result()
            assert waiting(gate) == 1
        assert stays.result() == 4
    with gate:
        pass


def test_a_batch_goes_on_until_nobody_wants_it() -> None:
    gate = Gate(10)
    gone: set[int] = set()
    asked = threading.Event()
    steps: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        if len(items) == 2:
            gone.add(1)
            may_go_on()  # the second still wants it
            steps.append(1)
            gone.add(2)
            asked.set()
            may_go_on()
            steps.append(2)
        may_go_on()  # each alone
        return doubled(items)

    def client(number: int) -> int:
        def check() -> None:
            if number in gone:
                raise Gone(number)

        with stoppable(check):
            return gate.together(number, work, any_fit)

    # Both wait for the third, whose turn comes first.
    futures = all_at_once(gate, lambda: client(1), lambda: client(2))
    for number, future in enumerate(futures, start=1):
        with pytest.raises(Gone) as error:
            future.result()
        assert error.value.args == (number,)
    assert steps == [1]
    assert asked.is_set()


def test_a_trace_ends_between_two_blocks(tied: Case) -> None:
    debugger = Debugger(tied.debugger.checkpoint)
    calls = []

    def check() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise Gone

    with pytest.raises(Gone), stoppable(check):
        debugger.trace("ended early")
    assert len(calls) == 3
    ids = tied.encode("ended early")
    run = debugger.trace("ended early").unedited
    assert_run(tied, run, tied.oracle.run(ids, []), [len(ids) - 1], 10)
