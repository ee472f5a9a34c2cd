"""Tokens followed through the layers, as lines and as numbers."""

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

from tests.reference import Array, Edit
from tests.web.conftest import OpenPage
from tests.web.random_server import RandomServer, interleaved, link, number
from tests.web.trace_page import TracePage
from tests.web.why_page import (
    EDITS,
    N_LAYERS,
    PROMPT,
    SVG,
    TOKENS,
    choose,
    ids,
    settled,
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
