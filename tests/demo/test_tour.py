"""The tour: every recipe of the bundled model in examples.json does what its note says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from lm_debugger import Intervention
from lm_debugger.api.examples import examples
from lm_debugger.api.schemas import ExampleOut
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import TokenProb

TOUR = [example for example in examples({"demo"}).examples if example.model == "demo"]


@dataclass(frozen=True)
class Effect:
    """What the recipe of one example does to the prediction and to the text.

    Attributes:
        first: the likeliest token without and with the edits.
        rise, fall: words whose summed probability is multiplied, or divided, by `times` or more.
        writes: words that the edited text has and the unedited one has not.
        loops: the edited text is one word, again and again, and the unedited one is not.
        follow: the likeliest words with the edits, in this order, after the first.
        layers: the likeliest token after a layer, without and with the edits.
        dominant: the edited vectors are among the dominant ones of the unedited run; `leads`: the
            first one's score is its layer's highest.
    """

    first: tuple[str, str] | None = None
    rise: Sequence[str] = ()
    fall: Sequence[str] = ()
    times: float = 3.0
    writes: Sequence[str] = ()
    loops: bool = False
    follow: Sequence[str] = ()
    layers: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    dominant: bool = False
    leads: bool = False


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
KIN = ("wife", "son", "sons", "father", "mother", "daughter", "brother", "brothers")

EFFECTS = {
    "tour-kin": Effect(first=("wife", "two"), fall=KIN, dominant=True, leads=True),
    "tour-no-months": Effect(fall=MONTHS, times=10, dominant=True),
    "tour-months": Effect(
        first=("the", "May"),
        follow=("January", "December"),
        rise=MONTHS,
        times=5,
        writes=("May", "January"),
    ),
    "tour-piano": Effect(first=("game", "piano"), writes=("piano",)),
    "tour-team": Effect(
        first=("game", "piano"),
        layers={0: ("same", "same"), 3: ("first", "first"), 5: ("game", "piano")},
        writes=("piano", "room"),
        loops=True,
    ),
    "tour-pianist": Effect(
        first=("piano", "game"),
        layers={5: ("game", "game"), 6: ("game", "game"), 7: ("piano", "game")},
        writes=("game",),
    ),
    "tour-movie": Effect(
        first=("great", "disaster"), rise=("disaster",), times=10, writes=("disaster",)
    ),
    "tour-angry": Effect(
        first=("fond", "angry"), follow=("unhappy",), rise=("angry", "unhappy"), writes=("angry",)
    ),
    "tour-weather": Effect(first=("hot", "cold"), writes=("cold",)),
    "tour-nations": Effect(
        first=("States", "Nations"),
        layers={5: ("States", "States"), 6: ("States", "Nations")},
        writes=("Nations",),
    ),
    "tour-mozart": Effect(
        first=("composer", "mathematician"), writes=("mathematician", "University")
    ),
    "tour-teacher": Effect(
        first=("child", "teacher"),
        follow=("student", "doctor", "nurse"),
        rise=("singer", "writer"),
        times=4,
        writes=("teacher",),
    ),
    "tour-loop": Effect(writes=("January",), loops=True),
}

N_NEW = 12
"""Tokens to generate: more than the page does at first (10)."""


@pytest.fixture(scope="module")
def demo() -> Debugger:
    return Debugger.load("demo", device="cpu")


def edits(example: ExampleOut) -> list[Intervention]:
    return [
        Intervention(item.layer, item.dim, item.kind, item.value) for item in example.interventions
    ]


def test_the_tour_is_complete() -> None:
    assert {example.id for example in TOUR} == set(EFFECTS)
    assert len(TOUR) >= 8
    for example in TOUR:
        assert 1 <= len(example.interventions) <= 5
        assert example.note
        assert all(item.name for item in example.interventions)


@pytest.mark.parametrize("example", TOUR, ids=lambda example: example.id)
def test_it_does_what_it_says(demo: Debugger, example: ExampleOut) -> None:
    effect = EFFECTS[example.id]
    assert effect != Effect()
    trace = demo.trace(example.prompt, edits(example))
    assert trace.edited is not None
    runs = (trace.unedited.positions[0], trace.edited.positions[0])
    if effect.first is not None:
        assert tuple(words_of(run.prediction.top)[0] for run in runs) == effect.first
    assert tuple(words_of(runs[1].prediction.top)[1:][: len(effect.follow)]) == effect.follow
    for layer, expected in effect.layers.items():
        assert tuple(words_of(run.layers[layer].after.top)[0] for run in runs) == expected
    if effect.dominant:
        for item in example.interventions:
            ids = [str(found.id) for found in runs[0].layers[item.layer].sub_updates]
            assert f"L{item.layer}D{item.dim}" in (ids[:1] if effect.leads else ids)
    for words, power in ((effect.rise, 1), (effect.fall, -1)):
        if words:
            old, new = probabilities(demo, example, words)
            assert (new / old) ** power >= effect.times
    if effect.writes or effect.loops:
        plain = demo.generate(example.prompt, max_new_tokens=N_NEW).text
        edited = demo.generate(example.prompt, edits(example), max_new_tokens=N_NEW).text
        assert [word for word in effect.writes if word not in edited or word in plain] == []
        assert is_loop(edited.removeprefix(example.prompt)) == effect.loops
        assert not is_loop(plain.removeprefix(example.prompt))


def words_of(top: Sequence[TokenProb]) -> list[str]:
    return [item.token.text.strip() for item in top]


def probabilities(demo: Debugger, example: ExampleOut, words: Sequence[str]) -> tuple[float, float]:
    """What these words have together as the next one, without and with the edits."""
    ids = []
    for word in words:
        (token,) = demo.tokenize(f" {word}")
        ids.append(token.id)
    found = demo.follow(example.prompt, ids, edits(example))
    assert found.edited is not None
    return sum(f.probs[-1] for f in found.unedited), sum(f.probs[-1] for f in found.edited)


def is_loop(text: str) -> bool:
    """Whether half of the words or more are the same one."""
    words = text.split()
    return max(words.count(word) for word in words) * 2 >= len(words)
