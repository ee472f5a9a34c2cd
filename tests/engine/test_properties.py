"""hypothesis: whatever list of interventions somebody sends, these hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.engine.types import Intervention, Run
from tests.engine.case import Case
from tests.engine.compare import as_edits, assert_agree, assert_generation, assert_run
from tests.engine.test_isolation import count_hooks

PROMPT = "My wife is working"  # 4 tokens
LAYERS, WIDTH, TOKENS = 3, 128, 4

values = st.floats(-8, 8, width=32)
positions = st.one_of(
    st.sampled_from(["all", "last"]),
    st.lists(st.integers(-TOKENS, TOKENS - 1), min_size=1, max_size=5).map(tuple),
)


@st.composite
def interventions(draw: Any) -> Intervention:
    kind = draw(st.sampled_from(["on", "off", "set", "scale", "add"]))
    value = None if kind in ("on", "off") else draw(values)
    return Intervention(
        draw(st.integers(0, LAYERS - 1)),
        draw(st.integers(0, WIDTH - 1)),
        kind,
        value,
        draw(positions),
        draw(st.sampled_from([None, True, False])),
    )


def distinct(items: list[Intervention]) -> list[Intervention]:
    return list({item.id: item for item in items}.values())


lists = st.lists(interventions(), max_size=8)
distinct_lists = lists.map(distinct)
no_ops = st.builds(
    lambda layer, dim, kind, where: Intervention(
        layer, dim, kind, {"scale": 1.0, "add": 0.0}[kind], where
    ),
    st.integers(0, LAYERS - 1),
    st.integers(0, WIDTH - 1),
    st.sampled_from(["scale", "add"]),
    positions,
)


@pytest.fixture(scope="module")
def case(open_case: Callable[[str], Case]) -> Case:
    tied = open_case("tied")
    assert len(tied.encode(PROMPT)) == TOKENS
    return tied


def edited(case: Case, items: list[Intervention]) -> Run:
    """The run with `items`, computed anew: the unedited one, if there are none. No hook outlives
    it."""
    trace = case.forgetful.trace(PROMPT, items, positions="all")
    assert (trace.edited is None) == (not items)
    assert count_hooks(case.debugger) == 0
    return trace.edited or trace.unedited


@given(items=lists)
def test_any_list_is_computed_as_the_oracle_does(case: Case, items: list[Intervention]) -> None:
    ids = case.encode(PROMPT)
    run = edited(case, items)
    assert_run(case, run, case.oracle.run(ids, as_edits(items)), range(TOKENS), k=10)


@given(items=lists)
def test_any_list_generates_as_the_oracle_does(case: Case, items: list[Intervention]) -> None:
    got = case.debugger.generate(PROMPT, items, max_new_tokens=3)
    steps, _ = case.oracle.generate(case.encode(PROMPT), as_edits(items), k=3)
    assert_generation(case, got, steps, k=5)
    assert count_hooks(case.debugger) == 0


@given(items=distinct_lists, data=st.data())
def test_order_does_not_matter(case: Case, items: list[Intervention], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))
    assert_agree(case, edited(case, shuffled), edited(case, items))


@given(items=distinct_lists, idle=st.lists(no_ops, max_size=4), data=st.data())
def test_no_ops_change_nothing(
    case: Case, items: list[Intervention], idle: list[Intervention], data: st.DataObject
) -> None:
    taken = {item.id for item in items}
    mixed = data.draw(st.permutations([*items, *(i for i in idle if i.id not in taken)]))
    assert_agree(case, edited(case, mixed), edited(case, items))


@given(items=lists)
def test_repeating_a_list_changes_nothing(case: Case, items: list[Intervention]) -> None:
    """The last one wins, so a second time says the same: suppressing twice is suppressing once."""
    assert_agree(case, edited(case, items + items), edited(case, items))


@given(first=lists, last=distinct_lists)
def test_what_comes_last_and_everywhere_wins(
    case: Case, first: list[Intervention], last: list[Intervention]
) -> None:
    everywhere = [Intervention(i.layer, i.dim, i.kind, i.value) for i in last]
    ids = {i.id for i in everywhere}
    rest = [i for i in first if i.id not in ids]
    assert_agree(case, edited(case, first + everywhere), edited(case, rest + everywhere))


@given(items=lists)
def test_nothing_before_the_first_edited_position_or_below_the_lowest_layer_changes(
    case: Case, items: list[Intervention]
) -> None:
    plain, run = edited(case, []), edited(case, items)
    lowest = min((i.layer for i in items), default=LAYERS)
    starts = [
        0 if i.positions == "all" else TOKENS - 1 if i.positions == "last"
        else min(p % TOKENS for p in i.positions)
        for i in items
    ]  # fmt: skip
    for a, b in zip(plain.positions, run.positions, strict=True):
        assert_agree(case, b.layers[:lowest], a.layers[:lowest])
        if a.position < min(starts, default=TOKENS):
            assert_agree(case, b, a)


@given(items=lists)
def test_the_unedited_run_never_changes(case: Case, items: list[Intervention]) -> None:
    trace = case.forgetful.trace(PROMPT, items, positions="all")
    assert_agree(case, trace.unedited, edited(case, []))
