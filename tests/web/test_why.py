"""Tokens followed through the layers, and why A rather than B."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.reference import Edit, ranked
from tests.web.conftest import OpenPage, shoot
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer, link, number
from tests.web.trace_page import TracePage
from tests.web.waits import Held
from tests.web.why_page import (
    EDITS,
    PROMPT,
    TOKENS,
    assert_attribution,
    attribution,
    chips,
    followed,
    ids,
    parts,
    settled,
    signed,
)

# --- tokens --------------------------------------------------------------------------------------


def test_the_first_question_is_one_click(open_page: OpenPage, small: RandomServer) -> None:
    edits: list[Edit] = [{"layer": 2, "dim": 5, "kind": "set", "value": 60.0}]
    page = open_page(link(PROMPT, edits, w="why"), at=small.server)
    a = int(small.oracle.lens(small.run(PROMPT, edits).after[-1, -1]).argmax())
    b = int(small.oracle.lens(small.run(PROMPT).after[-1, -1]).argmax())
    assert a != b
    shoot(page, "why-empty")
    page.get_by_role("button", name=re.compile("^Why .* rather than")).click()
    settled(page)
    assert followed(page) == [a, b]
    expect(page).to_have_url(re.compile(f"a={a}.{b}"))
    lead = small.oracle.logits(small.run(PROMPT, edits).after[-1, -1])
    total = number(page.get_by_test_id("total"))
    assert total == pytest.approx(lead[a] - lead[b], abs=1e-4)
    said = re.search(r"is ([\d,.]+) times as likely", attribution(page).inner_text())
    assert said
    times = float(said[1].replace(",", ""))
    assert times == pytest.approx(np.exp(abs(lead[a] - lead[b])), rel=0.05)


def test_without_interventions_the_two_likeliest_are_proposed(
    open_page: OpenPage, small: RandomServer
) -> None:
    page = open_page(link(PROMPT, [], w="why"), at=small.server)
    page.get_by_role("button", name=re.compile("^Why .* rather than")).click()
    settled(page)
    assert followed(page) == ranked(small.oracle.lens(small.run(PROMPT).after[-1, -1]), 2)
    expect(page.get_by_role("group", name="Which run is taken apart")).to_have_count(0)


def words(served: RandomServer) -> list[str]:
    """Two words that the vocabulary has both with a space before them and without."""
    vocabulary = served.tokenizer.get_vocab()
    both = [
        word
        for word, token in sorted(vocabulary.items(), key=lambda item: item[1])
        if re.fullmatch("[a-z]{3,}", word)
        and f"Ġ{word}" in vocabulary
        and not {token, vocabulary[f"Ġ{word}"]} & set(TOKENS)
    ]
    return both[:2]


def test_tokens_are_typed_swapped_moved_and_let_go(
    open_page: OpenPage, small: RandomServer
) -> None:
    the, king = words(small)
    found = [small.tokenizer.token_to_id(piece) for piece in (f"Ġ{king}", the)]
    page = open_page(link(PROMPT, [], w="why", a=ids(TOKENS[0])), at=small.server)
    settled(page)
    box = page.get_by_role("combobox", name="Add a token to follow")
    box.fill(the)
    options = page.get_by_role("option")
    expect(options.first).to_contain_text(the)
    assert options.first.locator("bdi").text_content() == f" {the}"
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id") or "")
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_count(2)
    assert followed(page) == [TOKENS[0], found[1]]
    expect(box).to_be_focused()
    box.fill(the)
    # what is followed already is not offered again
    expect(options.first).to_contain_text(f" {the}")
    expect(options.filter(has_text=re.compile(rf"^{the}{found[1]}$"))).to_have_count(0)
    page.keyboard.press("Escape")
    expect(options).to_have_count(0)
    # Enter before the offers for it are there takes none of the old ones
    box.fill(king)
    page.keyboard.press("Enter")
    expect(chips(page)).to_have_count(3)
    assert followed(page) == [TOKENS[0], found[1], found[0]]
    # the order
    page.get_by_role("button", name="Swap A and B").click()
    assert followed(page) == [found[1], TOKENS[0], found[0]]
    page.get_by_role("button", name=re.compile("^C: ")).press("Enter")
    page.get_by_role("menuitem", name="Make it A").press("Enter")
    assert followed(page) == [found[0], found[1], TOKENS[0]]
    page.get_by_role("button", name="Ask it the other way round").click()
    assert followed(page) == [found[1], found[0], TOKENS[0]]
    settled(page)
    page.get_by_role("button", name="Stop following").first.click()
    assert followed(page) == [found[0], TOKENS[0]]
    box.fill("qqqqqqqq")
    expect(
        page.get_by_text("No other entry of the vocabulary begins with “qqqqqqqq”.")
    ).to_be_visible()


def test_eight_tokens_and_those_of_another_model(open_page: OpenPage, small: RandomServer) -> None:
    eight = (999_999, *range(100, 107))
    page = open_page(link(PROMPT, [], w="why", a=ids(*eight)), at=small.server)
    settled(page)
    expect(chips(page)).to_have_count(8)
    expect(page.get_by_role("combobox")).to_have_count(0)
    expect(chips(page).first).to_contain_text("not in this model")
    chips(page).first.get_by_role("button", name="Stop following").click()
    expect(page.get_by_role("combobox")).to_have_count(1)


# --- waiting, failing, fitting -------------------------------------------------------------------


def test_old_lines_stay_until_the_new_ones_come(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(*TOKENS)), at=small.server)
    settled(page)
    held = Held(page, "**/api/v1/attribute")
    box = TracePage(page).card("L1D5").get_by_role("textbox")
    before = page.get_by_test_id("total").inner_text()
    box.fill("-9")
    expect(attribution(page)).to_have_attribute("data-outdated", "true")
    expect(page.get_by_test_id("total")).to_have_text(before)
    held.wait(page).continue_()
    held.end()
    edits: list[Edit] = [{**EDITS[0], "value": -9.0}, EDITS[1]]
    truth = parts(small, edits, *TOKENS[:2])
    expect(page.get_by_test_id("total")).to_have_text(signed(truth["total"][0]))
    settled(page)
    assert_attribution(page, truth, 10)


@pytest.mark.parametrize(("route", "stays"), [("follow", "attribution"), ("attribute", "lines")])
def test_a_failure_is_said_beside_what_failed(
    open_page: OpenPage, small: RandomServer, route: str, stays: str
) -> None:
    page = open_page(
        link(PROMPT, [], w="why", a=ids(*TOKENS)), at=small.server, expect_failed_requests=True
    )
    settled(page)
    page.route(f"**/api/v1/{route}", lambda each: each.fulfill(status=500, body="oops"))
    page.get_by_role("button", name="Swap A and B").click()
    page.get_by_role("button", name="Stop following").nth(0).click()
    alert = page.get_by_role("region", name="Why", exact=True).get_by_role("alert")
    expect(alert).to_be_visible()
    expect(page.get_by_test_id(stays)).not_to_have_attribute("data-outdated", "true")
    shoot(page, f"why-failed-{route}")
    page.unroute(f"**/api/v1/{route}")
    alert.get_by_role("button", name="Try again").click()
    expect(alert).to_have_count(0)
    settled(page)


def test_it_fits_and_has_no_serious_finding(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(
        link(PROMPT, EDITS, w="why", a=ids(100, 101, 102, 103, 104, 105, 106, 107)),
        at=small.server,
    )
    settled(page)
    shoot(page, "why")
    region = page.get_by_role("region", name="Why A rather than B")
    body = page.get_by_role("region", name="Why", exact=True).locator("> div").last
    for width in at_every_width(page, "why-parts"):
        region.evaluate("each => each.scrollIntoView()")
        assert body.evaluate("each => each.scrollWidth - each.clientWidth") <= 0, width
        assert body.evaluate("each => each.getBoundingClientRect().right - innerWidth") <= 0, width
    assert in_both_schemes(page, "why-parts") == []
