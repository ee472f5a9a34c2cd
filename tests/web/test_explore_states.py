"""Explore: links of the reference, saved files, an incomplete index, narrow windows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.demo import N_LAYERS
from tests.web.explore_page import ExplorePage, ask, shown_hits, wait_for_index, words
from tests.web.waits import Asked, until

FOUND = "Value vectors found"


@pytest.fixture(scope="module", autouse=True)
def _indexed(server: Server) -> None:
    wait_for_index(server)


# --- links of the reference ----------------------------------------------------------------------


def test_keywords_of_a_reference_link(open_page: OpenPage, server: Server) -> None:
    query = ",".join(words(server.url, 2))
    page = open_page(f"/?keywords={query}")
    view = ExplorePage(page)
    expect(view.search_box).to_have_value(query)
    expected = ask(server, "search/keywords", q=query, n=5)["hits"]
    assert view.hits(FOUND) == shown_hits(expected)
    assert page.evaluate("location.search") == ""


def test_vector_of_a_reference_link(open_page: OpenPage) -> None:
    page = open_page("/?keywords=music&L=2&D=41&visualize=true")
    ExplorePage(page).shows_value("L2D41")


def test_cluster_of_a_reference_link(open_page: OpenPage, server: Server) -> None:
    page = open_page("/?L=2&D=41&visualize=true&visualize_cluster=true")
    cluster = ask(server, "values/2/41/place")["cluster"]
    heading = ExplorePage(page).cluster.get_by_role("heading", name=f"Cluster {cluster}")
    expect(heading).to_be_visible()


# --- files ---------------------------------------------------------------------------------------


def saved(page: Page, press: Callable[[], None]) -> tuple[str, bytes]:
    with page.expect_download() as download:
        press()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_clouds_are_the_same_every_time_and_can_be_saved(
    open_page: OpenPage, server: Server
) -> None:
    address = "/#/explore/value?v=1&s=L2D41"
    page = open_page(address)
    tokens = ask(server, "values/2/41", top_k=50)["promoted"]

    def save(kind: str, page: Page = page) -> tuple[str, bytes]:
        expect(page.get_by_test_id("cloud")).to_be_visible()
        page.get_by_role("button", name="Save as a file").click()
        return saved(page, lambda: page.get_by_role("menuitem", name=kind).click())

    name, svg = save("SVG")
    assert name == "l2d41-tokens.svg"
    assert svg.count(b"<text") == 50
    assert b"var(" not in svg
    assert b"http" not in svg.replace(b"http://www.w3.org/2000/svg", b"")
    assert save("SVG", open_page(address))[1] == svg

    name, png = save("PNG")
    assert name == "l2d41-tokens.png"
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(png) > 10_000

    name, csv = save("CSV")
    assert name == "l2d41-tokens.csv"
    lines = csv.decode().split("\r\n")
    assert lines[0] == '"id","token","hex","logit"'
    first = tokens[0]
    assert lines[1].startswith(f'{first["id"]},"{first["text"]}",')
    assert float(lines[1].rsplit(",", 1)[1]) == pytest.approx(first["logit"], rel=1e-6)


def test_results_can_be_saved(open_page: OpenPage, server: Server) -> None:
    (word,) = words(server.url, 1)
    page = open_page(f"/#/explore/search?v=1&q={word}")
    button = page.get_by_role("button", name="Save as CSV")
    name, csv = saved(page, button.click)
    assert name == f"vectors-{word}.csv"
    hits = ask(server, "search/keywords", q=word, n=5)["hits"]
    rows = csv.decode().split("\r\n")[1:-1]
    assert [row.split(",")[:2] for row in rows] == [
        [str(hit["layer"]), str(hit["dim"])] for hit in hits
    ]


# --- while the index is not complete -------------------------------------------------------------

BUILDING = {
    "model": "demo",
    "state": "building",
    "stage": "projections",
    "done": 0,
    "total": N_LAYERS,
    "seconds_left": 47.2,
    "error": None,
    "layers_ready": 0,
    "n_layers": N_LAYERS,
    "n_clusters": None,
}


class Index:
    """Answers for the server's index; the actions that the page asks for are kept."""

    def __init__(self, page: Page, **state: Any) -> None:
        self.state = {**BUILDING, **state}
        self.actions: list[str] = []
        page.route(re.compile(r"/api/v1/index(\?|$)"), self._answer)

    def _answer(self, route: Route) -> None:
        if route.request.method == "POST":
            self.actions.append(json.loads(route.request.post_data or "{}")["action"])
            self.state["state"] = "cancelled" if self.actions[-1] == "cancel" else "building"
        route.fulfill(json=self.state)


def test_views_fill_while_the_index_is_built(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    index = Index(page)
    page.goto(f"{server.url}/#/explore/search?v=1&q={words(server.url, 1)[0]}")
    state = page.get_by_test_id("index-state")
    expect(state).to_contain_text(f"reading layer 1 of {N_LAYERS}")
    expect(state).to_contain_text("about 47 s left")
    expect(page.get_by_text("No layer is read yet")).to_be_visible()
    asked = Asked(page, "/keywords")
    for layers in (1, 3):
        index.state.update(done=layers, layers_ready=layers)
        expect(state).to_contain_text(f"{layers} of {N_LAYERS} layers can be searched")
        expect(page.get_by_role("list", name=FOUND)).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "3")
    until(page, lambda: len(asked) >= 2)
    shoot(page, "explore-building")

    # without clusters the map says why; it comes by itself
    page.get_by_role("link", name="Map").click()
    expect(page.get_by_text("The clusters are found once all layers are read")).to_be_visible()
    index.state.update(state="ready", layers_ready=N_LAYERS, n_clusters=5)
    expect(page.get_by_role("table", name="Clusters")).to_be_visible()
    expect(state).to_have_count(0)
    assert len(asked) == 2  # once for each number of layers


def test_a_server_without_clusters_says_so(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    Index(page, state="ready", stage="projections", done=8, layers_ready=8, n_clusters=0)
    place = {**ask(server, "values/5/541/place"), "cluster": None, "cluster_size": None}
    page.route("**/api/v1/values/5/541/place?*", lambda route: route.fulfill(json=place))
    for path in ("map", "cluster?v=1&c=0", "cluster?v=1&c=L5D541"):
        page.goto(f"{server.url}/#/explore/{path}")
        expect(page.get_by_text("This server builds no clusters")).to_be_visible()
    page.goto(f"{server.url}/#/explore/value?v=1&s=L5D541")
    expect(page.get_by_test_id("value-page")).to_contain_text("none built")
    expect(page.get_by_text("0 clusters")).to_have_count(0)


def test_cancel_and_go_on(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    index = Index(page, done=2, layers_ready=2)
    page.goto(f"{server.url}/#/explore")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The index is not complete")).to_be_visible()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_test_id("index-state")).to_contain_text(f"reading layer 3 of {N_LAYERS}")
    assert index.actions == ["cancel", "start"]


def test_a_failed_index_leaves_the_rest_working(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    index = Index(page, state="failed", error="The disk is full.", seconds_left=None)
    page.goto(f"{server.url}/#/explore/search?v=1&k=concepts&q=music")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The disk is full.")
    reply = ask(server, "search/concepts", q="music", n=20)
    expect(page.get_by_role("list", name=FOUND)).to_be_visible()
    assert ExplorePage(page).hits(FOUND) == shown_hits(reply["hits"])
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_test_id("index-state")).to_contain_text(f"reading layer 1 of {N_LAYERS}")
    assert index.actions == ["start"]


# --- looks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1440, 1024, 390])
@pytest.mark.parametrize(
    ("place", "landmark"),
    [
        ("search?v=1&k=concepts&q=music,-school", f"role=list[name='{FOUND}']"),
        ("value?v=1&s=L2D41", "data-testid=cloud"),
        ("cluster?v=1&c=0", "data-testid=cloud"),
        ("map?v=1", "role=table[name=Clusters]"),
    ],
    ids=["search", "value", "cluster", "map"],
)
def test_nothing_overflows(open_page: OpenPage, place: str, landmark: str, width: int) -> None:
    scheme = "dark" if width == 1024 else "light"
    page = open_page(f"/#/explore/{place}", width=width, scheme=scheme)
    expect(page.locator(landmark)).to_be_visible()
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0
    shoot(page, f"explore-{place.split('?')[0]}-{width}-{scheme}")
