"""Groups of interventions: switched, scaled, named, saved; undo and redo of all of it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.groups_page import at, grouped, linked, matches
from tests.web.random_server import RandomServer
from tests.web.share_page import PROMPT, SharePage
from tests.web.trace_page import drag
from tests.web.waits import address, reload


@pytest.fixture
def server(small: RandomServer) -> Server:
    """Whose page `open_page` opens."""
    return small.server


def test_strength_scales_what_is_sent(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    off = {"layer": 2, "dim": 12, "kind": "off"}
    plain = [*at(1)[:3], off, at(1)[4]]
    assert matches(view, server, plain)
    seen = [view.probabilities("edited")]
    for f in (0.5, 0.0, -1.0, 2.25):
        view.strength("music").fill(str(f))
        assert matches(view, server, at(f))
        seen.append(view.probabilities("edited"))
    assert len({tuple(each) for each in seen}) == 5
    expect(view.card("L1D3")).to_contain_text("not scaled")
    expect(view.card("L2D12")).to_contain_text("→ × −1.25")
    effect = view.card("L2D12").locator("[title^=coefficient]").inner_text()
    after = float(effect.split(" → ")[1].replace("−", "-"))
    # scaled is what it comes to under the edits before it
    others = [{**edit, "value": 1} if edit["dim"] == 12 else edit for edit in at(2.25)]
    reply = server.post("/api/v1/trace", {"prompt": PROMPT, "interventions": others})
    plain_m = next(e["edited_coefficient"] for e in reply["interventions"] if e["dim"] == 12)
    assert after == pytest.approx(-1.25 * plain_m, abs=0.0051)
    # all strengths typed in one visit to the field are one step
    view.undo()
    expect(view.strength("music")).to_have_value("1")
    assert matches(view, server, plain)
    view.redo()
    assert matches(view, server, at(2.25))


def test_a_drag_of_the_strength_is_live_and_one_step(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    view.wait()
    strength = view.group("music").get_by_role("slider", name="Strength")
    drag(strength, 0.5, "[data-testid=final-prediction] tbody")
    expect(view.strength("music")).to_have_value("3")
    assert matches(view, server, at(3))
    view.undo()
    expect(view.strength("music")).to_have_value("1")


def test_the_switch_keeps_each_cards_own(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    page = view.page
    page.get_by_role("checkbox", name="Apply L1D5", exact=True).uncheck()
    some = [*at(1)[:1], at(1)[2], {"layer": 2, "dim": 12, "kind": "off"}, at(1)[4]]
    assert matches(view, server, some)
    switch = page.get_by_role("checkbox", name="Apply the group music")
    switch.uncheck()
    view.wait()
    expect(view.final.locator("thead").get_by_text("edited", exact=True)).to_have_count(0)
    expect(page.get_by_role("checkbox", name="Apply L2D71", exact=True)).to_be_checked()
    switch.check()
    assert matches(view, server, some)
    view.undo()
    expect(switch).not_to_be_checked()
    view.undo()
    view.undo()
    expect(page.get_by_role("checkbox", name="Apply L1D5", exact=True)).to_be_checked()


HOSTILE = "<img src=x onerror=alert(1)>; “é😀” שלום"


def test_saved_and_loaded_again(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    page = view.page
    view.strength("music").fill("0.5")
    page.get_by_role("button", name="music", exact=True).click()
    box = page.get_by_role("textbox", name="Name of the group music")
    box.fill(HOSTILE)
    box.press("Enter")
    expect(page.get_by_role("button", name=HOSTILE, exact=True)).to_be_focused()
    view.card("L2D71").locator("[data-value]").click()
    view.details.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="Name of L2D71").fill("<b>songs</b>")
    page.keyboard.press("Enter")
    view.more(f"the group {HOSTILE}", "Save in this browser")
    expect(page.get_by_text(f"is saved for {server.model}")).to_be_visible()
    page.get_by_role("button", name="Undo all").click()
    assert view.order() == {}
    page.evaluate("key => localStorage.removeItem(key)", f"lmd.names.{server.model}")

    # another visit
    other = SharePage(open_page(linked("L1D5*set*1"), context=page.context))
    other.wait()
    other.page.get_by_role("button", name="Group", exact=True).click()
    shoot(other.page, "saved-groups")
    other.page.get_by_role("menuitem", name=f"{HOSTILE} 5").click()
    expect(other.page.get_by_text("1 of them changed, as it was there before")).to_be_visible()
    assert other.order() == {HOSTILE: ["L2D71", "L1D5", "L0D9", "L2D12", "L1D3"]}
    assert matches(other, server, at(0.5))
    expect(other.card("L2D71")).to_contain_text("<b>songs</b>")
    assert other.page.locator("img").count() == 0
    other.undo()
    assert other.order() == {"": ["L1D5"]}

    # deleted, and not quite
    delete = other.page.get_by_role("menuitem", name="Delete the saved group")
    other.page.get_by_role("button", name="Group", exact=True).click()
    delete.click()
    expect(other.page.get_by_text("is no longer saved")).to_be_visible()
    other.page.get_by_role("status").get_by_role("button", name="Undo").click()
    other.page.get_by_role("button", name="Group", exact=True).click()
    delete.click()
    other.page.get_by_role("button", name="Group", exact=True).click()
    expect(other.page.get_by_text("None is saved")).to_be_visible()


def test_saving_under_a_name_twice_can_be_undone(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    page = view.page
    view.more("the group music", "Save in this browser")
    view.strength("music").fill("3")
    view.more("the group music", "Save in this browser")
    expect(page.get_by_text("in place of the one of that name")).to_be_visible()

    def saved() -> Any:
        kept = "key => JSON.parse(localStorage.getItem(key))[0].strength"
        return page.evaluate(kept, f"lmd.groups.{server.model}")

    assert saved() == 3
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    assert saved() == 1


def test_dissolved_deleted_and_back(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    view.strength("music").fill("0.5")
    view.more("the group music", "Dissolve")
    off = {"layer": 2, "dim": 12, "kind": "off"}
    assert matches(view, server, [*at(1)[:3], off, at(1)[4]])
    assert list(view.order()) == [""]
    view.undo()
    assert matches(view, server, at(0.5))
    view.more("the group music", "Delete with its 5 vectors")
    assert view.order() == {}
    view.page.get_by_role("status").get_by_role("button", name="Undo").click()
    assert matches(view, server, at(0.5))


def test_a_reload_and_a_link_have_the_groups(open_page: OpenPage, server: Server) -> None:
    view = grouped(open_page)
    page = view.page
    view.strength("music").fill("0.5")
    page.get_by_role("button", name="Fold the group music").click()
    assert matches(view, server, at(0.5))
    link = address(page)
    reload(page)
    for each in (page, open_page(f"/{link}")):
        other = SharePage(each)
        other.wait()
        expect(each.get_by_role("button", name="Unfold the group music")).to_be_visible()
        expect(other.strength("music")).to_have_value("0.5")
        assert matches(other, server, at(0.5))


def test_a_name_is_typed_or_not(open_page: OpenPage) -> None:
    view = grouped(open_page)
    page = view.page
    name = page.get_by_role("button", name="music", exact=True)
    for text, key in (("other", "Escape"), ("  ", "Enter"), ("", "Tab")):
        name.click()
        page.get_by_role("textbox", name="Name of the group music").fill(text)
        page.keyboard.press(key)
        expect(name).to_be_visible()
    name.click()
    page.get_by_role("textbox", name="Name of the group music").fill("n" * 200)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="n" * 80, exact=True)).to_be_visible()
