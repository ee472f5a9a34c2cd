"""The grid of all positions and layers."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.reference import Array, Edit
from tests.web.conftest import OpenPage, shoot
from tests.web.grid_page import EDITS, PROMPT, cell, choose, grid, settled
from tests.web.random_server import RandomServer, interleaved, link, number
from tests.web.trace_page import TracePage
from tests.web.waits import Held, back


def nats(value: float) -> str:
    return "<.01" if 0 < value < 0.005 else f"{value:.2f}"


def entropy(p: Array) -> float:
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def distributions(served: RandomServer, edits: list[Edit]) -> list[list[Array]]:
    """By the oracle: [2 L][T] distributions."""
    run = served.run(PROMPT, edits)
    columns = [interleaved(run, t) for t in range(len(served.encode(PROMPT)))]
    return [[served.oracle.lens(column[s]) for column in columns] for s in range(len(columns[0]))]


def test_every_cell_shows_the_oracles_prediction(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="grid", r="unedited"), at=small.server)
    settled(page)
    page.get_by_role("checkbox", name="Before states too").check()
    for reading, edits in (("Unedited", []), ("Edited", EDITS)):
        choose(page, "Which run the grid shows", reading)
        truth = distributions(small, edits)
        cells = grid(page).get_by_role("gridcell")
        expect(cells).to_have_count(len(truth) * len(truth[0]))
        choose(page, "What the cells show", "Probability")
        for state, row in enumerate(truth):
            for column, p in enumerate(row):
                top = int(p.argmax())
                text = cell(page, state, column).text_content() or ""
                assert text.startswith(small.decode(top)), (reading, state, column)
                assert float(text.removeprefix(small.decode(top))) == pytest.approx(
                    p[top], abs=0.00051
                )
        choose(page, "What the cells show", "Entropy")
        for state, row in enumerate(truth):
            for column, p in enumerate(row):
                text = cell(page, state, column).text_content() or ""
                assert text.endswith(nats(entropy(p))), (reading, state, column)


def test_the_difference_is_kl_and_what_changed(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="grid", r="difference"), at=small.server)
    settled(page)
    plain, edited = distributions(small, []), distributions(small, EDITS)
    changed = 0
    for state in range(1, len(plain), 2):
        for column, (p, q) in enumerate(zip(plain[state], edited[state], strict=True)):
            place = cell(page, state, column)
            text = place.text_content() or ""
            was, now = small.decode(int(p.argmax())), small.decode(int(q.argmax()))
            kl = float((q * np.log(q / p)).sum())
            shown = f"{was}≠ {now}" if was != now else now
            changed += was != now
            assert text.startswith(shown)
            assert text.removeprefix(shown) in {nats(abs(kl + e)) for e in (-2e-6, 0, 2e-6)}
    assert changed > 0
    # one cell in full: what is shown is rounded, the titles are not
    cell(page, 5, 3).hover()
    summary = page.get_by_test_id("cell")
    expect(summary).to_contain_text("after layer 2, at token 3")
    expect(summary).to_contain_text(re.compile("unedited.*edited.*KL"))
    p, q = plain[5][3], edited[5][3]
    titles = summary.locator("[title^=probability]")
    assert number(titles.nth(0)) == pytest.approx(p.max(), rel=1e-5)
    assert number(titles.nth(1)) == pytest.approx(q.max(), rel=1e-5)
    kl = number(summary.locator("span", has_text="KL").last)
    assert kl == pytest.approx(float((q * np.log(q / p)).sum()), rel=1e-3)


def test_keys_walk_and_enter_opens_the_layer(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="grid", r="edited"), at=small.server)
    settled(page)
    traced = len(small.encode(PROMPT)) - 1
    page.get_by_role("checkbox", name="Before states too").focus()
    page.keyboard.press("Tab")
    expect(cell(page, 1, traced)).to_be_focused()
    page.keyboard.press("Tab")
    expect(grid(page).locator(":focus")).to_have_count(0)  # one stop, not one for each cell
    page.keyboard.press("Shift+Tab")
    for key in ("ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    expect(cell(page, 3, traced - 2)).to_be_focused()
    expect(page.get_by_test_id("cell")).to_contain_text(f"after layer 1, at token {traced - 2}")
    page.keyboard.press("Enter")
    view = TracePage(page)
    view.wait()
    expect(page.locator("#layer-1")).to_be_focused()
    expect(page).to_have_url(re.compile(f"t={traced - 2}"))
    edited = small.run(PROMPT, EDITS)
    best = np.sort(small.oracle.lens(edited.after[1, traced - 2]))[::-1]
    shown = [prob for _, prob in view.tokens("After layer 1")]
    for prob, expected in zip(shown, best[:10], strict=True):
        if "<" in prob:
            assert expected < float(prob.replace("<", ""))
        else:
            assert float(prob) == pytest.approx(expected, abs=0.00051)
    back(page)
    settled(page)


def test_a_click_opens_the_last_token_as_the_default(
    open_page: OpenPage, small: RandomServer
) -> None:
    page = open_page(link(PROMPT, [], w="grid", t="1"), at=small.server)
    settled(page)
    cell(page, 5, len(small.encode(PROMPT)) - 1).click()
    TracePage(page).wait()
    expect(page.locator("#layer-2")).to_be_in_viewport()
    expect(page).not_to_have_url(re.compile("[?&]t="))


def test_the_csv_has_every_number(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="grid"), at=small.server)
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the grid as CSV").click()
    text = Path(download.value.path()).read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    truth = {"unedited": distributions(small, []), "edited": distributions(small, EDITS)}
    n = len(small.encode(PROMPT))
    assert len(rows) == 2 * len(truth["edited"]) * n
    for row in rows:
        state = 2 * int(row["layer"]) + (row["state"] == "after")
        p = truth[row["run"]][state][int(row["position"])]
        assert row["token"] == small.decode(int(row["token_id"]))
        assert p[int(row["token_id"])] == pytest.approx(p.max(), rel=1e-5)
        assert float(row["probability"]) == pytest.approx(p.max(), rel=1e-5)
        assert float(row["entropy"]) == pytest.approx(entropy(p), rel=1e-5)
        if row["run"] == "edited":
            q, p = p, truth["unedited"][state][int(row["position"])]
            kl = float((q * np.log(q / p)).sum())
            assert float(row["kl"]) == pytest.approx(kl, rel=1e-3, abs=2e-6)
        else:
            assert row["kl"] == ""


def test_it_follows_the_interventions(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, EDITS, w="grid", r="edited"), at=small.server)
    settled(page)
    last = len(small.encode(PROMPT)) - 1
    number_box = TracePage(page).card("L1D5").get_by_role("textbox")
    for value in (3.0, 40.0):
        number_box.fill(str(value))
        edits: list[Edit] = [{**EDITS[0], "value": value}, EDITS[1]]
        p = small.oracle.lens(small.run(PROMPT, edits).after[2, last])
        top = small.decode(int(p.argmax()))
        expect(cell(page, 5, last)).to_have_text(
            f"{top}{p.max():.3f}".replace(f"{top}0.", f"{top}.")
        )


def test_old_cells_stay_until_the_new_ones_come(open_page: OpenPage, small: RandomServer) -> None:
    page = open_page(link(PROMPT, [], w="grid"), at=small.server)
    settled(page)
    first = small.decode(small.encode(PROMPT)[0])
    traces = Held(page, "**/api/v1/trace")
    grids = Held(page, "**/api/v1/grid")
    view = TracePage(page)
    view.prompt.fill("The slow one")
    view.prompt.press("Enter")
    expect(grid(page)).to_have_attribute("data-outdated", "true")
    traces.wait(page).continue_()
    traces.end()
    grids.wait(page)
    expect(grid(page)).to_have_attribute("data-outdated", "true")
    expect(grid(page).get_by_role("columnheader").nth(1)).to_contain_text(first)
    view.prompt.fill("The quick brown fox")
    view.prompt.press("Enter")
    grids.wait(page, 2).continue_()
    settled(page)
    tokens = [small.decode(token) for token in small.encode("The quick brown fox")]
    expect(grid(page).get_by_role("columnheader")).to_contain_text(tokens)
    grids.end()


def test_a_failure_is_said_in_the_panel_and_can_be_tried_again(
    open_page: OpenPage, small: RandomServer
) -> None:
    page = open_page(link(PROMPT, []), at=small.server, expect_failed_requests=True)
    TracePage(page).wait()
    page.route("**/api/v1/grid", lambda route: route.fulfill(status=500, body="oops"))
    choose(page, "What the middle shows", "Grid")
    panel = page.get_by_role("region", name="Grid")
    expect(panel.get_by_role("alert")).to_be_visible()
    shoot(page, "grid-failed")
    page.unroute("**/api/v1/grid")
    panel.get_by_role("button", name="Try again").click()
    settled(page)
    expect(panel.get_by_role("alert")).to_have_count(0)
    # what the trace cannot do either is said once
    view = TracePage(page)
    view.prompt.fill("word " * 200)
    view.prompt.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(1)
    expect(grid(page)).to_be_visible()
