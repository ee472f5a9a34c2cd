"""Cards and groups of interventions, moved by keyboard, menu and pointer."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.groups_page import linked
from tests.web.random_server import RandomServer
from tests.web.share_page import SharePage


@pytest.fixture
def server(small: RandomServer) -> Server:
    """Whose page `open_page` opens."""
    return small.server


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
