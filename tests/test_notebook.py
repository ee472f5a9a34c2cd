"""`lm_debugger.Debugger` as notebooks use it: HTML, data frames, JSON, the page in the background.

Expected numbers are those of the result that is shown, which the engine's own tests hold to the
oracle.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from lm_debugger import Debugger, Intervention, Sampling
from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer
from lm_debugger.engine import debugger as engine
from lm_debugger.engine.types import Run, StateReading, Token, TokenProb
from lm_debugger.settings import Settings
from tests.compare import assert_same

PROMPT = "My wife is working as a"
EDITS = [Intervention.on("L1D27"), Intervention.scale("L0D3", -2, positions=(0, -1))]
WIRE = [
    {"layer": 1, "dim": 27, "kind": "on"},
    {"layer": 0, "dim": 3, "kind": "scale", "value": -2, "positions": [0, -1]},
]


@pytest.fixture(scope="module")
def debugger(checkpoint: Callable[[str], Path]) -> Debugger:
    return Debugger.load(str(checkpoint("untied")), device="cpu")


def test_there_is_one_debugger() -> None:
    assert Debugger is engine.Debugger


def test_the_engine_alone_says_where_the_rest_is(checkpoint: Callable[[str], Path]) -> None:
    """Whoever imports nothing but the engine gets its numbers, and no arrow points back."""
    code = (
        "import sys\n"
        "from lm_debugger.engine.debugger import Debugger\n"
        f"trace = Debugger.load({str(checkpoint('untied'))!r}, device='cpu').trace('a')\n"
        "above = ('lm_debugger.api', 'lm_debugger.notebook', 'pydantic', 'flask')\n"
        "print([name for name in above if name in sys.modules])\n"
        "for form in (trace.to_json, trace.to_pandas, trace._repr_html_):\n"
        "    try:\n"
        "        form()\n"
        "    except NotImplementedError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(engine.__file__).parents[2]), "HF_HUB_OFFLINE": "1"},
    )
    first, *others = done.stdout.splitlines()
    assert first == "[]"
    assert len(others) == 3
    assert all("import lm_debugger.notebook" in line for line in others)


# --- JSON ----------------------------------------------------------------------------------------


def test_json_is_what_the_api_replies(debugger: Debugger) -> None:
    settings = Settings(models=[debugger.info.id])
    registry = ModelRegistry.of(debugger, indexer(settings))
    client = create_app(settings, registry).test_client()
    asked = {"prompt": PROMPT, "interventions": WIRE}
    results = {
        "trace": debugger.trace(PROMPT, EDITS),
        "generate": debugger.generate(PROMPT, EDITS),
        "grid": debugger.grid(PROMPT, EDITS),
        "follow": debugger.follow(PROMPT, [300, 301], EDITS),
        "attribute": debugger.attribute(PROMPT, 300, 301, EDITS),
    }
    more: dict[str, dict[str, Any]] = {
        "follow": {"tokens": [300, 301]},
        "attribute": {"token": 300, "against": 301},
    }
    for route, result in results.items():
        reply = client.post(f"/api/v1/{route}", json={**asked, **more.get(route, {})})
        assert reply.status_code == 200
        assert_same(json.loads(result.to_json()), reply.json, rtol=2e-5)


# --- data frames ---------------------------------------------------------------------------------


def records(frame: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = frame.to_dict("records")
    return found


def test_predictions_as_a_frame(debugger: Debugger) -> None:
    trace = debugger.trace(PROMPT, EDITS, positions=(1, 4), top_k=3)
    frame = trace.to_pandas()
    names = ["run", "position", "layer", "state", "rank", "token", "token_id", "prob"]
    assert list(frame.columns) == names
    assert trace.edited
    expected = [
        (name, at.position, layer.layer, state, rank, item.token.text, item.token.id, item.prob)
        for name, run in (("unedited", trace.unedited), ("edited", trace.edited))
        for at in run.positions
        for layer in at.layers
        for state, reading in (("before", layer.before), ("after", layer.after))
        for rank, item in enumerate(reading.top, 1)
    ]
    assert list(frame.itertuples(index=False, name=None)) == expected
    assert len(expected) == 2 * 2 * 2 * 2 * 3


def test_sub_updates_as_a_frame(debugger: Debugger) -> None:
    trace = debugger.trace(PROMPT, top_k=4)
    frame = trace.to_pandas("sub_updates")
    layers = trace.unedited.positions[0].layers
    assert [
        (row["layer"], row["rank"], row["vector"], row["dim"], row["coefficient"], row["score"])
        for row in records(frame)
    ] == [
        (layer.layer, rank, str(item.id), item.id.dim, item.coefficient, item.score)
        for layer in layers
        for rank, item in enumerate(layer.sub_updates, 1)
    ]
    assert set(frame["run"]) == {"unedited"}


def test_a_generation_as_a_frame(debugger: Debugger) -> None:
    generation = debugger.generate(PROMPT, sampling=Sampling(5.0, seed=1), alternatives=2)
    rows = records(generation.to_pandas())
    chosen = [row for row in rows if row["chosen"]]
    assert [(row["token_id"], row["prob"]) for row in chosen] == [
        (step.token.id, step.prob) for step in generation.steps
    ]
    ranked = [row for row in rows if row["rank"] in (1, 2)]
    assert [(row["index"], row["token"], row["prob"]) for row in ranked] == [
        (step.index, item.token.text, item.prob)
        for step in generation.steps
        for item in step.alternatives
    ]
    # At this temperature most of what is drawn is not among the two likeliest.
    assert len(rows) > len(ranked)


def test_a_grid_as_a_frame(debugger: Debugger) -> None:
    grid = debugger.grid(PROMPT, EDITS, positions=(0, 2))
    frame = grid.to_pandas()
    assert grid.edited
    assert grid.kl
    assert len(frame) == 2 * 2 * 2 * 2
    for row in records(frame):
        state = 2 * row["layer"] + (row["state"] == "after")
        column = grid.positions.index(row["position"])
        run = grid.edited if row["run"] == "edited" else grid.unedited
        assert row["token_id"] == run.tokens[state][column]
        assert row["prob"] == run.probs[state][column]
        assert row["entropy"] == run.entropies[state][column]
        assert row["kl"] == grid.kl[state][column]
    assert not frame.duplicated(["run", "layer", "state", "position"]).any()
    assert "kl" not in debugger.grid(PROMPT).to_pandas()


def test_followed_tokens_as_a_frame(debugger: Debugger) -> None:
    found = debugger.follow(PROMPT, [300, 301], EDITS)
    frame = found.to_pandas()
    assert found.edited
    assert len(frame) == 2 * 2 * 4
    for row in records(frame):
        state = 2 * row["layer"] + (row["state"] == "after")
        tokens = found.edited if row["run"] == "edited" else found.unedited
        item = tokens[row["token_id"] - 300]
        assert (row["token"], row["prob"]) == (item.token.text, item.probs[state])
        assert (row["logit"], row["rank"]) == (item.logits[state], item.ranks[state])


def test_an_attribution_as_a_frame(debugger: Debugger) -> None:
    attribution = debugger.attribute(PROMPT, 300, interventions=EDITS)
    frame = attribution.to_pandas()
    total = frame[frame["part"] != "sub_update"]["amount"].sum()
    assert total == pytest.approx(attribution.total, rel=1e-4, abs=1e-5)
    updates = frame[frame["part"] == "sub_update"]
    assert [(row["layer"], row["dim"], row["amount"]) for row in records(updates)] == [
        (item.id.layer, item.id.dim, item.amount) for item in attribution.sub_updates
    ]
    assert str(frame["layer"].dtype) == "Int64"


def test_without_pandas_the_way_to_it_is_told(
    debugger: Debugger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'lm-debugger\[notebook\]'"):
        debugger.trace(PROMPT).to_pandas()


# --- HTML ----------------------------------------------------------------------------------------


ALLOWED = {"style", "scope", "open"}


class Checked(HTMLParser):
    """Balanced tags, nothing that loads or runs; collects the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "style", "link", "img", "iframe"), tag
        assert {name for name, _ in attrs} <= ALLOWED, attrs
        assert not any("url(" in (value or "") for _, value in attrs)
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_trace_shows_itself(debugger: Debugger) -> None:
    trace = debugger.trace(PROMPT, EDITS)
    page = Checked(trace._repr_html_())
    assert trace.edited
    for run in (trace.unedited, trace.edited):
        at = run.positions[0]
        for item in at.prediction.top:
            assert f"{item.prob:.4f}" in page.texts
        for layer in at.layers:
            for reading in (layer.before, layer.after):
                for item in reading.top[:5]:
                    assert f"{item.prob:.4f}" in page.texts
            for update in layer.sub_updates[:5]:
                assert f"{update.id} {update.coefficient:+.3f} " in page.texts
    assert page.tags.count("details") == 2
    assert "·wife" in page.texts
    text = "".join(page.texts)
    for item in trace.interventions:
        change = f"{item.unedited_coefficient:.3f} → {item.edited_coefficient:.3f}"
        assert change in text
    assert "scale -2 at positions 0, -1" in text


def test_only_the_unedited_run_is_shown_without_interventions(debugger: Debugger) -> None:
    page = Checked(debugger.trace(PROMPT)._repr_html_())
    assert "unedited" in page.texts
    assert "edited" not in page.texts
    assert page.tags.count("details") == 1


def test_many_positions_are_cut_and_it_is_said(debugger: Debugger) -> None:
    trace = debugger.trace("one two three four five six seven eight nine ten", positions="all")
    page = Checked(trace._repr_html_())
    assert page.tags.count("details") == 8
    assert f"and {len(trace.positions) - 8} more positions: to_pandas()" in page.texts


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>&\"'\u202e"


def test_nothing_becomes_markup(debugger: Debugger) -> None:
    """Tokens of the prompt and of predictions, and the model's name, whatever they are."""
    found = debugger.trace(PROMPT)
    token = Token(7, HOSTILE)
    reading = StateReading((TokenProb.of(token, 0.5),), 1.0)
    layers = tuple(
        replace(layer, before=reading, after=reading)
        for layer in found.unedited.positions[0].layers
    )
    run = Run((replace(found.unedited.positions[0], layers=layers),))
    trace = replace(found, tokens=(token,) * len(found.tokens), unedited=run, model=HOSTILE)
    page = Checked(trace._repr_html_())
    # Each token, the one read from, and per layer before and after, and the prediction.
    expected = len(found.tokens) + 1 + 2 * len(layers) + 1
    shown = HOSTILE.replace(" ", "·").replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert page.texts.count(shown) == expected
    assert HOSTILE in page.texts  # the name


def test_a_hostile_prompt(debugger: Debugger) -> None:
    Checked(debugger.trace(HOSTILE, positions="all")._repr_html_())


def test_reprs_are_short(debugger: Debugger) -> None:
    """A notebook keeps them beside the HTML."""
    trace = debugger.trace(PROMPT, EDITS)
    assert repr(trace) == (
        f"<Trace of {PROMPT!r} by {debugger.info.id}: unedited and edited, position "
        f"{trace.positions[0]}>"
    )
    assert re.fullmatch(
        r"<Grid by .*: unedited, 4 states x \d+ positions>", repr(debugger.grid(PROMPT))
    )
