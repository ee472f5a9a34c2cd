"""Reweighting: the slider, the number and the positions of an intervention."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import in_both_schemes
from tests.web.trace_page import TracePage

PROMPT = "My wife is working as a"
VALUE = "L7D915"  # dominant for this prompt, so what it does can be seen


def shown(prob: float) -> str:
    """The page's way to write a probability."""
    return f"{prob:.3f}".removeprefix("0")


def ask(server: Server, kind: str, value: float, **rest: Any) -> dict[str, Any]:
    edit = {"layer": 7, "dim": 915, "kind": kind, "value": value, **rest}
    body = {"prompt": PROMPT, "interventions": [edit]}
    reply: dict[str, Any] = server.post("/api/v1/trace", body)
    return reply


def final(reply: dict[str, Any], rows: int) -> list[str]:
    top = reply["edited"]["positions"][0]["layers"][-1]["after"]["top"]
    return [shown(item["prob"]) for item in top[:rows]]


def matches(view: TracePage, reply: dict[str, Any]) -> bool:
    """Whether the page shows the prediction and the coefficients of that reply."""
    view.wait()
    probs = list(view.probabilities("edited").values())
    effect = view.card(VALUE).locator("[title^=coefficient]").get_attribute("title")
    (applied,) = reply["interventions"]
    before, after = re.findall(r"-?[\d.]+(?:e-?\d+)?", effect or "")
    return (
        probs == final(reply, len(probs))
        and float(before) == pytest.approx(applied["unedited_coefficient"], rel=1e-6)
        and float(after) == pytest.approx(applied["edited_coefficient"], rel=1e-6)
    )


def start(page: Page, way: str = "scale", prompt: str = PROMPT) -> TracePage:
    view = TracePage(page)
    view.wait()
    view.trace(prompt)
    view.add(VALUE)
    view.wait()
    choose(view, way)
    return view


def choose(view: TracePage, way: str) -> None:
    view.card(VALUE).get_by_role("combobox", name=f"Way to change {VALUE}").select_option(way)
    view.wait()


def slider(view: TracePage) -> Locator:
    return view.card(VALUE).get_by_role("slider")


def number(view: TracePage) -> Locator:
    return view.card(VALUE).get_by_role("textbox")


def undo(view: TracePage) -> None:
    view.page.get_by_role("button", name="Undo", exact=True).click()


def test_the_slider_by_keyboard(open_page: OpenPage, server: Server) -> None:
    view = start(open_page())
    expect(number(view)).to_have_value("1")
    assert view.probabilities("edited") == view.probabilities("unedited")
    slider(view).focus()
    for _ in range(6):
        view.page.keyboard.press("ArrowRight")
    expect(number(view)).to_have_value("1.3")
    assert matches(view, ask(server, "scale", 1.3))
    view.page.keyboard.press("Home")
    expect(number(view)).to_have_value("-3")
    assert matches(view, ask(server, "scale", -3))
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
def test_any_number(open_page: OpenPage, server: Server, way: str, value: float) -> None:
    view = start(open_page(), way)
    number(view).fill(str(value))
    assert matches(view, ask(server, way, value))


def test_set_begins_at_the_unedited_coefficient(open_page: OpenPage, server: Server) -> None:
    view = start(open_page(), "set")
    (applied,) = ask(server, "add", 0)["interventions"]
    unedited = applied["unedited_coefficient"]
    assert float(number(view).input_value()) == pytest.approx(unedited, rel=5e-4)
    low, high = (float(slider(view).get_attribute(end) or "") for end in ("min", "max"))
    assert low < 0 < unedited < high
    step = float(slider(view).get_attribute("step") or "")
    assert (low + high) / 2 == pytest.approx(unedited, abs=step)
    choose(view, "add")
    assert float(number(view).input_value()) == 0
    view.wait()
    assert view.probabilities("edited") == view.probabilities("unedited")


def test_a_drag_is_live_and_one_step(open_page: OpenPage, server: Server) -> None:
    view = start(open_page())
    page = view.page
    number(view).fill("0.5")
    view.wait()
    page.evaluate(
        """() => {
            window.seen = new Set();
            const body = document.querySelector("[data-testid=final-prediction] tbody");
            const keep = () => window.seen.add(body.innerText);
            new MutationObserver(keep).observe(body, {subtree: true, childList: true,
                characterData: true, attributes: true});
        }"""
    )
    box = slider(view).bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    page.mouse.down()
    for step in range(60):
        page.mouse.move(box["x"] + box["width"] * (0.6 + 0.4 * step / 60), middle)
        page.wait_for_timeout(20)
    during = len(page.evaluate("[...window.seen]"))
    assert during >= 3  # replies came while the pointer was down
    page.mouse.move(box["x"] + box["width"] + 60, middle)
    page.mouse.up()
    expect(number(view)).to_have_value("3")
    assert matches(view, ask(server, "scale", 3))
    undo(view)
    expect(number(view)).to_have_value("0.5")
    assert matches(view, ask(server, "scale", 0.5))
    undo(view)
    expect(number(view)).to_have_value("1")


def test_a_double_click_sets_it_back(open_page: OpenPage) -> None:
    view = start(open_page())
    number(view).fill("-2")
    slider(view).dblclick(position={"x": 100, "y": 11})
    expect(number(view)).to_have_value("1")
    undo(view)
    expect(number(view)).to_have_value("-2")


@pytest.mark.parametrize("text", ["abc", "", "NaN", "1e999", "Infinity"])
def test_what_is_no_number_gets_a_sentence(open_page: OpenPage, server: Server, text: str) -> None:
    view = start(open_page())
    number(view).fill("2.5")
    view.wait()
    bodies: list[str] = []
    view.page.on("request", lambda request: bodies.append(request.post_data or ""))
    number(view).fill(text)
    expect(view.card(VALUE).get_by_role("alert")).to_have_text(
        "Write a number, such as 1.5 or −2e3."
    )
    expect(number(view)).to_have_attribute("aria-invalid", "true")
    assert matches(view, ask(server, "scale", 2.5))
    number(view).blur()
    expect(number(view)).to_have_value("2.5")
    expect(view.card(VALUE).get_by_role("alert")).to_have_count(0)
    assert not any("interventions" in body for body in bodies)


def test_positions(open_page: OpenPage, server: Server) -> None:
    view = start(open_page(), "set")
    page = view.page
    number(view).fill("-20")
    view.wait()
    everywhere = view.probabilities("edited")
    trigger = view.card(VALUE).get_by_role("button", name=f"{VALUE}: Edited")
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
    assert checked == ["true", "false", "true", "false", "false", "false"]
    expect(page.get_by_role("menuitemcheckbox", name="Generated tokens too")).not_to_be_checked()
    page.keyboard.press("Escape")
    expect(trigger).to_have_text("2 pos")
    assert matches(view, ask(server, "set", -20, positions=[0, 2]))
    assert view.probabilities("edited") != everywhere

    trigger.click()
    page.get_by_role("menuitemradio", name="Last position").click()
    page.get_by_role("menuitemcheckbox", name="Generated tokens too").click()
    page.keyboard.press("Escape")
    expect(trigger).to_have_text("last +gen")
    assert matches(view, ask(server, "set", -20, positions="last", generated=True))

    # a link and a reload have all of it
    page.wait_for_timeout(300)
    address = page.evaluate("location.hash")
    page.reload()
    for each in (page, open_page(f"/{address}")):
        other = TracePage(each)
        other.wait()
        expect(other.card(VALUE).get_by_role("button", name=f"{VALUE}: Edited")).to_have_text(
            "last +gen"
        )
        expect(number(other)).to_have_value("-20")
        assert matches(other, ask(server, "set", -20, positions="last"))


def test_a_position_that_the_prompt_lacks(open_page: OpenPage) -> None:
    page = open_page("/#/trace?v=1&p=The+king&i=L7D915*scale*2*40", expect_failed_requests=True)
    card = TracePage(page).card(VALUE)
    expect(card).to_contain_text("positions are 0 to")


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_twenty_cards(open_page: OpenPage, width: int) -> None:
    kinds = ["scale*1.5", "set*-0.25*last", "add*4*0.2.3*g1", "on", "off"]
    items = "_".join(f"L{i % 8}D{100 + 37 * i}*{kinds[i % 5]}" for i in range(20))
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
