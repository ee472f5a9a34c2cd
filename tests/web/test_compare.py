"""Both runs side by side: every layer, the ladder, the final prediction, and the files of them."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.reference import Edit, ranked
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import in_both_schemes
from tests.web.random_server import RandomServer, link
from tests.web.trace_page import TracePage, shown

PROMPT = "My wife is working as a"
EDITS: list[Edit] = [
    {"layer": 2, "dim": 99, "kind": "set", "value": 30.0},
    {"layer": 1, "dim": 41, "kind": "on"},
]
LINK = link(PROMPT, EDITS)
N_LAYERS = 3
LAST = N_LAYERS - 1
K = 10
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def server(small: RandomServer) -> Server:
    return small.server


@pytest.fixture(scope="module")
def states(small: RandomServer) -> dict[str, np.ndarray[Any, Any]]:
    """Distributions of both runs by the oracle, [L, V] each: before and after, p unedited, q
    edited."""
    plain, edited = small.run(PROMPT), small.run(PROMPT, EDITS)
    return {
        "before p": small.oracle.lens(plain.before[:, -1]),
        "before q": small.oracle.lens(edited.before[:, -1]),
        "after p": small.oracle.lens(plain.after[:, -1]),
        "after q": small.oracle.lens(edited.after[:, -1]),
    }


def change(delta: float) -> str:
    if abs(delta) < 0.0005:
        return "±.000"
    return ("−" if delta < 0 else "+") + f"{abs(delta):.3f}".removeprefix("0")


def nats(value: float) -> str:
    return "<.01" if 0 < value < 0.005 else f"{value:.2f}"


def divergence(p: np.ndarray[Any, Any], q: np.ndarray[Any, Any]) -> float:
    return float((q * np.log(q / p)).sum())


def number(title: str | None) -> float:
    """The number in a title, such as "unedited 0.0123"."""
    found = re.search(r"-?\d[\d.]*(?:e-?\d+)?", title or "")
    assert found is not None, title
    return float(found[0])


def token_id(row: Locator) -> int:
    title = row.locator("bdi").get_attribute("title") or ""
    return int(title.rpartition("token ")[2])


def start(page: Page, reading: str | None = None) -> TracePage:
    view = TracePage(page)
    view.wait()
    if reading:
        page.get_by_text(reading, exact=True).click()
        view.wait()
    return view


@pytest.mark.parametrize("place", ["before", "after"])
def test_every_layer_in_both_runs(
    open_page: OpenPage, states: dict[str, np.ndarray[Any, Any]], place: str
) -> None:
    page = open_page(LINK)
    view = start(page, "Difference")
    for layer in range(N_LAYERS):
        p, q = states[f"{place} p"][layer], states[f"{place} q"][layer]
        rows = view.list(f"{place.title()} layer {layer}").locator("[data-kind]").all()
        ids = [token_id(row) for row in rows]
        old, new = set(ranked(p, K)), ranked(q, K)
        assert set(ids) == old | set(new)
        # the edited run's order, then what left its list
        assert ids[:K] == new
        kinds = [row.get_attribute("data-kind") for row in rows]
        assert kinds == [
            "left" if id not in new else "both" if id in old else "entered" for id in ids
        ]
        for row, id in zip(rows, ids, strict=True):
            cells = row.locator("span[title]").all()
            titles = [number(cell.get_attribute("title")) for cell in cells]
            was, now, delta = titles
            assert [was, now] == pytest.approx([p[id], q[id]], rel=1e-4, abs=1e-7)
            # of two numbers that are known to so many digits
            assert delta == pytest.approx(q[id] - p[id], abs=1e-4 * max(p[id], q[id]) + 1e-7)
            assert [cell.text_content() for cell in cells] == [
                shown(was),
                shown(now),
                change(delta),
            ]


def test_the_divergence_of_every_state(
    open_page: OpenPage, states: dict[str, np.ndarray[Any, Any]]
) -> None:
    page = open_page(LINK)
    start(page)
    rungs = page.get_by_role("navigation", name="Top token").locator("li button")
    for layer in range(N_LAYERS):
        for place in ("before", "after"):
            kl = divergence(states[f"{place} p"][layer], states[f"{place} q"][layer])
            head = page.locator(f"#layer-{layer} [data-column={place}] [title^=KL]")
            told = number(head.get_attribute("title"))
            assert told == pytest.approx(kl, rel=1e-3, abs=1e-7)
            assert head.text_content() == f"KL {nats(told)}"
        on_ladder = rungs.nth(layer).locator("[title^=KL]")
        assert number(on_ladder.get_attribute("title")) == pytest.approx(kl, rel=1e-3, abs=1e-7)
    page.get_by_text("Unedited", exact=True).click()
    expect(page.locator(f"#layer-{LAST} [title^=KL]")).to_have_count(0)
    expect(page.locator(f"#layer-{LAST} [title^=entropy]")).to_have_count(2)


def test_who_came_and_who_went(
    open_page: OpenPage, states: dict[str, np.ndarray[Any, Any]]
) -> None:
    page = open_page(LINK)
    view = start(page, "Difference")
    old, new = (set(ranked(states[f"after {run}"][LAST], K)) for run in "pq")
    after = page.locator(f"#layer-{LAST} [data-column=after]")
    entered = len(new - old)
    assert entered > 0
    expect(after).to_contain_text(f"{entered} new, {entered} out")
    marks = "li > span:not(:has(bdi))"  # tokens may be called so too
    expect(after.locator(marks, has_text=re.compile(r"^new$"))).to_have_count(entered)
    expect(after).to_contain_text("out of the top 10")
    # the edited run alone marks what is new in it
    page.get_by_text("Edited", exact=True).click()
    expect(view.list(f"After layer {LAST}").get_by_role("listitem")).to_have_count(K)
    expect(after.locator(marks, has_text=re.compile(r"^new\b"))).to_have_count(entered)


def test_the_final_prediction_is_exact_in_both_columns(
    open_page: OpenPage, states: dict[str, np.ndarray[Any, Any]]
) -> None:
    page = open_page(LINK)
    view = start(page)
    p, q = states["after p"][LAST], states["after q"][LAST]
    rows = view.final.locator("tbody tr").all()
    assert len(rows) >= 6
    for row, id in zip(rows, ranked(q, len(rows)), strict=True):
        assert token_id(row) == id
        cells = row.locator("td[title]")
        told = [number(cell.get_attribute("title")) for cell in cells.all()]
        assert told == pytest.approx([p[id], q[id]], rel=1e-4, abs=1e-7)
    kl = divergence(p, q)
    expect(view.final).to_contain_text(f"KL {nats(kl)}")
    shoot(page, "compare-edited")


def test_a_token_is_followed_by_keyboard(open_page: OpenPage) -> None:
    page = open_page(LINK)
    view = start(page, "Difference")
    first = view.list("Dominant sub-updates of layer 1").get_by_role("button").first
    first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    second = view.list("After layer 1").get_by_role("button").nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    followed = token_id(view.list("After layer 1").locator("[data-kind]").nth(1))
    expect(page).to_have_url(re.compile(rf"[&?]a={followed}(&|$)"))
    # the same token has its letter wherever it is listed
    marked = page.locator("[data-follow=A]").all()
    assert len(marked) > 1
    assert {token_id(mark.locator("xpath=..")) for mark in marked} == {followed}
    # left of the states are the sub-updates, left of those the states before
    page.keyboard.press("ArrowLeft")
    expect(
        view.list("Dominant sub-updates of layer 1").locator("[data-value]").nth(1)
    ).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(view.list("Before layer 1").get_by_role("button").nth(1)).to_be_focused()


@pytest.mark.parametrize("width", [1440, 1024])
def test_both_runs_can_be_read(open_page: OpenPage, width: int) -> None:
    page = open_page(f"{LINK}&r=difference", width=width, height=768)
    start(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    # nothing lies over anything else or breaks into lines, and the word has room
    for layer in (0, LAST):
        page.evaluate(f"document.getElementById('layer-{layer}').scrollIntoView()")
        crowded = page.evaluate(
            """(layer) => [...document.querySelectorAll(`#layer-${layer} [data-kind]`)]
                .filter((row) => {
                    const boxes = [...row.children].slice(1)
                        .map((each) => each.getBoundingClientRect());
                    const edge = row.getBoundingClientRect().right;
                    const over = (box, i) => box.right > (boxes[i + 1]?.left ?? edge) + 0.5;
                    return boxes.some(over) || boxes.some((box) => box.height > 22)
                        || boxes[0].width < 60;
                }).map((row) => row.innerText)""",
            layer,
        )
        assert crowded == []
    assert in_both_schemes(page, f"compare-{width}") == []


def test_no_edit_no_comparison(open_page: OpenPage) -> None:
    page = open_page("/#/trace?v=1&p=My+wife+is+working+as+a&r=difference")
    view = start(page)
    expect(page.get_by_text("Difference", exact=True)).to_have_count(0)
    expect(page.locator("[data-kind]")).to_have_count(0)
    expect(view.final.get_by_text("edited", exact=True)).to_have_count(0)


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def save(open_page: OpenPage) -> Callable[[str], tuple[str, Path]]:
    page = open_page(LINK)
    start(page)

    def one(kind: str) -> tuple[str, Path]:
        page.get_by_role("button", name="Save the trace as a file").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=kind).click()
        return download.value.suggested_filename, Path(download.value.path())

    return one


def test_the_trace_as_csv(save: Callable[[str], tuple[str, Path]], server: Server) -> None:
    name, path = save("CSV")
    assert name == "trace-my-wife-is-working-as-a.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8"))))
    reply = server.post("/api/v1/trace", {"prompt": PROMPT, "interventions": EDITS})
    runs = {run: reply[run]["positions"][0]["layers"] for run in ("unedited", "edited")}
    for index, compared in enumerate(reply["comparison"][0]["layers"]):
        here = [row for row in rows if row["layer"] == str(index)]
        for place in ("before", "after"):
            tokens = [row for row in here if row["part"] == place]
            assert [
                (int(row["token_id"]), row["token"], float(row["probability_unedited"]),
                 float(row["probability_edited"]))
                for row in tokens
            ] == [
                (each["id"], each["text"], each["unedited"], each["edited"])
                for each in compared[place]["tokens"]
            ]  # fmt: skip
            for run, layers in runs.items():
                listed = {row["token_id"]: row[f"rank_{run}"] for row in tokens}
                top = layers[index][place]["top"]
                ranks = {str(each["id"]): str(rank + 1) for rank, each in enumerate(top)}
                assert {id: rank for id, rank in listed.items() if rank} == ranks
        for run, layers in runs.items():
            updates = [
                (
                    int(row["dimension"]),
                    float(row[f"coefficient_{run}"]),
                    float(row[f"score_{run}"]),
                )
                for row in here
                if row["part"] == "sub_update" and row[f"rank_{run}"]
            ]
            assert sorted(updates) == sorted(
                (each["dim"], each["coefficient"], each["score"])
                for each in layers[index]["sub_updates"]
            )
        (whole,) = (row for row in here if row["part"] == "layer")
        assert float(whole["kl_after"]) == compared["after"]["kl"]
        assert float(whole["share_edited"]) == runs["edited"][index]["share"]


def test_the_ladder_as_a_figure(
    save: Callable[[str], tuple[str, Path]], states: dict[str, np.ndarray[Any, Any]]
) -> None:
    name, path = save("SVG")
    assert name == "ladder-my-wife-is-working-as-a.svg"
    drawing = path.read_text("utf-8")
    texts = [text.text for text in ET.fromstring(drawing).iter(f"{SVG}text")]
    assert PROMPT in texts
    for layer in range(N_LAYERS):
        for run in ("after p", "after q"):
            assert shown(float(states[run][layer].max())) in texts
    assert "var(" not in drawing
    assert "http" not in drawing.replace(SVG[1:-1], "")
    name, path = save("PNG")
    assert name == "ladder-my-wife-is-working-as-a.png"
    picture = path.read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
    root = ET.fromstring(drawing)
    assert width == pytest.approx(float(root.get("width") or 0) * 300 / 96, abs=1)
    assert height == pytest.approx(float(root.get("height") or 0) * 300 / 96, abs=1)
