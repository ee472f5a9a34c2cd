"""Explore: the map of all clusters."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.explore_page import ExplorePage, ask, wait_for_index
from tests.web.waits import address, back

FOUND = "Value vectors found"
VECTOR = {"layer": 2, "dim": 41}


@pytest.fixture(scope="module", autouse=True)
def _indexed(server: Server) -> None:
    wait_for_index(server)


def test_map(open_page: OpenPage, server: Server) -> None:
    page = open_page("/#/explore/map")
    view = ExplorePage(page)
    clusters = ask(server, "clusters")["clusters"]
    expect(page.get_by_test_id("shown-clusters")).to_have_text(f"{len(clusters)} clusters")

    def ids() -> list[int]:
        return [int(row.get_by_role("link").inner_text()) for row in view.rows.all()]

    by_size = sorted(clusters, key=lambda cluster: (-cluster["size"], cluster["id"]))
    shown = ids()
    assert shown == [cluster["id"] for cluster in by_size][: len(shown)]
    expect(view.rows.first).to_contain_text(str(by_size[0]["size"]))
    shoot(page, "explore-map")

    page.get_by_role("button", name="Cohesion").click()
    best = sorted(clusters, key=lambda cluster: (-cluster["cohesion"], cluster["id"]))
    expect(view.rows.first.get_by_role("link")).to_have_text(str(best[0]["id"]))
    header = page.get_by_role("columnheader", name="Cohesion")
    expect(header).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Cohesion").click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    expect(view.rows.first.get_by_role("link")).to_have_text(str(best[-1]["id"]))

    word = by_size[0]["label"][0]["text"].strip().lower()
    found = {
        cluster["id"]
        for cluster in clusters
        if any(word in token["text"].lower() for token in cluster["label"])
    }
    page.get_by_role("searchbox", name="Search the labels").fill(word)
    expect(page.get_by_test_id("shown-clusters")).to_have_text(
        f"{len(found)} of {len(clusters)} clusters"
    )
    assert set(ids()) <= found

    # a cluster, and back to the map as it was
    assert "f=" in address(page)
    row = view.rows.first
    chosen = row.get_by_role("link").inner_text()
    row.click()
    expect(view.cluster.get_by_role("heading", name=f"Cluster {chosen}")).to_be_visible()
    back(page)
    expect(page.get_by_role("searchbox", name="Search the labels")).to_have_value(word)
    expect(header).to_have_attribute("aria-sort", "ascending")


def test_map_of_a_large_model_holds_only_what_is_in_sight(
    open_page: OpenPage, server: Server
) -> None:
    label = [{"id": id, "text": f" w{id}", "hex": None} for id in range(5)]
    clusters = [
        {"id": id, "size": 25, "label": label, "layers": [1] * 36, "cohesion": id / 4000}
        for id in range(4000)
    ]
    page = open_page()
    body = {"model": "demo", "clusters": clusters}
    page.route("**/api/v1/clusters?*", lambda route: route.fulfill(json=body))
    page.goto(f"{server.url}/#/explore/map")
    view = ExplorePage(page)
    expect(page.get_by_test_id("shown-clusters")).to_have_text("4,000 clusters")
    assert view.rows.count() < 60
    page.get_by_role("button", name="Cohesion").click()
    expect(view.rows.first).to_contain_text("3999")
    page.get_by_role("table", name="Clusters").evaluate(
        "table => { table.parentElement.scrollTop = 1e9 }"
    )
    expect(view.rows.last.get_by_role("link")).to_have_text("0")
    assert view.rows.count() < 60
