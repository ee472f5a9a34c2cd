"""Generated text that comes in pieces of characters reads as text; each piece is a token still."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.trace_page import TracePage
from tests.web.written import encode, writer

PROMPT = "It says:"
FAMILY = "👩‍👩‍👧"
TEXT = f" 😀 “日本” naïve ❤️ {FAMILY} ok"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return writer(tmp_path_factory.mktemp("writer") / "writer", PROMPT, TEXT)


@pytest.fixture(scope="module")
def writing(folder: Path) -> Iterator[Server]:
    running = Server(str(folder), "--auto-index", "false")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def steps(folder: Path, writing: Server) -> list[dict[str, Any]]:
    tokens = encode(folder, TEXT)
    body = {"prompt": PROMPT, "max_new_tokens": len(tokens)}
    found: list[dict[str, Any]] = writing.post("/api/v1/generate", body)["steps"]
    assert [step["token"]["id"] for step in found] == tokens
    return found


def generate(page: Page, count: int) -> Locator:
    """The generated text."""
    TracePage(page).trace(PROMPT)
    page.get_by_role("spinbutton", name="Number of tokens to generate").fill(str(count))
    page.get_by_role("button", name="Generate", exact=True).click()
    expect(page.get_by_test_id("generated").get_by_role("status").last).to_contain_text("has ended")
    return page.get_by_test_id("generated-unedited")


def pieces(text: Locator, character: str) -> Locator:
    """The tokens that make a character."""
    return text.get_by_role("button", name=re.compile(rf"part \d+ of \d+ of “{character}”"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_characters_are_whole_and_every_token_has_its_place(
    open_page: OpenPage, writing: Server, steps: list[dict[str, Any]], scheme: str
) -> None:
    page = open_page(at=writing, scheme=scheme)
    text = generate(page, len(steps))
    assert text.inner_text() == PROMPT + TEXT
    expect(text.get_by_role("button")).to_have_count(len(steps))
    for character in ("😀", "“", "日", FAMILY):
        tokens = pieces(text, character).all()
        assert len(tokens) > 1
        assert tokens[0].inner_text().endswith(character)
        assert [token.inner_text() for token in tokens[1:]] == [""] * (len(tokens) - 1)
        boxes = [box for token in tokens if (box := token.bounding_box())]
        edges = [box["x"] for box in boxes[1:]] + [boxes[0]["x"] + boxes[0]["width"]]
        for box, end in zip(boxes[1:], edges[1:], strict=True):
            assert box["width"] > 1
            assert box["x"] + box["width"] == pytest.approx(end, abs=0.5)
        assert edges[0] > boxes[0]["x"]
    shoot(page, f"characters-{scheme}")


def test_each_piece_shows_its_bytes_and_what_else_was_likely(
    open_page: OpenPage, writing: Server, steps: list[dict[str, Any]]
) -> None:
    page = open_page(at=writing)
    text = generate(page, len(steps))
    details = page.get_by_test_id("run-unedited")
    for piece in pieces(text, "😀").all():
        index = int(piece.get_attribute("data-step") or "")
        token = steps[index]["token"]
        expect(piece).to_have_attribute("aria-label", re.compile(f"^bytes {token['hex']} "))
        piece.hover(position={"x": 1, "y": 8})  # the others lie over the first
        expect(piece).to_have_attribute("aria-pressed", "true")
        chosen = details.get_by_role("listitem").filter(has_text="chosen")
        expect(chosen).to_contain_text(f"{steps[index]['prob']:.3f}".removeprefix("0"))
        expect(chosen.locator("bdi")).to_have_attribute(
            "title", f"bytes {token['hex']} · token {token['id']}"
        )
    # a prompt cannot end inside a character, and may at its ends
    trace = page.get_by_role("button", name="Trace its prediction")
    go_on = page.get_by_role("button", name="Continue after it")
    last = pieces(text, "😀").last
    page.mouse.move(1, 1)  # what is pointed at comes before what is chosen
    last.focus()
    expect(trace).to_be_disabled()
    expect(go_on).to_be_enabled()
    page.keyboard.press("ArrowRight")
    expect(last).to_have_attribute("aria-pressed", "false")
    expect(trace).to_be_enabled()
    pieces(text, "“").first.focus()
    expect(go_on).to_be_disabled()
    trace.click()
    expect(TracePage(page).prompt).to_have_value(PROMPT + TEXT.partition("“")[0])


def test_the_tokens_of_a_prompt_tell_their_part(open_page: OpenPage, writing: Server) -> None:
    page = open_page(at=writing)
    TracePage(page).trace(f"{PROMPT} 😀")
    strip = page.get_by_role("list", name="Tokens of the prompt: choose the traced position")
    tokens = pieces(strip, "😀").all()
    assert len(tokens) > 1
    for at, token in enumerate(tokens, 1):
        title = token.locator("bdi").get_attribute("title") or ""
        assert title.startswith("bytes ")
        assert title.endswith(f"part {at} of {len(tokens)} of “😀”")
