"""The share menu: links, and the run as a program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.web.conftest import OpenPage, Server, shoot
from tests.web.looks import in_both_schemes
from tests.web.share_page import PROMPT, SharePage, kept, linked

ITEMS = "L3D17*scale*-3***1_L2D9*add*6_L3D12*off****1"
ADDRESS = linked(ITEMS, "&g=1**0.5*<b>music</b>&t=4")
EDITS = [
    {"layer": 3, "dim": 17, "kind": "scale", "value": -1.0},
    {"layer": 2, "dim": 9, "kind": "add", "value": 6.0},
    {"layer": 3, "dim": 12, "kind": "scale", "value": 0.5},
]


def started(open_page: OpenPage, address: str = ADDRESS, **options: Any) -> SharePage:
    view = SharePage(open_page(address, **options))
    view.wait()
    return view


def code(server: Server, form: str, **rest: Any) -> str:
    run = {
        "format": "lm-debugger-run",
        "version": 1,
        "model": "demo",
        "prompt": PROMPT,
        "position": 4,
        "interventions": EDITS,
        **rest,
    }
    text: str = server.post("/api/v1/code", {"run": run, "form": form})["code"]
    return text


def test_a_link_restores_everything(open_page: OpenPage) -> None:
    state = "&s=L2D9&r=difference&w=why&a=12.7&n=L2D9*a*b"
    view = SharePage(open_page(ADDRESS + state))
    expect(view.final).to_have_attribute("aria-busy", "false")
    before = kept(view.page)
    view.share("Copy link")
    expect(view.page.get_by_text("Link copied: prompt, interventions, groups")).to_be_visible()
    link = view.page.evaluate("navigator.clipboard.readText()")
    other = SharePage(open_page(link[link.index("/#") :]))
    expect(other.final).to_have_attribute("aria-busy", "false")
    assert kept(other.page) == before
    assert set(before) == {"v", "m", "p", "i", "g", "t", "s", "r", "w", "a", "n", "box"}
    expect(other.details).to_contain_text("a*b")


def test_a_link_that_is_too_small_says_so(open_page: OpenPage) -> None:
    keys = [f"L{at % 4}D{at // 4}" for at in range(100)]
    items = "_".join(f"{key}*on" for key in keys)
    names = "".join(f"&n={key}*{'n' * 80}" for key in keys)
    view = started(open_page, linked(items, names))
    cards = view.page.get_by_role("list", name="Changed value vectors").get_by_role("listitem")
    expect(cards).to_have_count(100)
    view.share("Copy link")
    expect(view.page.get_by_text("not all fitted in")).to_be_visible()
    link = view.page.evaluate("navigator.clipboard.readText()")
    assert len(link) < 8_200
    assert all(f"{key}*on" in link for key in keys)
    assert "nnn" not in link


@pytest.mark.parametrize("width", [1440, 390])
def test_the_menu(open_page: OpenPage, width: int) -> None:
    view = started(open_page, width=width)
    view.page.get_by_role("button", name="Share and save").click()
    expect(view.page.get_by_role("menuitem")).to_have_count(6)
    assert in_both_schemes(view.page, f"share-menu-{width}") == []


def test_copy_as_python(open_page: OpenPage, server: Server) -> None:
    view = started(open_page)
    page = view.page
    view.share("Copy as Python")
    dialog = page.get_by_role("dialog", name="Copy as Python")
    program = dialog.get_by_role("region", name="The program")
    texts = {"With lm_debugger": "lm_debugger", "With plain transformers": "transformers"}
    for label, form in texts.items():
        dialog.get_by_role("radio", name=label).check(force=True)
        expected = code(server, form)
        expect(program).to_have_text(expected, use_inner_text=True)
        dialog.get_by_role("button", name="Copy the program").click()
        assert page.evaluate("navigator.clipboard.readText()") == expected
        with page.expect_download() as waiting:
            dialog.get_by_role("button", name="Save .py").click()
        assert waiting.value.suggested_filename == "run-demo-my-wife-is-working-as-a.py"
        path = waiting.value.path()
        assert path is not None
        assert Path(path).read_text(encoding="utf-8") == expected
    assert in_both_schemes(page, "copy-as-python") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Share and save")).to_be_focused()


def test_commands_for_the_saved_run(open_page: OpenPage) -> None:
    view = started(open_page)
    page = view.page
    view.share("Copy as Python")
    dialog = page.get_by_role("dialog")
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Save run").click()
    file = waiting.value.suggested_filename
    for what, command in {
        "Copy “lm-debugger trace”": f"lm-debugger trace --run {file}",
        "Copy “lm-debugger bake”": f"lm-debugger bake --run {file} edited/",
    }.items():
        dialog.get_by_role("button", name=what).click()
        assert page.evaluate("navigator.clipboard.readText()") == command
    expect(dialog).to_contain_text("A checkpoint with the interventions in its weights")


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ("L1D2*on*1*last", "this will be refused because of L1D2."),
        ("L1D2*on****_L1D3*off***g0", "this will be refused because of L1D3."),
        ("-L1D2*on", "there is nothing to bake"),
    ],
)
def test_what_cannot_be_baked(open_page: OpenPage, items: str, sentence: str) -> None:
    view = started(open_page, linked(items))
    view.share("Copy as Python")
    expect(view.page.get_by_role("dialog")).to_contain_text(sentence)


def test_a_program_that_does_not_come(open_page: OpenPage, server: Server) -> None:
    view = started(open_page, expect_failed_requests=True)
    page = view.page
    answers = iter([500, 200])

    def answer(route: Route) -> None:
        if next(answers) == 200:
            route.continue_()
            return
        error = {"code": "internal", "message": "It broke.", "details": {}, "request_id": "r-9"}
        route.fulfill(status=500, json={"error": error})

    page.route("**/api/v1/code", answer)
    view.share("Copy as Python")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("It broke.")
    expect(dialog.get_by_role("button", name="Save .py")).to_be_disabled()
    shoot(page, "copy-as-python-failed")
    dialog.get_by_role("button", name="Try again").click()
    expect(dialog.get_by_role("region", name="The program")).to_have_text(
        code(server, "lm_debugger"), use_inner_text=True
    )


def test_what_a_run_lacks(open_page: OpenPage) -> None:
    page = open_page("/#/trace?v=1&p=", expect_failed_requests=True)
    page.get_by_role("button", name="Share and save").click()
    for name in ("Save run", "Copy as Python"):
        item = page.get_by_role("menuitem", name=name)
        expect(item).to_be_disabled()
        expect(item).to_contain_text("there is no prompt yet")
    expect(page.get_by_role("menuitem", name="Copy link")).to_be_enabled()


def test_by_keyboard(open_page: OpenPage) -> None:
    view = started(open_page)
    page = view.page
    button = page.get_by_role("button", name="Share and save")
    button.focus()
    page.keyboard.press("Enter")
    for name in ("Copy link", "Save run", "Open run"):
        if name != "Copy link":
            page.keyboard.press("ArrowDown")
        expect(page.get_by_role("menuitem", name=re.compile(name))).to_be_focused()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Open a run, or names")
    expect(dialog).to_be_focused()
    for name in ("Close", "Choose a file"):
        page.keyboard.press("Tab")
        expect(dialog.get_by_role("button", name=name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
