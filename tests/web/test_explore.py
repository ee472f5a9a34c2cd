"""Explore, as a person would use it: search, vectors, clusters, links and Back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.demo import FFN_WIDTH, LAST
from tests.web.explore_page import ExplorePage, ask, key, shown_hits, wait_for_index, words
from tests.web.trace_page import TracePage
from tests.web.waits import Held, address, back, forward

FOUND = "Value vectors found"
VECTOR = {"layer": 2, "dim": 41}


@pytest.fixture(scope="module", autouse=True)
def _indexed(server: Server) -> None:
    wait_for_index(server)


# --- search --------------------------------------------------------------------------------------


def test_keyword_search(open_page: OpenPage, server: Server) -> None:
    a, b = words(server.url, 2)
    query = f"{a.title()}, {b}"
    page = open_page("/#/explore")
    view = ExplorePage(page)
    view.search(query)
    reply = ask(server, "search/keywords", q=query, n=5)
    expect(page.get_by_test_id("count")).to_contain_text(f"of {reply['total']}")
    assert view.hits(FOUND) == shown_hits(reply["hits"])

    # what matched is marked, wherever among the fifty it stands
    marks = page.get_by_role("list", name=FOUND).locator("mark bdi")
    texts = {token["text"] for hit in reply["hits"] for token in hit["matched"]}
    assert set(marks.all_inner_texts()) == texts
    assert texts
    assert all(text.strip().lower() in (a, b) for text in texts)
    shoot(page, "explore-keywords")

    page.get_by_role("spinbutton", name="Results").fill("12")
    reply = ask(server, "search/keywords", q=query, n=12)
    found = page.get_by_role("list", name=FOUND).get_by_role("listitem")
    expect(found).to_have_count(len(reply["hits"]))
    assert view.hits(FOUND) == shown_hits(reply["hits"])

    # a click shows the vector, its arrow sends it to Interventions
    best = key(reply["hits"][0])
    rows = page.get_by_role("list", name=FOUND)
    rows.get_by_role("button", name=re.compile(f"^{best} ")).click()
    expect(TracePage(page).details).to_contain_text(best)
    rows.get_by_role("button", name=f"Send {best} to Interventions").click()
    expect(TracePage(page).card(best)).to_be_visible()

    # its page, and back to the same results
    rows.get_by_role("link", name=f"Open the page of {best}").click()
    view.shows_value(best)
    back(page)
    expect(view.search_box).to_have_value(query)
    assert view.hits(FOUND) == shown_hits(reply["hits"])
    forward(page)
    view.shows_value(best)


def test_search_says_when_words_match_in_part_or_not_at_all(
    open_page: OpenPage, server: Server
) -> None:
    page = open_page("/#/explore")
    view = ExplorePage(page)
    word = "antidisestablishmentarianism"
    found = ask(server, "search/keywords", q=words(server.url, 1)[0])
    in_part = {**found, "partial": [word]}
    page.route("**/search/keywords?*", lambda route: route.fulfill(json=in_part))
    view.search(word)
    expect(page.get_by_role("note")).to_contain_text(f"“{word}”")
    assert view.hits(FOUND) == shown_hits(found["hits"])
    page.unroute("**/search/keywords?*")
    nothing = {**found, "hits": [], "total": 0, "partial": []}
    page.route("**/search/keywords?*", lambda route: route.fulfill(json=nothing))
    view.search("zebra")
    expect(page.get_by_text("No value vector lists this")).to_be_visible()
    page.get_by_text("Concept", exact=True).click()
    expect(page.get_by_role("list", name=FOUND).get_by_role("listitem")).to_have_count(20)


def test_concept_search(open_page: OpenPage, server: Server) -> None:
    a, b, c = words(server.url, 3)
    query = f"{a}, {b}, -{c}"
    page = open_page("/#/explore")
    view = ExplorePage(page)
    view.choose("Concept")
    view.search(query)
    reply = ask(server, "search/concepts", q=query, n=20)
    assert view.hits(FOUND) == shown_hits(reply["hits"])
    listed = page.get_by_role("list", name="The tokens that stand for each word")
    for word, item in zip(reply["words"], listed.get_by_role("listitem").all(), strict=True):
        assert ("demoted" in item.inner_text()) == word["demoted"]
        shown = item.locator("bdi").all_inner_texts()
        assert shown == [word["text"], *(token["text"] for token in word["tokens"])]
    shoot(page, "explore-concept")

    view.choose("÷ norm")
    page.get_by_role("combobox", name="Layers").select_option("2")
    page.get_by_role("combobox", name="to", exact=True).select_option("4")
    view.settle()
    asked = {"q": query, "n": 20, "normalised": "true", "first_layer": 2, "last_layer": 4}
    expected = shown_hits(ask(server, "search/concepts", **asked)["hits"])
    expect(page.get_by_role("list", name=FOUND).get_by_role("listitem").first).to_contain_text(
        expected[0][0]
    )
    view.settle()
    assert view.hits(FOUND) == expected

    # the link has all of it
    other = ExplorePage(open_page(f"/{address(page)}"))
    assert other.hits(FOUND) == expected
    expect(other.search_box).to_have_value(query)


def test_each_search_is_a_step_back(open_page: OpenPage, server: Server) -> None:
    a, b = words(server.url, 2)
    page = open_page("/#/explore/search")
    view = ExplorePage(page)
    for query in (a, b):
        view.search(query)
        expect(page.get_by_test_id("count")).to_be_visible()
        assert f"q={query}" in address(page)
    back(page)
    expect(view.search_box).to_have_value(a)
    forward(page)
    expect(view.search_box).to_have_value(b)


def test_old_results_are_marked_until_the_new_ones_come(
    open_page: OpenPage, server: Server
) -> None:
    a, b = words(server.url, 2)
    page = open_page(f"/#/explore/search?v=1&q={a}")
    view = ExplorePage(page)
    old, new = (shown_hits(ask(server, "search/keywords", q=q, n=5)["hits"]) for q in (a, b))
    assert view.hits(FOUND) == old
    held = Held(page, "**/search/keywords?*")
    view.search_box.fill(b)
    view.search_box.press("Enter")
    held.wait(page)
    marked = page.locator("[data-outdated]").get_by_role("list", name=FOUND)
    expect(marked).to_be_visible()
    labels = marked.locator("[data-node] > span:first-child").all_inner_texts()
    assert labels == [name for name, _ in old]
    held.wait(page).continue_()
    held.end()
    assert view.hits(FOUND) == new


def test_a_typed_vector_is_gone_to(open_page: OpenPage) -> None:
    page = open_page("/#/explore")
    view = ExplorePage(page)
    view.search_box.fill("L99D1")
    view.search_box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(f"layers 0 to {LAST}")
    view.search_box.fill("l2d34")
    view.search_box.press("Enter")
    view.shows_value("L2D34")
    box = page.get_by_role("combobox", name="Go to a value vector")
    box.fill(f"L3D{FFN_WIDTH}")
    box.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(f"dimensions 0 to {FFN_WIDTH - 1}")
    box.fill("L3D7")
    box.press("Enter")
    view.shows_value("L3D7")


# --- vectors and clusters ------------------------------------------------------------------------


def test_value_page(open_page: OpenPage, server: Server) -> None:
    name = key(VECTOR)
    page = open_page(f"/#/explore/value?v=1&s={name}")
    view = ExplorePage(page)
    view.shows_value(name)
    path = f"values/{VECTOR['layer']}/{VECTOR['dim']}"
    place = ask(server, f"{path}/place")
    facts = view.value.locator("dl").first
    expect(facts).to_contain_text(f"number {place['norm_rank']:,} of {place['n_vectors']:,}")
    expect(facts).to_contain_text(f"{place['cluster_size']} vectors")

    # the cloud has all fifty tokens; the table has them for reading
    tokens = ask(server, path, top_k=50)["promoted"]
    expect(page.get_by_test_id("cloud").locator("text")).to_have_count(50)
    page.get_by_text("Table", exact=True).click()
    table = page.get_by_role("table", name=f"Word cloud of {name}")
    assert table.get_by_role("rowheader").all_inner_texts() == [token["text"] for token in tokens]

    bars = view.value.get_by_role("list", name="Promotes these tokens").get_by_role("listitem")
    expect(bars).to_have_count(40)
    view.choose("Both ends")
    expect(bars).to_have_count(20)
    low = view.value.get_by_role("list", name="Suppresses these tokens").get_by_role("listitem")
    expect(low).to_have_count(20)

    nearest = ask(server, f"{path}/neighbours", n=20)["hits"]
    assert view.hits("Nearest vectors") == shown_hits(nearest)
    view.choose("Most opposed")
    opposed = ask(server, f"{path}/neighbours", n=20, opposite="true")["hits"]
    expect(page.get_by_role("list", name="Most opposed vectors")).to_be_visible()
    assert view.hits("Most opposed vectors") == shown_hits(opposed)
    shoot(page, "explore-value")

    # next, previous, a neighbour, and all the way back
    view.value.get_by_role("button", name="Next: L2D42").click()
    view.shows_value("L2D42")
    page.locator("body").press("k")
    view.shows_value(name)
    view.choose("Nearest")
    row = re.compile(f"^{key(nearest[0])} ")
    page.get_by_role("list", name="Nearest vectors").get_by_role("button", name=row).click()
    view.shows_value(key(nearest[0]))
    for _ in range(2):
        back(page)
    view.shows_value("L2D42")

    view.value.get_by_role("button", name="Add to Interventions").click()
    expect(TracePage(page).card("L2D42")).to_be_visible()


def test_rename_on_the_value_page(open_page: OpenPage) -> None:
    page = open_page("/#/explore/value?v=1&s=L2D41")
    view = ExplorePage(page)
    view.value.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name of L2D41").fill("months; <b>a=b</b>")
    page.keyboard.press("Enter")
    view.shows_value("months; <b>a=b</b>")
    box = page.get_by_role("combobox", name="Go to a value vector")
    page.get_by_role("button", name=re.compile("^Next: ")).click()
    view.shows_value("L2D42")
    box.fill("MONTHS; <b>a=b</b>")
    box.press("Enter")
    view.shows_value("months; <b>a=b</b>")


def test_from_a_trace_and_back(open_page: OpenPage) -> None:
    page = open_page()
    trace, view = TracePage(page), ExplorePage(page)
    trace.trace("The king and his")
    updates = trace.list(f"Dominant sub-updates of layer {LAST}").get_by_role("button")
    updates.first.click()
    vector = trace.details.get_by_test_id("details-title").inner_text()
    trace.details.get_by_role("link", name="Explore").click()
    view.shows_value(vector)
    back(page)
    trace.wait()
    expect(trace.details).to_contain_text(vector)
    page.locator("body").press("o")
    view.shows_value(vector)
    page.locator("body").press("t")
    trace.wait()
    expect(trace.prompt).to_have_value("The king and his")


def test_cluster_page(open_page: OpenPage, server: Server) -> None:
    clusters = ask(server, "clusters")["clusters"]
    largest = max(clusters, key=lambda cluster: cluster["size"])
    page = open_page(f"/#/explore/cluster?v=1&c={largest['id']}")
    view = ExplorePage(page)
    reply = ask(server, f"clusters/{largest['id']}", n=10)
    expect(view.cluster).to_contain_text(f"{largest['size']} value vectors")
    members = "Members of the cluster"
    assert view.hits(members) == shown_hits(reply["members"])
    assert len(reply["members"]) == 10
    # all twenty tokens of each, none of them cut off (rule 18)
    for row in page.get_by_role("list", name=members).get_by_role("listitem").all():
        row.scroll_into_view_if_needed()
        tokens = row.get_by_role("button").first.locator("> span").nth(2).locator("bdi")
        expect(tokens).to_have_count(20)
        box, last = row.bounding_box(), tokens.last.bounding_box()
        assert box is not None
        assert last is not None
        assert last["x"] + last["width"] <= box["x"] + box["width"]
        assert last["y"] + last["height"] <= box["y"] + box["height"]
    expect(page.get_by_test_id("cloud").locator("text")).to_have_count(30)
    histogram = page.get_by_role("img", name="Members by layer")
    for layer, count in enumerate(largest["layers"]):
        if count > 0:
            expect(histogram).to_have_attribute(
                "aria-label", re.compile(rf"\b{count} in layer {layer}(,|$)")
            )
    shoot(page, "explore-cluster")

    # ten others; their link shows the same ones, and Back the first ten
    page.get_by_role("button", name="Ten others").click()
    others = ask(server, f"clusters/{largest['id']}", n=10, seed=1)["members"]
    assert others != reply["members"]
    view.settle()
    assert view.hits(members) == shown_hits(others)
    linked = ExplorePage(open_page(f"/{address(page)}"))
    expect(linked.cluster).to_be_visible()
    assert linked.hits(members) == shown_hits(others)
    back(page)
    view.settle()
    assert view.hits(members) == shown_hits(reply["members"])

    # all of them can be reached
    rows = page.get_by_role("list", name=members).get_by_role("listitem")
    while (more := page.get_by_role("button", name=re.compile("^Show "))).count() > 0:
        before = rows.count()
        more.click()
        expect(rows).not_to_have_count(before)
    everybody = ask(server, f"clusters/{largest['id']}", n=200)["members"]
    assert len(everybody) == largest["size"]
    assert view.hits(members) == shown_hits(everybody)
