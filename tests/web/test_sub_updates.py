"""All sub-updates of one layer, in the place of the list of layers."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.models import random_model, save
from tests.reference import Edit, ranked
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer, link, serving
from tests.web.sub_updates_page import (
    FIRST,
    PROMPT,
    ask,
    is_there,
    key,
    number,
    open_layer,
    panel,
    rows,
    token_ids,
    vectors,
)
from tests.web.trace_page import TracePage

LINK = link(PROMPT, [])
N_LAYERS = 8
LAST = N_LAYERS - 1
WIDTH = 240  # more than the server lists at a time


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RandomServer]:
    folder = tmp_path_factory.mktemp("wide")
    save(random_model({"n_layer": N_LAYERS, "n_inner": WIDTH}, seed=11), folder)
    with serving(folder) as running:
        yield running


@pytest.fixture
def server(wide: RandomServer) -> Server:
    return wide.server


@pytest.fixture(scope="module")
def edit(wide: RandomServer) -> Edit:
    """The strongest sub-update of the last layer, turned around and stronger still."""
    scores = wide.oracle.scores(wide.run(PROMPT).m[LAST, -1], LAST)
    return {"layer": LAST, "dim": int(scores.argmax()), "kind": "scale", "value": -3.0}


def test_score_share_and_sign_of_every_sub_update(open_page: OpenPage, wide: RandomServer) -> None:
    oracle = wide.oracle
    run = wide.run(PROMPT)
    page = open_page(LINK)
    for layer in (0, LAST):
        m, values = run.m[layer, -1], oracle.values(layer)
        scores = oracle.scores(m, layer)
        chosen = ranked(scores, FIRST)
        TracePage(page).wait()
        told = page.locator(f"#layer-{layer}").get_by_text("carry")
        share = scores[chosen[:10]].sum() / scores.sum()
        assert told.text_content() == f"top 10 carry {round(100 * share)} %"
        open_layer(page, layer)
        assert vectors(page) == [f"L{layer}D{dim}" for dim in chosen]
        for row, dim in zip(rows(page).all(), chosen, strict=True):
            title = row.locator("[title^=coefficient]").get_attribute("title")
            assert number(title) == pytest.approx(m[dim], rel=1e-4, abs=1e-6)
            sign = row.locator("[title^=coefficient]").inner_text()[0]
            assert sign == ("−" if m[dim] < 0 else "+")
            score = row.locator("[title^=score]")
            assert number(score.get_attribute("title")) == pytest.approx(scores[dim], rel=1e-4)
            part = number(score.locator("small").get_attribute("title"))
            assert part == pytest.approx(scores[dim] / scores.sum(), rel=1e-4)
        # with the coefficient's sign: what it pushes is E (m v), not E v
        for row, dim in list(zip(rows(page).all(), chosen, strict=True))[:5]:
            pushed = oracle.unembedding @ (m[dim] * values[dim])
            up, down = (token_ids(row.locator(f"p:nth-of-type({n}) bdi")) for n in (1, 2))
            assert up == ranked(pushed, 5)
            assert down == ranked(-pushed, 5)
        page.keyboard.press("Escape")
        expect(panel(page)).to_have_count(0)


def test_more_up_to_the_server_s_limit(open_page: OpenPage, server: Server) -> None:
    page = open_page(LINK)
    open_layer(page, 3)
    expect(panel(page)).to_contain_text(f"{FIRST} of {WIDTH} sub-updates")
    for count in (100, 150, 200):
        page.get_by_role("button", name="Show 50 more").click()
        is_there(page, 3, count)
    expect(page.get_by_role("button", name="Show 50 more")).to_have_count(0)
    expect(panel(page)).to_contain_text("The server lists no more at a time.")
    assert vectors(page) == [key(item) for item in ask(server, layer=3, top_k=200)]


def test_the_effect_on_a_token_and_on_a_lead(open_page: OpenPage, server: Server) -> None:
    page = open_page(LINK)
    view = TracePage(page)
    view.wait()
    final = server.post("/api/v1/trace", {"prompt": PROMPT})
    a, b, _ = final["unedited"]["positions"][0]["layers"][-1]["after"]["top"][:3]
    after = view.list(f"After layer {LAST}")
    after.scroll_into_view_if_needed()
    for rank in (0, 1):
        after.get_by_role("button").nth(rank).click()
    open_layer(page, LAST)
    for versus, question in (
        (True, {"token": a["id"], "against": b["id"]}),
        (False, {"token": a["id"]}),
    ):
        page.get_by_role("checkbox", name="A rather than B").set_checked(versus)
        for sort in ("effect", "score"):
            page.get_by_text(f"By {sort}", exact=True).click()
            expected = ask(server, layer=LAST, sort=sort, **question)
            expect(rows(page).first.locator("[data-value]")).to_have_attribute(
                "data-value", key(expected[0])
            )
            is_there(page, LAST)
            assert vectors(page) == [key(item) for item in expected]
            titles = rows(page).locator("[title^=effect]").all()
            assert [number(cell.get_attribute("title")) for cell in titles] == pytest.approx(
                [item["effect"] for item in expected]
            )
        note = panel(page).get_by_text("exact reading")
        assert token_ids(note.locator("bdi")) == [
            id for id in (a["id"], b["id"] if versus else None) if id is not None
        ]
    shoot(page, "sub-updates-effect")


def test_without_a_token_there_is_no_effect(open_page: OpenPage) -> None:
    page = open_page(LINK)
    open_layer(page, 2)
    expect(page.get_by_role("radio", name="By effect")).to_be_disabled()
    expect(panel(page)).to_contain_text("Choose a token")
    expect(rows(page).locator("[title^=effect]")).to_have_count(0)


def test_the_edited_run_beside_the_unedited_one(
    open_page: OpenPage, server: Server, edit: Edit
) -> None:
    page = open_page(link(PROMPT, [edit]))
    open_layer(page, LAST)
    expect(panel(page)).to_contain_text("edited run")
    expected = ask(server, layer=LAST, interventions=[edit])
    assert vectors(page) == [key(item) for item in expected]
    edited = next(item for item in expected if item["dim"] == edit["dim"])
    row = rows(page).filter(has=page.locator(f"[data-value=L{LAST}D{edit['dim']}]"))
    now, was = re.findall(
        r"-?\d[\d.]*", row.locator("[title^=coefficient]").get_attribute("title") or ""
    )
    assert float(now) == pytest.approx(edited["coefficient"])
    assert float(was) == pytest.approx(edited["unedited_coefficient"])
    assert edited["coefficient"] == pytest.approx(-3 * edited["unedited_coefficient"], rel=1e-4)
    expect(row).to_contain_text("was +" if float(was) > 0 else "was −")
    # the reading that the layers have
    page.keyboard.press("1")
    expect(panel(page)).to_contain_text("unedited run")
    is_there(page, LAST)
    assert vectors(page) == [key(item) for item in ask(server, layer=LAST)]


def test_by_keyboard(open_page: OpenPage, edit: Edit) -> None:
    page = open_page(link(PROMPT, [edit]))
    view = TracePage(page)
    view.wait()
    body = page.get_by_test_id("layers").locator("xpath=../..")
    page.evaluate("document.getElementById('layer-4').scrollIntoView()")
    expect(page.get_by_role("navigation").locator("[aria-current=true]")).to_contain_text("4")
    before = body.evaluate("body => body.scrollTop")
    page.keyboard.press("m")
    is_there(page, 4)
    page.keyboard.press("Tab")
    while page.evaluate("!document.activeElement.matches('[data-node]')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    second = rows(page).nth(1).locator("[data-value]")
    expect(second).to_be_focused()
    name = second.get_attribute("data-value") or ""
    page.keyboard.press("Enter")
    expect(view.details).to_contain_text(name)
    page.keyboard.press("i")
    expect(view.card(name)).to_be_visible()
    is_there(page, 4)
    # the list of layers is where it was
    second.focus()
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    expect(page.get_by_role("button", name="All sub-updates of layer 4")).to_be_focused()
    assert body.evaluate("body => body.scrollTop") == before


def test_other_layers(open_page: OpenPage) -> None:
    page = open_page(LINK)
    open_layer(page, 1)
    page.keyboard.press("j")
    is_there(page, 2)
    page.keyboard.press("k")
    is_there(page, 1)
    page.get_by_role("navigation", name="Top token").locator("li button").nth(5).click()
    is_there(page, 5)
    page.get_by_role("button", name="Back to all layers").click()
    expect(panel(page)).to_have_count(0)
    expect(page.get_by_role("button", name="All sub-updates of layer 5")).to_be_focused()


def test_a_failure_is_said_and_tried_again(open_page: OpenPage) -> None:
    page = open_page(LINK, expect_failed_requests=True)
    TracePage(page).wait()
    broken = {
        "error": {"code": "internal", "message": "It broke.", "details": {}, "request_id": "r"}
    }
    page.route("**/api/v1/sub_updates", lambda route: route.fulfill(status=500, json=broken))
    page.get_by_role("button", name="All sub-updates of layer 2").click()
    expect(panel(page).get_by_role("alert")).to_contain_text("It broke.")
    page.unroute("**/api/v1/sub_updates")
    panel(page).get_by_role("button", name="Try again").click()
    is_there(page, 2)
    expect(panel(page).get_by_role("alert")).to_have_count(0)


def test_while_it_waits(open_page: OpenPage) -> None:
    page = open_page(LINK)
    TracePage(page).wait()
    held: list[Any] = []
    page.route("**/api/v1/sub_updates", lambda route: held.append(route))
    page.get_by_role("button", name="All sub-updates of layer 2").click()
    expect(panel(page).get_by_role("status")).to_contain_text("Reading the sub-updates of layer 2")
    for route in held:
        route.continue_()
    is_there(page, 2)
    expect(panel(page).get_by_role("status")).to_have_count(0)


def test_as_csv(open_page: OpenPage, server: Server, edit: Edit) -> None:
    page = open_page(link(PROMPT, [edit]))
    open_layer(page, LAST)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the sub-updates as CSV").click()
    assert download.value.suggested_filename == f"sub-updates-layer-{LAST}.csv"
    text = Path(download.value.path()).read_bytes().decode("utf-8")
    table = list(csv.DictReader(io.StringIO(text)))
    expected = ask(server, layer=LAST, interventions=[edit])
    for row, item in zip(table, expected, strict=True):
        assert (int(row["layer"]), int(row["dimension"])) == (LAST, item["dim"])
        for column in ("coefficient", "unedited_coefficient", "score", "share"):
            assert float(row[column]) == pytest.approx(item[column])
        assert row["effect"] == ""
        assert json.loads(row["pushes_up"]) == [token["text"] for token in item["up"]]
        assert json.loads(row["pushes_down"]) == [token["text"] for token in item["down"]]


def test_it_can_be_read(open_page: OpenPage, edit: Edit) -> None:
    page = open_page(link(PROMPT, [edit]))
    view = TracePage(page)
    view.wait()
    after = view.list("After layer 0")
    for rank in (0, 1):
        after.get_by_role("button").nth(rank).click()
    open_layer(page, 0)
    for width in at_every_width(page, "sub-updates"):
        expect(rows(page).first.locator("[title^=effect]")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        # every column has its room, and what it pushes the most
        widths = page.evaluate(
            """() => [...document.querySelector("[data-testid=sub-updates] tbody tr").children]
                .map((cell) => cell.getBoundingClientRect().width).filter((width) => width > 0)"""
        )
        assert min(widths) >= 30, width
        assert max(widths) == widths[-2] >= 80, width
    assert in_both_schemes(page, "sub-updates") == []
