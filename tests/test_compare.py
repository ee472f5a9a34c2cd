"""The comparison that many tests rest on sees what is wrong, and nothing that is right."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Intervention
from tests.compare import assert_same, differences, is_same, plain
from tests.load.asked import Ask
from tests.load.mixed import CLEAN, alone

Change = Callable[[Any], object]


@pytest.fixture(scope="module", params=["of the API", "of the engine"])
def reply(
    request: pytest.FixtureRequest,
    checkpoint: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """An edited trace."""
    name = str(checkpoint("tied"))
    if request.param == "of the engine":
        debugger = Debugger.load(name, device="cpu")
        return plain(debugger.trace(CLEAN["prompt"], [Intervention.set("L1D3", 4.0)], "all", 7))
    edit = {"layer": 1, "dim": 3, "kind": "set", "value": 4.0}
    client = alone([name], tmp_path_factory.mktemp("cache"))
    found = client.post("/api/v1/trace", json={**CLEAN, "interventions": [edit]}).json
    assert found["edited"] is not None
    return found


def first(reply: Any) -> Any:
    """The readings of the last layer at the first position."""
    return reply["unedited"]["positions"][0]["layers"][-1]["after"]["top"]


def changes(reply: Any) -> Any:
    """The tokens of both runs there."""
    return reply["comparison"][0]["layers"][-1]["after"]["tokens"]


def nudge(entry: Any, key: str, factor: float) -> None:
    entry[key] *= factor


def swap(items: list[Any], a: int, b: int) -> None:
    items[a], items[b] = items[b], items[a]


WRONG: dict[str, Change] = {
    "a probability": lambda r: nudge(first(r)[3], "prob", 1.0003),
    "a token": lambda r: first(r)[2].update(id=first(r)[2]["id"] + 1),
    "a token's text": lambda r: first(r)[0].update(text="x"),
    "two tokens in the other order": lambda r: swap(first(r), 0, 1),
    "two tokens with each other's probabilities": lambda r: (
        swap(first(r), 0, 1),
        first(r)[0].update(prob=first(r)[1]["prob"]),
        first(r)[1].update(prob=first(r)[0]["prob"]),
    ),
    "a token twice": lambda r: first(r)[1].update(first(r)[0]),
    "a token too few": lambda r: first(r).pop(),
    "another run": lambda r: r.update(edited=r["unedited"]),
    "no edited run": lambda r: r.update(edited=None),
    "a missing field": lambda r: r.pop("comparison"),
    "a sub-update": lambda r: r["edited"]["positions"][0]["layers"][1]["sub_updates"][0].update(
        dim=127
    ),
    "a coefficient's sign": lambda r: nudge(r["interventions"][0], "edited_coefficient", -1),
    "a change of a token": lambda r: nudge(changes(r)[1], "unedited", 1.0003),
    "a changed token": lambda r: changes(r)[1].update(
        id=changes(r)[1]["id"] + 1, unedited=0.123, edited=changes(r)[1]["edited"] * 0.999
    ),
    "a changed token twice": lambda r: changes(r).append(changes(r)[-1]),
    "no changed token": lambda r: changes(r).clear(),
    "a changed token less": lambda r: changes(r).pop(1),
    "changes in the other order": lambda r: changes(r).reverse(),
    "a position for another": lambda r: swap(r["unedited"]["positions"], 0, 1),
    "a whole number for a part": lambda r: r.update(positions=[float(p) for p in r["positions"]]),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_seen(reply: Any, change: Change) -> None:
    got = copy.deepcopy(reply)
    change(got)
    assert list(differences(reply, got))


def test_what_float32_cannot_tell_is_right(reply: Any) -> None:
    got = copy.deepcopy(reply)
    tokens = first(got)
    assert not list(differences(reply, got))
    tokens[0]["prob"] *= 1 + 1e-6
    assert not list(differences(reply, got))


def test_ties_may_stand_in_either_order() -> None:
    expected = [{"id": 3, "prob": 0.5}, {"id": 7, "prob": 0.25}, {"id": 9, "prob": 0.25}]
    swapped = [expected[0], expected[2], expected[1]]
    unlisted = [*expected[:2], {"id": 4, "prob": 0.25}]
    assert not list(differences(expected, swapped))
    assert not list(differences(expected, unlisted))
    assert list(differences(expected, [{"id": 4, "prob": 0.5}, *expected[1:]]))
    assert list(differences(expected, [expected[1], expected[0], expected[2]]))


def test_the_tokens_of_two_runs_may_end_in_a_tie() -> None:
    """Of four tokens, the two likeliest of each run are listed: p has a tie at its second place."""
    a, b = {"id": 1, "unedited": 0.5, "edited": 0.6}, {"id": 2, "unedited": 0.2, "edited": 0.3}
    c = {"id": 3, "unedited": 0.2, "edited": 0.1}
    assert is_same([a, b], [a, b, c])
    assert is_same([a, b, c], [a, b])
    assert not is_same([a, b], [a, b, {**c, "unedited": 0.21}])
    assert not is_same([a, b, {**c, "unedited": 0.21}], [a, b])
    assert not is_same([b, a], [a, b])
    with pytest.raises(AssertionError, match="3 is missing"):
        assert_same([a, b], [a, b, {**c, "unedited": 0.21}])


def test_statuses_and_cut_streams() -> None:
    events = [["start", {"tokens": []}], ["step", {"prob": 0.5}], ["end", {"text": "a"}]]
    text = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in events)
    ask = Ask("stream", "POST", "/", {}, status=200, reply=events)
    assert not list(ask.faults(200, text))
    assert list(ask.faults(503, text))
    assert list(ask.faults(200, text.replace("0.5", "0.6")))
    assert list(ask.faults(200, text[: text.index("event: end")]))
    cut = Ask("stream", "POST", "/", {}, cut=2, status=200, reply=events)
    assert not list(cut.faults(200, text[: text.index("event: end")]))
    assert list(cut.faults(200, text[: text.index("event: step")]))
