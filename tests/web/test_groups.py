"""Groups of interventions: switched, scaled, named, moved, saved; undo and redo of all of it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.web import share_page
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import at_every_width, in_both_schemes
from tests.web.random_server import RandomServer
from tests.web.share_page import PROMPT, SharePage
from tests.web.trace_page import drag, final
from tests.web.waits import address, reload

# One of every kind; `at(f)` is what they come to at strength f, written out by hand.
ITEMS = "L2D71*scale*-3_L1D5*set*8_L0D9*add*6_L2D12*off_L1D3*on"


@pytest.fixture
def server(small: RandomServer) -> Server:
    return small.server


def linked(items: str, groups: str = "") -> str:
    """To the only model that there is."""
    return share_page.linked(items, groups, model=None)


def at(f: float) -> list[dict[str, Any]]:
    return [
        {"layer": 2, "dim": 71, "kind": "scale", "value": 1 + f * (-3 - 1)},
        {"layer": 1, "dim": 5, "kind": "set", "value": f * 8},
        {"layer": 0, "dim": 9, "kind": "add", "value": f * 6},
        {"layer": 2, "dim": 12, "kind": "scale", "value": 1 - f},
        {"layer": 1, "dim": 3, "kind": "on"},
    ]


def matches(view: SharePage, server: Server, edits: list[dict[str, Any]]) -> bool:
    """Whether the page shows the prediction that the API gives for these edits."""
    view.wait()
    reply = server.post("/api/v1/trace", {"prompt": PROMPT, "interventions": edits})
    probs = view.probabilities("edited")
    return probs == final(reply, len(probs))


def grouped(open_page: OpenPage, **options: Any) -> SharePage:
    view = SharePage(open_page(linked(ITEMS), **options))
    view.wait()
    view.new_group("New group with the 5 vectors that are in none", "music")
    return view


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


def test_cards_move_by_keyboard(open_page: OpenPage) -> None:
    groups = "&g=1***first&g=2*f**second"
    page = open_page(linked("L0D1*on_L0D2*on_L0D3*on****1_L0D4*on****2", groups))
    view = SharePage(page)
    view.wait()
    name = view.card("L0D1").locator("[data-value]")
    name.focus()
    expected = [
        {"": ["L0D2", "L0D1"], "first": ["L0D3"]},
        {"": ["L0D2"], "first": ["L0D1", "L0D3"]},
        {"": ["L0D2"], "first": ["L0D3", "L0D1"]},
        # the folded group opens, so that the card can be seen
        {"": ["L0D2"], "first": ["L0D3"], "second": ["L0D1", "L0D4"]},
        {"": ["L0D2"], "first": ["L0D3"], "second": ["L0D4", "L0D1"]},
        {"": ["L0D2"], "first": ["L0D3"], "second": ["L0D4", "L0D1"]},
    ]
    for order in expected:
        page.keyboard.press("Alt+ArrowDown")
        expect(name).to_be_focused()
        assert view.order() == order
    expect(page.get_by_test_id("interventions").get_by_role("status")).to_have_text(
        "L0D1: place 2 of 2 in second"
    )
    page.keyboard.press("Alt+ArrowUp")
    assert view.order()["second"] == ["L0D1", "L0D4"]
    view.undo()
    view.undo()
    view.undo()
    assert view.order() == {"": ["L0D2"], "first": ["L0D3", "L0D1"], "second": ["L0D4"]}
    # from its slider, the card moves too; in the number field the keys are the field's own
    page.get_by_role("combobox", name="Way to change L0D3").select_option("scale")
    view.card("L0D3").get_by_role("slider").press("Alt+ArrowUp")
    assert view.order()[""] == ["L0D2", "L0D3"]
    expect(view.card("L0D3").get_by_role("slider")).to_be_focused()
    expect(view.card("L0D3").get_by_role("textbox")).to_have_value("1")
    view.card("L0D3").get_by_role("textbox").press("Alt+ArrowUp")
    assert view.order()[""] == ["L0D2", "L0D3"]


def test_groups_move_by_keyboard(open_page: OpenPage) -> None:
    groups = "&g=1***first&g=2***second"
    view = SharePage(open_page(linked("L0D3*on****1_L0D4*on****2", groups)))
    view.wait()
    fold = view.page.get_by_role("button", name="Fold the group second")
    fold.press("Alt+ArrowUp")
    assert list(view.order()) == ["second", "first"]
    expect(fold).to_be_focused()
    view.more("the group second", "Move down")
    assert list(view.order()) == ["first", "second"]
    view.undo()
    assert list(view.order()) == ["second", "first"]


def test_cards_move_by_menu_and_by_pointer(open_page: OpenPage) -> None:
    groups = "&g=1***first&g=2***second"
    items = "L0D1*on_L0D2*on_L0D3*on****1_L0D4*on****1"
    view = SharePage(open_page(linked(items, groups), height=1400))
    page = view.page
    view.wait()
    page.get_by_role("separator", name="Height of the interventions").focus()
    for _ in range(20):
        page.keyboard.press("ArrowUp")
    view.more("L0D1", "first")
    assert view.order() == {"": ["L0D2"], "first": ["L0D3", "L0D4", "L0D1"], "second": []}
    view.more("L0D4", "Move earlier")
    assert view.order()["first"] == ["L0D4", "L0D3", "L0D1"]
    view.more("L0D1", "none")
    assert view.order()[""] == ["L0D2", "L0D1"]

    def drag(value: str, to: str) -> None:
        start = view.card(value).bounding_box()
        assert start is not None
        page.mouse.move(start["x"] + 4, start["y"] + 30)
        page.mouse.down()
        page.mouse.move(start["x"] + 20, start["y"] + 34, steps=3)
        end = page.locator(to).bounding_box()
        assert end is not None
        page.mouse.move(end["x"] + 10, end["y"] + end["height"] / 2, steps=6)
        page.mouse.move(end["x"] + 11, end["y"] + end["height"] / 2)  # "over" follows "enter"
        expect(page.locator("[data-drop]")).to_have_count(1)
        shoot(page, f"dragging-{value}")
        page.mouse.up()

    drag("L0D2", "[data-testid=intervention-L0D3]")
    assert view.order() == {"": ["L0D1"], "first": ["L0D4", "L0D2", "L0D3"], "second": []}
    drag("L0D3", "[data-testid=intervention-L0D4]")
    assert view.order()["first"] == ["L0D3", "L0D4", "L0D2"]
    drag("L0D4", "[data-testid=group-2] ul")
    assert view.order() == {"": ["L0D1"], "first": ["L0D3", "L0D2"], "second": ["L0D4"]}
    # beyond the last place of its own group: last
    page.get_by_role("button", name="Fold the group second").click()
    drag("L0D1", "[data-testid=group-2] > div")
    expect(page.get_by_role("button", name="Fold the group second")).to_be_visible()
    assert view.order() == {"first": ["L0D3", "L0D2"], "second": ["L0D4", "L0D1"]}


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


def cards(count: int, group: int | None, start: int = 0) -> str:
    kinds = ["scale*1.5*", "set*-0.25*last", "add*4*0.2.3", "on**", "off**"]
    ends = "" if group is None else f"**{group}"
    return "_".join(f"L{i % 3}D{3 * i}*{kinds[i % 5]}{ends}" for i in range(start, start + count))


LOOKS = {
    "one-card": linked(cards(1, None)),
    "five-cards": linked(cards(5, None)),
    "forty-cards": linked(cards(40, None)),
    "two-groups": linked(
        f"{cards(4, 1)}_{cards(4, 2, 4)}", f"&g=1**0.5*music&g=2*x**{'a long name ' * 6}"
    ),
    "folded-groups": linked(
        f"{cards(2, None)}_{cards(4, 1, 2)}_{cards(9, 2, 6)}",
        "&g=1*f*0.5*music&g=2*f*1.25*professions",
    ),
    "empty-group": linked("", "&g=1***Group+1"),
}


@pytest.mark.parametrize("state", LOOKS)
def test_looks(open_page: OpenPage, state: str) -> None:
    page = open_page(LOOKS[state])
    view = SharePage(page)
    view.wait()
    for width in at_every_width(page, f"groups-{state}"):
        unfold = page.get_by_role("button", name="Unfold the interventions")
        if unfold.is_visible():
            unfold.click()
        assert not spilt(page), width
    assert in_both_schemes(page, f"groups-{state}") == []


def spilt(page: Page) -> list[str]:
    """Parts of the panel whose content is wider than they are."""
    panel = page.get_by_test_id("interventions")
    found: list[str] = panel.evaluate(
        """panel => [panel, ...panel.querySelectorAll("header, section, section > div, li")]
            .filter(each => each.scrollWidth > each.clientWidth)
            .map(each => each.outerHTML.slice(0, 120))"""
    )
    return found
