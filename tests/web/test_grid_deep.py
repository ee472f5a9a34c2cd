"""The grid of a model of 36 layers: what of it is there, and that it fits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.models import random_model, save
from tests.web.conftest import OpenPage
from tests.web.grid_page import EDITS, cell, grid, settled
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer, interleaved, link, serving
from tests.web.trace_page import TracePage
from tests.web.waits import painted


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomServer]:
    """As many layers as GPT-2-large, and a limit on positions that a prompt can pass."""
    folder = tmp_path_factory.mktemp("deep")
    save(random_model({"n_layer": 36, "n_embd": 16, "n_head": 2}, seed=7), folder)
    with serving(folder, "--max-positions", "40") as running:
        yield running


def test_36_layers_and_a_prompt_beyond_the_limit(open_page: OpenPage, deep: RandomServer) -> None:
    prompt = " ".join(["the king and his old town"] * 9)
    n = len(deep.encode(prompt))
    assert n > 40
    page = open_page(link(prompt, [], w="grid"), at=deep.server)
    settled(page)
    expect(
        page.get_by_text(f"The prompt has {n} tokens; the grid shows the last 40.")
    ).to_be_visible()
    expect(grid(page)).to_have_attribute("aria-rowcount", "37")
    expect(grid(page)).to_have_attribute("aria-colcount", "41")
    # only what is in sight exists, wherever that is
    drawn = grid(page).get_by_role("gridcell")
    states = interleaved(deep.run(prompt), n - 1)
    for key, state, column in (("Control+Home", 1, 0), ("Control+End", 71, 39), ("Home", 71, 0)):
        grid(page).locator("[tabindex='0']").focus()
        page.keyboard.press(key)
        expect(cell(page, state, column)).to_be_focused()
        expect(cell(page, state, column)).to_be_in_viewport(ratio=1)
        assert drawn.count() < 36 * 40 / 2
        if column == 39:
            best = float(deep.oracle.lens(states[71]).max())
            text = cell(page, state, column).text_content() or ""
            assert float(text[-4:]) == pytest.approx(best, abs=0.00051)
    heads = grid(page).get_by_role("columnheader")
    expect(heads.nth(1)).to_contain_text(str(n - 40))
    # the focused cell stays, with the focus, when it is scrolled out of sight
    grid(page).locator("..").evaluate("box => { box.scrollLeft = 1e6; box.scrollTop = 0 }")
    painted(page)
    expect(cell(page, 71, 0)).to_be_focused()
    # and it opens where it is in the long list, however much of that is yet to be drawn
    page.keyboard.press("PageUp")
    expect(cell(page, 55, 0)).to_be_focused()
    page.keyboard.press("Enter")
    TracePage(page).wait()
    expect(page.locator("#layer-27")).to_be_focused()
    expect(page.locator("#layer-27 h3")).to_be_in_viewport()


@pytest.mark.parametrize("reading", ["edited", "difference"])
def test_it_fits(open_page: OpenPage, deep: RandomServer, reading: str) -> None:
    prompt = "antidisestablishmentarianism 😀 é\n\n" + "the old king " * 12
    page = open_page(link(prompt, EDITS, w="grid", r=reading), at=deep.server)
    settled(page)
    page.get_by_role("checkbox", name="Before states too").check()
    panel = page.get_by_role("region", name="Grid")
    for width in at_every_width(page, f"grid-{reading}"):
        inside = panel.bounding_box()
        assert inside is not None
        assert inside["x"] + inside["width"] <= width
        for name in ("What the middle shows", "Which run the grid shows"):
            box = panel.get_by_role("group", name=name).bounding_box()
            assert box is not None
            assert inside["x"] <= box["x"]
            assert box["x"] + box["width"] <= inside["x"] + inside["width"]
    assert in_both_schemes(page, f"grid-{reading}") == []
