"""Tokens followed through the layers, and why A rather than B."""

from __future__ import annotations

import csv
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.reference import Array, Edit, ranked
from tests.web.conftest import OpenPage, shoot
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer, interleaved, link, number
from tests.web.trace_page import TracePage
from tests.web.waits import Held
from tests.web.why_page import (
    EDITS,
    N_LAYERS,
    PROMPT,
    SVG,
    TOKENS,
    assert_attribution,
    attribution,
    chips,
    choose,
    followed,
    ids,
    parts,
    settled,
    signed,
)


def measures(served: RandomServer, edits: list[Edit], token: int) -> dict[str, Array]:
    """By the oracle, through the 2 L states at the last position: [2 L] each."""
    run = served.run(PROMPT, edits)
    states = np.stack(interleaved(run, len(served.encode(PROMPT)) - 1))
    probs, logits = served.oracle.lens(states), served.oracle.logits(states)
    return {
        "Probability": probs[:, token],
        "Logit": logits[:, token],
        "Rank": 1 + (logits > logits[:, [token]]).sum(axis=1),
    }


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
    expect(page.get_by_text("No other entry of the vocabulary begins so.")).to_be_visible()


def test_eight_tokens_and_those_of_another_model(open_page: OpenPage, small: RandomServer) -> None:
    eight = (999_999, *range(100, 107))
    page = open_page(link(PROMPT, [], w="why", a=ids(*eight)), at=small.server)
    settled(page)
    expect(chips(page)).to_have_count(8)
    expect(page.get_by_role("combobox")).to_have_count(0)
    expect(chips(page).first).to_contain_text("not in this model")
    chips(page).first.get_by_role("button", name="Stop following").click()
    expect(page.get_by_role("combobox")).to_have_count(1)


# --- lines ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", ["Probability", "Logit", "Rank"])
def test_the_table_has_the_oracles_numbers(
    open_page: OpenPage, small: RandomServer, measure: str
) -> None:
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(*TOKENS)), at=small.server)
    settled(page)
    choose(page, "What the lines show", measure)
    choose(page, "Show the lines as", "Table")
    table = page.get_by_role("table", name=f"{measure.lower()} of the followed tokens")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(2 * N_LAYERS)
    columns = [(token, edits) for token in TOKENS for edits in ([], EDITS)]
    for column, (token, edits) in enumerate(columns):
        truth = measures(small, edits, token)[measure]
        shown = [number(row.locator("td").nth(column)) for row in rows.all()]
        exact = 0.0 if measure == "Rank" else 1e-5
        assert shown == pytest.approx(truth, rel=exact, abs=1e-5 if measure == "Logit" else 0)


def points(path: str) -> Array:
    """The points of an SVG path of straight lines: [n, 2]."""
    return np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), dtype=float)


def ticks(chart: Locator) -> list[tuple[float, float]]:
    """Value and y of the marks on the vertical axis."""
    lines = chart.locator("line[class*=rule]")
    texts = [label.replace(",", "") for label in lines.locator("+ text").all_text_contents()]
    values = [
        10.0 ** -int(text[3:].translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")))
        if text.startswith("10⁻")
        else float(text.replace("−", "-"))
        for text in texts
    ]
    ys = [float(line.get_attribute("y1") or "") for line in lines.all()]
    return list(zip(values, ys, strict=True))


@pytest.mark.parametrize(
    ("measure", "log"), [("Probability", False), ("Probability", True), ("Rank", True)]
)
def test_the_lines_are_drawn_where_the_numbers_are(
    open_page: OpenPage, small: RandomServer, measure: str, log: bool
) -> None:
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(*TOKENS)), at=small.server)
    settled(page)
    choose(page, "What the lines show", measure)
    if measure == "Probability":
        choose(page, "Scale of the probability", "Log" if log else "Linear")
    chart = page.get_by_test_id("lines")
    (low, y_low), *_, (high, y_high) = ticks(chart)
    scale: Any = np.log10 if log else np.asarray
    for kind, edits in (("line", EDITS), ("unedited", [])):
        drawn = chart.locator(f"path[class*={kind}]")
        expect(drawn).to_have_count(len(TOKENS))
        for path, token in zip(drawn.all(), TOKENS, strict=True):
            xy = points(path.get_attribute("d") or "")
            truth = scale(measures(small, edits, token)[measure].astype(float))
            share = (truth - scale(low)) / (scale(high) - scale(low))
            assert xy[:, 1] == pytest.approx(y_low + share * (y_high - y_low), abs=0.11)
            assert np.ptp(np.diff(xy[:, 0])) < 0.21  # one state after the other, evenly


def test_the_cursor_by_key_and_by_pointer(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(*TOKENS)), at=small.server)
    settled(page)
    chart = page.get_by_role("slider", name="probability of the followed tokens, state by state")
    table = page.get_by_test_id("cursor")
    expect(table).to_contain_text("after layer 2")
    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(table).to_contain_text("after layer 1")
    expect(chart).to_have_attribute("aria-valuenow", "3")
    expect(chart).to_have_attribute("aria-valuetext", re.compile("^after layer 1, probability: A "))
    for row, token in zip(table.locator("tbody tr").all(), TOKENS, strict=True):
        for place, edits in zip(row.locator("td").all(), ([], EDITS), strict=True):
            truth = measures(small, edits, token)["Probability"][3]
            assert number(place) == pytest.approx(truth, rel=1e-5)
    page.keyboard.press("Home")
    expect(table).to_contain_text("before layer 0")
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 50)
    expect(table).to_contain_text(re.compile("(before|after) layer 1"))
    chart.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    TracePage(page).wait()
    expect(page.locator("#layer-0")).to_be_focused()


def save_as(page: Page, kind: str) -> tuple[str, bytes]:
    page.get_by_role("button", name="Save the lines as a file").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=kind).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_as_files(open_page: OpenPage, small: RandomServer, scheme: str) -> None:
    page = open_page(link(PROMPT, EDITS, w="why", a=ids(*TOKENS)), at=small.server, scheme=scheme)
    settled(page)
    name, text = save_as(page, "CSV")
    assert name == "tokens-my-wife-is-working-as-a.csv"
    rows = list(csv.DictReader(io.StringIO(text.decode(), newline="")))
    assert len(rows) == 2 * len(TOKENS) * 2 * N_LAYERS
    for row in rows:
        truth = measures(small, EDITS if row["run"] == "edited" else [], int(row["token_id"]))
        state = 2 * int(row["layer"]) + (row["state"] == "after")
        assert row["token"] == small.decode(int(row["token_id"]))
        assert float(row["probability"]) == pytest.approx(truth["Probability"][state], rel=1e-5)
        assert float(row["logit"]) == pytest.approx(truth["Logit"][state], abs=1e-5)
        assert int(row["rank"]) == truth["Rank"][state]
    name, drawing = save_as(page, "SVG")
    assert name == "tokens-my-wife-is-working-as-a.svg"
    assert b"var(" not in drawing
    root = ET.fromstring(drawing)
    texts = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"edited", "unedited", "layer", "probability"} <= set(texts)
    assert sum(text.startswith(("A ", "B ", "C ")) for text in texts) == len(TOKENS)
    shown = (
        page.get_by_test_id("lines")
        .locator("path")
        .evaluate_all("all => all.map(path => path.getAttribute('d'))")
    )
    assert [path.get("d") for path in root.iter(f"{SVG}path")] == shown
    assert list(root.iter(f"{SVG}circle")) == []  # nor the cursor
    expect(page.get_by_test_id("lines").locator("circle").first).to_be_visible()
    name, png = save_as(page, "PNG")
    assert name == "tokens-my-wife-is-working-as-a.png"
    assert png.startswith(b"\x89PNG\r\n\x1a\n")


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
