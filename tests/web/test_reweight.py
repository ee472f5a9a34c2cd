"""Reweighting: the slider, the number and the positions of an intervention."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import in_both_schemes
from tests.web.random_server import RandomServer
from tests.web.trace_page import TracePage, drag, final
from tests.web.waits import Asked, address, reload

PROMPT = "My wife is working as a"
LAST = 2


@pytest.fixture
def server(small: RandomServer) -> Server:
    return small.server


@pytest.fixture(scope="module")
def vector(small: RandomServer) -> str:
    """The strongest vector of the last layer for this prompt among those with a coefficient above
    0, so that what it does can be seen."""
    m = small.run(PROMPT).m[LAST, -1]
    return f"L{LAST}D{int(np.where(m > 0, small.oracle.scores(m, LAST), 0).argmax())}"


@dataclass(frozen=True)
class Reweighted(TracePage):
    """A trace with one intervention."""

    value: str

    @property
    def own_card(self) -> Locator:
        return self.card(self.value)

    def ask(self, server: Server, kind: str, value: float, **rest: Any) -> dict[str, Any]:
        """What the API says of this intervention."""
        dim = int(self.value.partition("D")[2])
        edit = {"layer": LAST, "dim": dim, "kind": kind, "value": value, **rest}
        body = {"prompt": PROMPT, "interventions": [edit]}
        reply: dict[str, Any] = server.post("/api/v1/trace", body)
        return reply

    def matches(self, reply: dict[str, Any]) -> bool:
        """Whether the page shows the prediction and the coefficients of that reply."""
        self.wait()
        probs = self.probabilities("edited")
        effect = self.own_card.locator("[title^=coefficient]").get_attribute("title")
        (applied,) = reply["interventions"]
        before, after = re.findall(r"-?[\d.]+(?:e-?\d+)?", effect or "")
        return (
            probs == final(reply, len(probs))
            and float(before) == pytest.approx(applied["unedited_coefficient"], rel=1e-6)
            and float(after) == pytest.approx(applied["edited_coefficient"], rel=1e-6)
        )

    def choose(self, way: str) -> None:
        name = f"Way to change {self.value}"
        self.own_card.get_by_role("combobox", name=name).select_option(way)
        self.wait()


def start(page: Page, value: str, way: str = "scale") -> Reweighted:
    view = Reweighted(page, value)
    view.trace(PROMPT)
    view.add(value)
    view.wait()
    view.choose(way)
    return view


def slider(view: Reweighted) -> Locator:
    return view.own_card.get_by_role("slider")


def number(view: Reweighted) -> Locator:
    return view.own_card.get_by_role("textbox")


def undo(view: Reweighted) -> None:
    view.page.get_by_role("button", name="Undo", exact=True).click()


def test_the_slider_by_keyboard(open_page: OpenPage, server: Server, vector: str) -> None:
    view = start(open_page(), vector)
    expect(number(view)).to_have_value("1")
    assert view.probabilities("edited") == view.probabilities("unedited")
    slider(view).focus()
    for _ in range(6):
        view.page.keyboard.press("ArrowRight")
    expect(number(view)).to_have_value("1.3")
    assert view.matches(view.ask(server, "scale", 1.3))
    view.page.keyboard.press("Home")
    expect(number(view)).to_have_value("-3")
    assert view.matches(view.ask(server, "scale", -3))
    assert view.probabilities("edited") != view.probabilities("unedited")
    view.page.keyboard.press("Backspace")
    expect(number(view)).to_have_value("1")
    view.wait()
    assert view.probabilities("edited") == view.probabilities("unedited")
    # undo works from the slider itself
    view.page.keyboard.press("Control+z")
    expect(number(view)).to_have_value("-3")
    expect(slider(view)).to_be_focused()


@pytest.mark.parametrize(("way", "value"), [("scale", -7.25), ("set", -30.0), ("add", 12.5)])
def test_any_number(
    open_page: OpenPage, server: Server, vector: str, way: str, value: float
) -> None:
    view = start(open_page(), vector, way)
    number(view).fill(str(value))
    assert view.matches(view.ask(server, way, value))


def test_set_begins_at_the_unedited_coefficient(
    open_page: OpenPage, server: Server, vector: str
) -> None:
    view = start(open_page(), vector, "set")
    (applied,) = view.ask(server, "add", 0)["interventions"]
    unedited = applied["unedited_coefficient"]
    assert float(number(view).input_value()) == pytest.approx(unedited, rel=5e-4)
    low, high = (float(slider(view).get_attribute(end) or "") for end in ("min", "max"))
    assert low < 0 < unedited < high
    step = float(slider(view).get_attribute("step") or "")
    assert (low + high) / 2 == pytest.approx(unedited, abs=step)
    view.choose("add")
    assert float(number(view).input_value()) == 0
    view.wait()
    assert view.probabilities("edited") == view.probabilities("unedited")


def test_a_drag_is_live_and_one_step(open_page: OpenPage, server: Server, vector: str) -> None:
    view = start(open_page(), vector)
    number(view).fill("0.5")
    view.wait()
    drag(slider(view), 0.6, "[data-testid=final-prediction] tbody")
    expect(number(view)).to_have_value("3")
    assert view.matches(view.ask(server, "scale", 3))
    undo(view)
    expect(number(view)).to_have_value("0.5")
    assert view.matches(view.ask(server, "scale", 0.5))
    undo(view)
    expect(number(view)).to_have_value("1")


def test_a_double_click_sets_it_back(open_page: OpenPage, vector: str) -> None:
    view = start(open_page(), vector)
    number(view).fill("-2")
    slider(view).dblclick(position={"x": 100, "y": 11})
    expect(number(view)).to_have_value("1")
    undo(view)
    expect(number(view)).to_have_value("-2")


@pytest.mark.parametrize("text", ["abc", "", "NaN", "1e999", "Infinity"])
def test_what_is_no_number_gets_a_sentence(
    open_page: OpenPage, server: Server, vector: str, text: str
) -> None:
    view = start(open_page(), vector)
    number(view).fill("2.5")
    view.wait()
    asked = Asked(view.page, "/api/v1/trace")
    number(view).fill(text)
    expect(view.own_card.get_by_role("alert")).to_have_text("Write a number, such as 1.5 or −2e3.")
    expect(number(view)).to_have_attribute("aria-invalid", "true")
    assert view.matches(view.ask(server, "scale", 2.5))
    number(view).blur()
    expect(number(view)).to_have_value("2.5")
    expect(view.own_card.get_by_role("alert")).to_have_count(0)
    # what is asked next is the first that is asked
    number(view).fill("3")
    assert view.matches(view.ask(server, "scale", 3))
    edits = [json.loads(body)["interventions"] for body in asked.bodies]
    assert [edit["value"] for (edit,) in edits] == [3]


def test_positions(open_page: OpenPage, server: Server, small: RandomServer, vector: str) -> None:
    view = start(open_page(), vector, "set")
    page = view.page
    number(view).fill("-20")
    view.wait()
    everywhere = view.probabilities("edited")
    trigger = view.own_card.get_by_role("button", name=f"{vector}: Edited")
    expect(trigger).to_have_text("all")
    trigger.click()
    expect(page.get_by_role("menuitemcheckbox", name="Generated tokens too")).to_be_checked()
    # by keyboard: past "All" and "Last" to the first token, then sideways
    menu = page.get_by_role("menu")
    expect(menu).to_be_focused()
    tokens = menu.get_by_role("group", name="Chosen tokens").get_by_role("menuitemcheckbox")
    page.keyboard.press("Home")
    expect(menu.get_by_role("menuitemradio", name="All positions")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("menuitemradio", name="Last position")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(tokens.first).to_be_focused()
    for key in ("Enter", "ArrowRight", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    shoot(page, "positions")
    checked = [token.get_attribute("aria-checked") for token in tokens.all()]
    n = len(small.encode(PROMPT))
    assert checked == ["true", "false", "true", *["false"] * (n - 3)]
    expect(page.get_by_role("menuitemcheckbox", name="Generated tokens too")).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(trigger).to_have_text("2 pos")
    assert view.matches(view.ask(server, "set", -20, positions=[0, 2]))
    assert view.probabilities("edited") != everywhere

    trigger.click()
    page.get_by_role("menuitemradio", name="Last position").click()
    page.get_by_role("menuitemcheckbox", name="Generated tokens too").click()
    page.keyboard.press("Escape")
    expect(trigger).to_have_text("last +gen")
    assert view.matches(view.ask(server, "set", -20, positions="last", generated=True))

    # a link and a reload have all of it
    link = address(page)
    reload(page)
    for each in (page, open_page(f"/{link}")):
        other = Reweighted(each, vector)
        other.wait()
        expect(other.own_card.get_by_role("button", name=f"{vector}: Edited")).to_have_text(
            "last +gen"
        )
        expect(number(other)).to_have_value("-20")
        assert other.matches(other.ask(server, "set", -20, positions="last"))


def test_a_position_that_the_prompt_lacks(open_page: OpenPage) -> None:
    page = open_page("/#/trace?v=1&p=The+king&i=L2D9*scale*2*40", expect_failed_requests=True)
    card = TracePage(page).card("L2D9")
    expect(card).to_contain_text("positions are 0 to")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_twenty_cards(open_page: OpenPage, width: int) -> None:
    kinds = ["scale*1.5", "set*-0.25*last", "add*4*0.2.3*g1", "on", "off"]
    items = "_".join(f"L{i % 3}D{5 * i}*{kinds[i % 5]}" for i in range(20))
    page = open_page(f"/#/trace?v=1&p={PROMPT.replace(' ', '+')}&i={items}", width=width)
    view = TracePage(page)
    view.wait()
    unfold = page.get_by_role("button", name="Unfold the interventions")
    if unfold.is_visible():
        unfold.click()
    cards = page.get_by_role("list", name="Changed value vectors").get_by_role("listitem")
    expect(cards).to_have_count(20)
    boxes = [box for card in cards.all() if (box := card.bounding_box())]
    assert len({round(box["width"]) for box in boxes}) == 1
    assert len({round(box["height"]) for box in boxes}) == 1
    spilt = cards.evaluate_all("all => all.filter(card => card.scrollWidth > card.clientWidth)")
    assert spilt == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    cards.nth(2).get_by_role("button", name=re.compile("Edited")).click()
    expect(page.get_by_role("menu")).to_be_visible()
    assert in_both_schemes(page, f"reweight-{width}") == []
