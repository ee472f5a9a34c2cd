"""The tour of the bundled model under Select Example: prompt, interventions and names together.

What each recipe does to the prediction is held by tests/demo/test_tour.py.
"""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.demo.test_tour import TOUR
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.trace_page import TracePage, shown
from tests.web.waits import reload


def note(view: TracePage) -> Locator:
    return view.page.get_by_role("complementary", name="About this example")


def test_every_recipe_loads_as_one(open_page: OpenPage, server: Server) -> None:
    view = TracePage(open_page())
    view.wait()
    cards = view.page.get_by_role("list", name="Changed value vectors").get_by_role("listitem")
    for example in TOUR:
        view.choose_example(example.title)
        expect(view.prompt).to_have_value(example.prompt)
        expect(note(view)).to_have_text(f"{example.note}Close")
        expect(cards).to_have_count(len(example.interventions))
        for item in example.interventions:
            assert item.name
            expect(view.card(f"L{item.layer}D{item.dim}")).to_contain_text(item.name)
        body = example.model_dump(include={"prompt", "interventions"}, exclude_none=True)
        for item in body["interventions"]:
            item.pop("name")
        reply = server.post("/api/v1/trace", {"model": "demo", **body})
        likeliest = reply["edited"]["positions"][0]["layers"][-1]["after"]["top"][0]
        token, prob = view.prediction("edited")[0]
        assert (token.strip(), prob) == (likeliest["text"].strip(), shown(likeliest["prob"]))
        shoot(view.page, f"tour-{example.id}")


def test_what_to_look_at_stays_until_it_is_closed(open_page: OpenPage) -> None:
    view = TracePage(open_page())
    view.wait()
    view.choose_example(TOUR[0].title)
    item = TOUR[0].interventions[0]
    number = view.card(f"L{item.layer}D{item.dim}").get_by_role("textbox")
    number.fill("-10")
    number.press("Enter")
    reload(view.page)
    view.wait()
    expect(note(view)).to_be_visible()
    note(view).get_by_role("button", name="Close").click()
    expect(note(view)).to_have_count(0)
    view.choose_example(TOUR[1].title)
    expect(note(view)).to_be_visible()
    view.trace("The old man")
    expect(note(view)).to_have_count(0)


def test_one_undo_brings_back_what_was_there(open_page: OpenPage) -> None:
    view = TracePage(open_page("/#/trace?v=1&p=The+old+man&i=L1D2*off"))
    view.wait()
    view.choose_example(TOUR[0].title)
    view.page.locator("body").press("Control+z")
    expect(view.prompt).to_have_value("The old man")
    expect(view.card("L1D2")).to_be_visible()
