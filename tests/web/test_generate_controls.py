"""Generate: sampling with a seed, what the two runs differ in, and tracing a generated token."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.generate_page import PROMPT, ask, generate, ids, run, sampling, start, text, tokens
from tests.web.trace_page import TracePage, shown
from tests.web.waits import painted, reload


def test_a_seed_gives_the_same_text_again_and_another_seed_another(
    open_page: OpenPage, server: Server
) -> None:
    page = open_page()
    start(page)
    generate(page)
    greedy = text(page, "unedited")
    assert greedy == ask(server, max_new_tokens=12)["text"]
    expect(run(page, "unedited")).to_contain_text("greedy")

    def drawn(seed: int) -> str:
        chance = {"temperature": 1.5, "top_p": 0.9, "seed": seed}
        found: str = ask(server, max_new_tokens=12, sampling=chance)["text"]
        return found

    # one that makes a difference, whatever the model is
    seed = next(seed for seed in range(41, 1000) if drawn(seed) != greedy)
    popover = sampling(page)
    popover.get_by_role("textbox", name="Temperature").fill("1.5")
    popover.get_by_role("textbox", name="Top-p").fill("0.9")
    popover.get_by_role("textbox", name="Seed").fill(str(seed))
    shoot(page, "sampling")
    page.keyboard.press("Escape")
    expect(popover).to_have_count(0)
    generate(page)
    first = text(page, "unedited")
    assert first == drawn(seed)
    told = f"temperature 1.5, top-p 0.9, seed {seed}"
    expect(run(page, "unedited")).to_contain_text(told)
    generate(page)
    assert text(page, "unedited") == first

    # the choice outlives the page, and a new seed is a new text
    reload(page)
    TracePage(page).wait()
    generate(page)
    assert text(page, "unedited") == first
    page.get_by_role("button", name=re.compile("^How tokens are chosen")).click()
    page.get_by_role("button", name="New seed").click()
    box = page.get_by_role("textbox", name="Seed")
    expect(box).not_to_have_value(str(seed))
    another = int(box.input_value())
    page.keyboard.press("Control+Enter")  # beside the open settings
    expect(run(page, "unedited")).to_contain_text(f"seed {another}")
    expect(run(page, "unedited")).to_have_attribute("aria-busy", "false")
    assert text(page, "unedited") == drawn(another)


def test_a_setting_that_cannot_be_is_said_so_and_kept(open_page: OpenPage) -> None:
    page = open_page()
    start(page)
    popover = sampling(page)
    top_p = popover.get_by_role("textbox", name="Top-p")
    top_p.fill("1.5")
    expect(popover.get_by_role("alert")).to_contain_text("above 0, up to 1")
    expect(popover.get_by_role("alert")).to_contain_text("Until then 1 is used")
    popover.get_by_role("textbox", name="Seed").focus()
    expect(top_p).to_have_value("1.5")
    shoot(page, "sampling-problem")
    top_p.fill("0.5")
    expect(popover.get_by_role("alert")).to_have_count(0)


def test_where_the_two_runs_part(open_page: OpenPage, server: Server) -> None:
    reply = server.post("/api/v1/trace", {"prompt": PROMPT})
    unedited = ids(ask(server, max_new_tokens=12))
    # the first edit that changes the text, whatever the model is
    for layer in reversed(reply["unedited"]["positions"][0]["layers"]):
        dim = layer["sub_updates"][0]["dim"]
        edit = {"layer": layer["layer"], "dim": dim, "kind": "scale", "value": -8}
        edited = ids(ask(server, max_new_tokens=12, interventions=[edit]))
        if edited != unedited:
            break
    parts = next(at for at in range(12) if unedited[at : at + 1] != edited[at : at + 1])
    value = f"L{edit['layer']}D{edit['dim']}"
    page = open_page(f"/#/trace?v=1&p={PROMPT.replace(' ', '+')}&i={value}*scale*-8")
    view = TracePage(page)
    view.wait()
    page.get_by_role("spinbutton", name="Number of tokens to generate").fill("12")
    generate(page)
    for side in ("unedited", "edited"):
        marked = run(page, side).locator("[data-parts]")
        expect(marked).to_have_count(1)
        expect(marked).to_have_attribute("data-step", str(parts))
        expect(marked).to_have_attribute("aria-label", re.compile("here the two runs part"))
    expect(run(page, "edited")).to_contain_text(f"differs from token {parts} on")
    shoot(page, "parted")

    # the text is that of the interventions that it was made with
    number = view.card(value).get_by_role("textbox")
    number.fill("-7")
    number.press("Enter")
    expect(run(page, "edited")).to_contain_text("made before the last change")
    number.fill("-8")
    number.press("Enter")
    expect(run(page, "edited")).not_to_contain_text("made before the last change")


def alternatives(page: Page) -> list[str]:
    items = page.get_by_role("list", name="Likeliest tokens at this step").get_by_role("listitem")
    return [re.search(r"(\.\d{3}|<\.001|1\.00)$", item).group() for item in items.all_inner_texts()]  # type: ignore[union-attr]


def test_a_token_by_keyboard_and_pointer(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    view = start(page, count=6)
    generate(page)
    steps = ask(server, max_new_tokens=6)["steps"]
    expected = [[shown(item["prob"]) for item in step["alternatives"]] for step in steps]

    tokens(page, "unedited").nth(4).hover()
    assert alternatives(page) == expected[4]
    page.mouse.move(5, 5)
    expect(page.get_by_text("Point at a token")).to_be_visible()

    # one stop for Tab, arrows from there; Enter leads to what can be done
    page.get_by_role("button", name="Copy the unedited text").focus()
    page.keyboard.press("Tab")
    expect(tokens(page, "unedited").first).to_be_focused()
    assert alternatives(page) == expected[0]
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(tokens(page, "unedited").nth(3)).to_be_focused()
    assert alternatives(page) == expected[3]
    shoot(page, "token")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Trace its prediction")).to_be_focused()
    page.keyboard.press("Escape")
    expect(tokens(page, "unedited").nth(3)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Trace its prediction")).to_be_focused()
    expect(view.prompt).to_have_value(PROMPT)
    page.keyboard.press("Enter")

    # the text before it is the prompt, traced at its end: the token's own prediction
    before = PROMPT + "".join(step["token"]["text"] for step in steps[:3])
    expect(view.prompt).to_have_value(before)
    view.wait()
    assert view.probabilities("unedited")[:5] == expected[3]
    expect(tokens(page, "unedited").nth(3)).to_have_attribute("data-traced", "true")
    expect(run(page, "unedited")).not_to_contain_text("other tokens")
    shoot(page, "token-traced")
    page.get_by_role("banner").get_by_role("button", name="Undo").click()
    expect(view.prompt).to_have_value(PROMPT)
    expect(page.locator("[data-traced]")).to_have_count(0)


def test_continue_after_a_token(open_page: OpenPage) -> None:
    page = open_page()
    view = start(page, count=4)
    generate(page)
    whole = text(page, "unedited")
    tokens(page, "unedited").nth(1).click()
    page.get_by_role("button", name="Continue after it").click()
    expect(view.prompt).not_to_have_value(PROMPT)
    value = view.prompt.input_value()
    assert whole.startswith(value)
    assert PROMPT < value < whole
    page.get_by_role("banner").get_by_role("button", name="Undo").click()
    expect(view.prompt).to_have_value(PROMPT)


def event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"


@pytest.fixture
def odd_text(open_page: OpenPage) -> Page:
    """A run whose tokens no text is cut into: a newline, bytes, markup, single letters."""
    page = open_page()
    TracePage(page).wait()
    step = (
        '{{"index":{0},"token":{{"id":{0},"text":"{1}","hex":{2}}},"prob":0.5,"alternatives":[]}}'
    )
    pieces = [r"\n", "<blink>x</blink>", "שלום", "😀", "w", "o", "r", "d"]
    body = event("start", '{"model":"demo","tokens":[{"id":1,"text":"x","hex":null}]}')
    for index, piece in enumerate(pieces):
        body += event("step", step.format(index, piece, "null"))
    body += event("step", step.format(len(pieces), r"\ufffd", '"f0 9f"'))
    body += event("end", '{"text":"x and so on","finish_reason":"length"}')

    def reply(route: Route) -> None:
        route.fulfill(body=body, content_type="text/event-stream")

    page.route("**/api/v1/generate/stream", reply)
    TracePage(page).trace("x")
    generate(page)
    return page


def test_odd_tokens_are_seen_and_harmless(odd_text: Page) -> None:
    page = odd_text
    texts = tokens(page, "unedited")
    expect(texts.nth(0)).to_have_attribute("aria-label", re.compile("⏎"))
    expect(texts.nth(1)).to_have_text("<blink>x</blink>")
    assert page.locator("blink").count() == 0
    assert texts.nth(2).locator("bdi").count() == 1
    expect(texts.nth(8)).to_have_attribute("aria-label", re.compile("bytes f0 9f"))
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    shoot(page, "odd-tokens")


def test_text_that_is_cut_into_other_tokens_is_said_so(odd_text: Page) -> None:
    page = odd_text
    tokens(page, "unedited").nth(7).click()
    page.get_by_role("button", name="Trace its prediction").click()
    TracePage(page).wait()
    note = page.get_by_text("cut into other tokens than were generated")
    expect(note).to_be_visible()
    shoot(page, "other-tokens")


def test_stopping_keeps_what_there_is(open_page: OpenPage) -> None:
    page = open_page()
    start(page, count=200)
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(tokens(page, "unedited").nth(2)).to_be_visible()
    # the request ends with it, so nothing more can come
    with page.expect_event("requestfailed", lambda request: "generate" in request.url):
        page.get_by_role("button", name="Stop", exact=True).click()
    expect(run(page, "unedited")).to_contain_text("stopped after")
    count = tokens(page, "unedited").count()
    assert 3 <= count < 200
    painted(page)
    expect(run(page, "unedited")).to_contain_text(f"stopped after {count}")
    assert tokens(page, "unedited").count() == count


def test_a_long_text_scrolls_with_its_end_in_sight(open_page: OpenPage) -> None:
    page = open_page(width=1024, height=768)
    start(page, count=200)
    sampling(page)
    page.keyboard.press("Escape")
    generate(page)
    last = tokens(page, "unedited").last
    expect(last).to_be_in_viewport()
    expect(page.get_by_test_id("layers")).to_be_in_viewport()
    panel = page.get_by_test_id("generated").bounding_box()
    assert panel
    assert panel["height"] <= 768 * 0.35
    shoot(page, "long-text")


def test_saving_both_texts(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    view = start(page, count=5)
    view.add("L3D5")
    view.wait()
    generate(page)
    edit = {"layer": 3, "dim": 5, "kind": "off"}
    replies = {
        "unedited": ask(server, max_new_tokens=5),
        "edited": ask(server, max_new_tokens=5, interventions=[edit]),
    }
    menu = page.get_by_role("button", name="Save or copy what was generated")
    menu.click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save CSV").click()
    table = list(csv.DictReader(io.StringIO(Path(saved.value.path()).read_text("utf-8"))))
    for side, reply in replies.items():
        rows = [row for row in table if row["run"] == side]
        assert [row["token"] for row in rows] == [step["token"]["text"] for step in reply["steps"]]
        assert [float(row["probability"]) for row in rows] == pytest.approx(
            [step["prob"] for step in reply["steps"]]
        )
        assert [row["likeliest 2"] for row in rows] == [
            step["alternatives"][1]["text"] for step in reply["steps"]
        ]
    menu.click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save text").click()
    content = Path(saved.value.path()).read_text("utf-8")
    for side, reply in replies.items():
        assert f"# {side} (demo, greedy)\n{reply['text']}\n" in content
    menu.click()
    page.get_by_role("menuitem", name="Copy all text").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == content
