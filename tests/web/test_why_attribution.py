"""Why A rather than B: the exact reading (rule 16) in the page against the oracle."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage
from tests.web.random_server import RandomServer, link, number
from tests.web.trace_page import TracePage
from tests.web.why_page import (
    EDITS,
    PROMPT,
    TOKENS,
    assert_attribution,
    choose,
    contributions,
    ids,
    parts,
    settled,
    signed,
    vector,
)

# --- why A rather than B -------------------------------------------------------------------------


def test_the_parts_are_the_oracles_and_add_up(open_page: OpenPage, small: RandomServer) -> None:
    a, b, _ = TOKENS
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(a, b), r="edited"), at=small.server)
    settled(page)
    assert_attribution(page, parts(small, EDITS, a, b), 10)
    choose(page, "Which run is taken apart", "Unedited")
    settled(page)
    expect(page.get_by_test_id("total")).to_have_attribute("title", re.compile(r"\d"))
    unedited = parts(small, [], a, b)
    expect(page.get_by_test_id("total")).to_have_text(signed(unedited["total"][0]))
    assert_attribution(page, unedited, 10)
    page.get_by_role("button", name="Swap A and B").click()
    expect(page.get_by_test_id("total")).to_have_text(signed(-unedited["total"][0]))
    assert_attribution(page, parts(small, [], b, a), 10)
    # of one token: its logit
    page.get_by_role("button", name="Stop following").nth(1).click()
    alone = parts(small, [], b, None)
    expect(page.get_by_test_id("total")).to_have_text(signed(alone["total"][0]))
    assert_attribution(page, alone, 10)


def test_more_of_them_and_as_a_file(open_page: OpenPage, small: RandomServer) -> None:
    a, b, _ = TOKENS
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(a, b)), at=small.server)
    settled(page)
    page.get_by_role("button", name="Show more").click()
    expect(contributions(page)).to_have_count(30)
    truth = parts(small, EDITS, a, b)
    assert_attribution(page, truth, 30)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the attribution as CSV").click()
    text = Path(download.value.path()).read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    amounts = {
        kind: [float(row["amount"]) for row in rows if row["part"] == kind]
        for kind in ("total", "base", "start", "attention", "ffn", "sub_update")
    }
    assert amounts["ffn"] == pytest.approx(truth["ffn"], rel=1e-4, abs=2e-5)
    assert sum(sum(amounts[kind]) for kind in ("base", "start", "attention", "ffn")) == (
        pytest.approx(amounts["total"][0], abs=1e-4)
    )
    assert len(amounts["sub_update"]) == 30


def test_a_sub_update_is_read_and_sent_by_key(open_page: OpenPage, small: RandomServer) -> None:
    a, b, _ = TOKENS
    page = open_page(link(PROMPT, [], w="why", a=ids(a, b)), at=small.server)
    settled(page)
    view = TracePage(page)
    contributions(page).first.focus()
    page.keyboard.press("ArrowDown")
    second = contributions(page).nth(1)
    expect(second).to_be_focused()
    layer, dim = vector(second)
    page.keyboard.press("Enter")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(view.details).to_contain_text(f"L{layer}D{dim}")
    before = number(page.get_by_test_id("total"))
    # what is sent is the one with the keyboard, not the one that is being read
    page.keyboard.press("ArrowDown")
    layer, dim = vector(contributions(page).nth(2))
    page.keyboard.press("i")
    expect(view.card(f"L{layer}D{dim}")).to_be_visible()
    # suppressed: what it added is gone, and what it did elsewhere
    edited = parts(small, [{"layer": layer, "dim": dim, "kind": "off"}], a, b)
    expect(page.get_by_test_id("total")).to_have_text(signed(edited["total"][0]))
    assert before != pytest.approx(edited["total"][0])
    assert_attribution(page, edited, 10)
