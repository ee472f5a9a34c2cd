"""The main job, as a person would do it: find the vectors behind a prediction and change it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.demo import LAST
from tests.web.trace_page import TracePage, final, shown
from tests.web.waits import address, back, reload

PROMPT = "My wife is working as a"


def test_the_main_job(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    view = TracePage(page)
    view.choose_example(PROMPT)
    expect(view.prompt).to_have_value(PROMPT)
    page.get_by_role("button", name="Trace", exact=True).click()
    view.wait()

    # what is shown is what the API says, which other tests hold to the oracle
    unedited = server.post("/api/v1/trace", {"prompt": PROMPT})["unedited"]["positions"][0]
    last = unedited["layers"][-1]
    probs = [shown(item["prob"]) for item in last["after"]["top"]]
    assert [prob for _, prob in view.tokens(f"After layer {LAST}")] == probs
    before = view.probabilities("unedited")
    assert before == probs[: len(before)]

    # a dominant sub-update: its tokens
    strongest = f"L{LAST}D{last['sub_updates'][0]['dim']}"
    updates = view.list(f"Dominant sub-updates of layer {LAST}")
    updates.get_by_role("button", name=re.compile(f"^{strongest} ")).click()
    expect(view.details).to_contain_text(strongest)
    promoted = view.list("Promotes these tokens").get_by_role("listitem")
    expect(promoted).to_have_count(50)
    shoot(page, "details")

    # to Interventions: suppressed first, then boosted
    updates.get_by_role("button", name=f"Send {strongest} to Interventions").click()
    switch = view.card(strongest).get_by_role("switch")
    expect(switch).not_to_be_checked()
    view.wait()
    dim = last["sub_updates"][0]["dim"]
    off, on = (
        server.post("/api/v1/trace", {"prompt": PROMPT, "interventions": [edit]})
        for edit in ({"layer": LAST, "dim": dim, "kind": kind} for kind in ("off", "on"))
    )
    suppressed = view.probabilities("edited")
    assert suppressed == final(off, len(suppressed))
    switch.click()
    expect(switch).to_be_checked()
    page.get_by_role("button", name="Trace", exact=True).click()
    view.wait()
    boosted = view.probabilities("edited")
    assert boosted == final(on, len(boosted))
    assert on["edited"] != off["edited"]
    shoot(page, "edited")

    edits = [{"layer": LAST, "dim": dim, "kind": "on"}]
    # Generate: both runs, and the prompt stays what it was
    page.get_by_role("spinbutton", name="Number of tokens to generate").fill("4")
    page.get_by_role("button", name="Generate", exact=True).click()
    for side, interventions in (("unedited", []), ("edited", edits)):
        body = {"prompt": PROMPT, "interventions": interventions, "max_new_tokens": 4}
        steps = server.post("/api/v1/generate", body)["steps"]
        region = page.get_by_test_id(f"generated-{side}")
        expect(region.get_by_role("button")).to_have_count(len(steps))
        for step, button in zip(steps, region.get_by_role("button").all(), strict=True):
            expect(button).to_have_attribute(
                "aria-label", re.compile(re.escape(shown(step["prob"])))
            )
    expect(view.prompt).to_have_value(PROMPT)
    shoot(page, "generated")

    # rename, reload: nothing is lost
    view.details.get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name=f"Name of {strongest}").fill("made up; a=b <b>name</b>")
    page.keyboard.press("Enter")
    # boosted it may be weaker than it was: in the unedited run it is the strongest
    page.get_by_role("group", name="Which run the layers show").get_by_text("Unedited").click()
    expect(updates).to_contain_text("made up; a=b <b>name</b>")
    reload(page)
    view.wait()
    expect(view.prompt).to_have_value(PROMPT)
    expect(view.card(strongest)).to_contain_text("made up; a=b <b>name</b>")
    expect(view.card(strongest).get_by_role("switch")).to_be_checked()
    assert view.probabilities("edited") == boosted
    assert page.locator("b", has_text="name").count() == 0


def test_continue_from_here_is_what_changes_the_prompt(open_page: OpenPage) -> None:
    page = open_page()
    view = TracePage(page)
    view.trace("The king and his")
    page.get_by_role("button", name="Generate", exact=True).click()
    page.get_by_role("button", name="Continue from here").click()
    expect(view.prompt).not_to_have_value("The king and his")
    expect(view.prompt).to_have_value(re.compile(r"^The king and his .+"))


def test_another_position(open_page: OpenPage, server: Server) -> None:
    page = open_page()
    view = TracePage(page)
    view.trace(PROMPT)
    address(page)  # a step of its own
    view.strip.get_by_role("button").nth(1).click()
    view.wait()
    reply = server.post("/api/v1/trace", {"prompt": PROMPT, "positions": [1]})
    top = reply["unedited"]["positions"][0]["layers"][3]["before"]["top"]
    expected = [shown(item["prob"]) for item in top]
    assert [prob for _, prob in view.tokens("Before layer 3")] == expected
    back(page)
    view.wait()
    expect(view.strip.get_by_role("button").last).to_have_attribute("aria-pressed", "true")


def test_remove_undo_and_undo_all(open_page: OpenPage) -> None:
    page = open_page()
    view = TracePage(page)
    view.trace(PROMPT)
    for value in ("L1D2", "L3D4"):
        view.add(value)
        expect(view.card(value)).to_be_visible()
    view.card("L1D2").get_by_role("button", name="Remove L1D2").click()
    expect(view.card("L1D2")).to_have_count(0)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(view.card("L1D2")).to_be_visible()
    page.get_by_role("button", name="Undo all").click()
    expect(view.card("L1D2")).to_have_count(0)
    expect(view.card("L3D4")).to_have_count(0)


def test_a_link_restores_prompt_and_interventions(open_page: OpenPage) -> None:
    page = open_page()
    view = TracePage(page)
    view.trace("The weather in June is")
    view.add("L2D7")
    view.card("L2D7").get_by_role("switch").click()
    view.wait()
    expect(page).to_have_url(re.compile("weather.*L2D7"))
    address = page.evaluate("location.hash")
    shared = open_page(f"/{address}")
    other = TracePage(shared)
    other.wait()
    expect(other.prompt).to_have_value("The weather in June is")
    expect(other.card("L2D7").get_by_role("switch")).to_be_checked()
    assert other.probabilities("edited") == view.probabilities("edited")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_overflows(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(width=width, scheme=scheme)
    view = TracePage(page)
    view.trace("antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis 😀 é")
    unfold = page.get_by_role("button", name="Unfold the interventions")
    if unfold.is_visible():  # folded where there is little room
        unfold.click()
    view.add("L3D5")
    view.wait()
    too_wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert too_wide <= 0
    shoot(page, f"trace-{width}-{scheme}")


def test_keys_walk_through_the_layers(open_page: OpenPage) -> None:
    page = open_page(height=600)
    view = TracePage(page)
    view.trace("The weather in June is")
    view.prompt.blur()
    rungs = page.get_by_role("navigation", name="Top token after each layer").locator("li button")
    for key, layer in (("j", 1), ("j", 2), ("k", 1)):
        page.keyboard.press(key)
        expect(rungs.nth(layer)).to_have_attribute("aria-current", "true")
        page.wait_for_function(
            """(layer) => {
                const list = document.querySelector("[data-testid=layers]").parentElement;
                const top = document.getElementById(`layer-${layer}`).getBoundingClientRect().top;
                return Math.abs(top - list.parentElement.getBoundingClientRect().top) < 40;
            }""",
            arg=layer,
        )
    page.keyboard.press("m")
    expect(page.get_by_role("heading", name="Sub-updates of layer 1")).to_be_visible()


def test_results_out_of_date_follow_the_colour_scheme(open_page: OpenPage) -> None:
    """Their one ink is the faintest, of the scheme that there is."""
    page = open_page()
    view = TracePage(page)
    view.trace("The weather in June is")
    page.route("**/api/v1/trace", lambda route: None)  # no answer, ever
    view.add("L2D7")
    layers = page.get_by_test_id("layers")
    expect(layers).to_have_attribute("data-outdated", "true")
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(
            """(list) => {
                const probe = document.body.appendChild(document.createElement("i"));
                probe.style.color = "var(--ink-3)";
                const faintest = getComputedStyle(probe).color;
                probe.remove();
                return getComputedStyle(list).color === faintest;
            }""",
            arg=layers.element_handle(),
        )
