"""Runs as files: saved, dropped, pasted, chosen; and names as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_debugger.engine.types import Intervention
from lm_debugger.runs import files
from tests.web.conftest import OpenPage, Server, shoot
from tests.web.demo import BEYOND
from tests.web.looks import in_both_schemes, serious
from tests.web.share_page import PROMPT, SharePage, downloaded, drop, kept, linked
from tests.web.trace_page import final

ADDRESS = linked(
    "L3D17*scale*-3***1_-L1D5*set*8***1_L2D9*add*6*last_L3D12*off****2",
    "&g=2*xf*3*other&g=1**0.5*music&t=4&s=L2D9&r=difference&w=grid&a=12.7&n=L2D9*songs",
)
IN_FORCE = [
    {"layer": 3, "dim": 17, "kind": "scale", "value": -1.0, "positions": "all", "generated": None},
    {"layer": 2, "dim": 9, "kind": "add", "value": 6.0, "positions": "last", "generated": None},
]
MINIMAL = {"format": "lm-debugger-run", "version": 1, "model": "demo", "prompt": "The king and"}


def started(open_page: OpenPage, address: str = ADDRESS, **options: Any) -> SharePage:
    view = SharePage(open_page(address, **options))
    expect(view.final).to_have_attribute("aria-busy", "false")
    return view


def entry(page: Page, name: str) -> Locator:
    page.get_by_role("button", name="Share and save").click()
    return page.get_by_role("menuitem", name=name)


def dropped(page: Page, run: Any, name: str = "a run.json") -> None:
    drop(page, name, run if isinstance(run, str) else json.dumps(run))


def test_saved_and_opened_again(open_page: OpenPage, server: Server, tmp_path: Path) -> None:
    view = started(open_page)
    page = view.page
    page.get_by_role("spinbutton", name="Number of tokens to generate").fill("7")
    before = kept(page)
    name, run = downloaded(page, entry(page, "Save run"))
    assert name == "run-demo-my-wife-is-working-as-a.json"
    assert run["interventions"] == IN_FORCE
    assert (run["position"], run["names"], run["max_new_tokens"]) == (4, {"L2D9": "songs"}, 7)

    # the package's own reader has no complaints, and the API takes it as it is
    path = tmp_path / "run.json"
    path.write_text(json.dumps(run), encoding="utf-8")
    read = files.read(path)
    edits = [Intervention(**edit) for edit in IN_FORCE]
    assert [item.checked() for item in read.interventions] == edits
    assert server.post("/api/v1/code", {"run": run, "form": "lm_debugger"})["code"]

    # somewhere else, where something else is going on
    other = started(open_page, linked("L1D1*on", prompt="The queen"))
    other.prompt.fill("The queen and, not yet traced")
    there = kept(other.page)
    dropped(other.page, run)
    expect(other.page.get_by_text("a run.json is open.")).to_be_visible()
    assert kept(other.page) == before
    expect(other.page.get_by_role("spinbutton", name="Number of tokens")).to_have_value("7")
    expect(other.details).to_contain_text("songs")
    other.page.get_by_role("radio", name="Layers").check(force=True)
    other.wait()
    other.page.get_by_role("radio", name="Edited", exact=True).check(force=True)
    body = {"prompt": PROMPT, "interventions": IN_FORCE, "positions": [4]}
    reply = server.post("/api/v1/trace", body)
    probs = other.probabilities("edited")
    assert probs == final(reply, len(probs))
    other.undo()
    assert kept(other.page) == {**there, "p": there["box"]}
    expect(other.page.get_by_role("spinbutton", name="Number of tokens")).to_have_value("10")


def test_the_drop_target_shows_itself_and_goes(open_page: OpenPage) -> None:
    page = started(open_page).page
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.items.add(new File(["x"], "x.json"));
            const usual = {dataTransfer: data, bubbles: true, cancelable: true};
            window.fire = (type, rest) =>
                document.body.dispatchEvent(new DragEvent(type, {...usual, ...rest}));
        }"""
    )
    target = page.get_by_test_id("drop-target")
    # the browser would leave the page for the file if nobody prevented it
    assert page.evaluate("window.fire('dragover')") is False
    expect(target).to_be_visible()
    shoot(page, "drop-target")
    page.evaluate("window.fire('dragleave', {relatedTarget: document.body})")
    expect(target).to_be_visible()
    page.evaluate("window.fire('dragleave', {relatedTarget: null})")
    expect(target).to_have_count(0)
    # what is no file is none of its business
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            data.setData("text/plain", "L1D2");
            const options = {dataTransfer: data, bubbles: true, cancelable: true};
            document.body.dispatchEvent(new DragEvent("dragover", options));
        }"""
    )
    expect(target).to_have_count(0)


def test_written_by_hand(open_page: OpenPage, server: Server) -> None:
    view = started(open_page)
    edit = {"layer": 3, "dim": 17, "kind": "scale", "value": -3}
    bad = {"layer": 3, "dim": 12, "kind": "set"}
    dropped(view.page, {**MINIMAL, "interventions": [edit, bad]})
    expect(view.page.get_by_text("Left out: 1 of its 2 interventions.")).to_be_visible()
    expect(view.prompt).to_have_value(MINIMAL["prompt"])
    view.wait()
    assert view.order() == {"": ["L3D17"]}
    reply = server.post("/api/v1/trace", {"prompt": MINIMAL["prompt"], "interventions": [edit]})
    probs = view.probabilities("edited")
    assert probs == final(reply, len(probs))


PROBLEMS = {
    "no-json": ("{", "It is not JSON, or it broke off."),
    "no-run": ({"a": 1}, 'It is no run: it does not say "format": "lm-debugger-run".'),
    "newer": ({**MINIMAL, "version": 2}, "written by a newer LM-Debugger"),
    "no-prompt": ({**MINIMAL, "prompt": None}, "It has no prompt."),
    "too-large": ("x" * 1_000_001, "It is larger than 1 MB"),
    "newer-names": (
        {"format": "lm-debugger-names", "version": 9, "model": "demo", "names": {}},
        "written by a newer LM-Debugger",
    ),
    "no-names": (
        {"format": "lm-debugger-names", "version": 1, "model": "demo", "names": {"x": "y"}},
        "It holds no name that belongs to a vector",
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_what_cannot_be_opened(open_page: OpenPage, problem: str) -> None:
    content, sentence = PROBLEMS[problem]
    page = started(open_page).page
    before = kept(page)
    dropped(page, content, "<b>bad</b>.json")
    dialog = page.get_by_role("dialog", name="Open a run, or names")
    expect(dialog.get_by_role("alert")).to_contain_text("<b>bad</b>.json was not opened.")
    expect(dialog.get_by_role("alert")).to_contain_text(sentence)
    assert kept(page) == before
    assert serious(page) == []
    # from here the next one opens
    dialog.get_by_role("textbox", name="or paste its text").fill(json.dumps(MINIMAL))
    dialog.get_by_role("button", name="Open this text").click()
    expect(dialog).to_have_count(0)
    expect(SharePage(page).prompt).to_have_value(MINIMAL["prompt"])


def test_two_files_at_once(open_page: OpenPage) -> None:
    page = started(open_page).page
    page.evaluate(
        """() => {
            const data = new DataTransfer();
            for (const name of ["a.json", "b.json"]) data.items.add(new File(["{}"], name));
            document.body.dispatchEvent(new DragEvent("drop",
                {dataTransfer: data, bubbles: true, cancelable: true}));
        }"""
    )
    expect(page.get_by_role("alert")).to_contain_text("Drop one file at a time.")


def test_chosen_and_pasted(open_page: OpenPage) -> None:
    view = started(open_page)
    page = view.page
    entry(page, "Open run").click()
    shoot(page, "open-a-run")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    content = json.dumps(MINIMAL).encode()
    chooser.value.set_files({"name": "r.json", "mimeType": "application/json", "buffer": content})
    expect(view.prompt).to_have_value("The king and")
    expect(page.get_by_role("dialog")).to_have_count(0)
    view.wait()

    def paste(selector: str, text: str) -> bool:
        """Whether the page let the browser go on with it."""
        allowed: bool = page.evaluate(
            """([selector, text]) => {
                const data = new DataTransfer();
                data.setData("text/plain", text);
                return document.querySelector(selector).dispatchEvent(new ClipboardEvent("paste",
                    {clipboardData: data, bubbles: true, cancelable: true}));
            }""",
            [selector, text],
        )
        return allowed

    pasted = json.dumps({**MINIMAL, "prompt": "pasted"})
    assert paste("textarea", pasted)  # a text box keeps what is pasted into it
    assert paste("body", "any other text")
    expect(view.prompt).to_have_value("The king and")
    assert not paste("body", pasted)
    expect(view.prompt).to_have_value("pasted")


def test_a_run_for_another_model(open_page: OpenPage) -> None:
    view = started(open_page)
    page = view.page
    before = kept(page)
    edits = [{"layer": layer, "dim": 3, "kind": "off"} for layer in (1, BEYOND)]
    run = {
        **MINIMAL,
        "model": "<i>org</i>/gpt2-large",
        "interventions": edits,
        "names": {"L1D3": "theirs"},
    }
    dropped(page, run)
    dialog = page.get_by_role("dialog", name="Another model")
    expect(dialog).to_contain_text("made with <i>org</i>/gpt2-large, which this server does not")
    expect(dialog).to_contain_text("1 of its 2 vectors exists in demo")
    assert in_both_schemes(page, "another-model") == []
    assert kept(page) == before
    dialog.get_by_role("button", name="Cancel").click()
    assert kept(page) == before
    dropped(page, run)
    dialog.get_by_role("button", name="Open with demo").click()
    view.wait()
    assert view.order() == {"": ["L1D3", f"L{BEYOND}D3"]}
    expect(view.card(f"L{BEYOND}D3")).to_contain_text(f"There is no layer {BEYOND}")
    expect(view.card("L1D3")).not_to_contain_text("theirs")
    view.undo()
    assert kept(page) == before


HOSTILE = {
    "L1D2": "<img src=x onerror=alert(1)>",
    "L1D3": "\"quoted\" 'twice' “é😀👩‍👩‍👧”",
    "L1D4": "שלום עולם",
}


def names_file(names: dict[str, str], model: str = "demo") -> dict[str, Any]:
    return {"format": "lm-debugger-names", "version": 1, "model": model, "names": names}


def test_names_leave_and_come_back(open_page: OpenPage) -> None:
    items = "_".join(f"{key}*on" for key in HOSTILE)
    view = started(open_page, linked(items))
    page = view.page
    for key, name in HOSTILE.items():
        view.card(key).locator("[data-value]").click()
        view.details.get_by_role("button", name="Rename").click()
        page.get_by_role("textbox", name=f"Name of {key}").fill(name)
        page.keyboard.press("Enter")
    name, content = downloaded(page, entry(page, "Export names"))
    assert name == "names-demo.json"
    assert content == names_file(HOSTILE)

    other = started(open_page, linked(items))
    entry(other.page, "Export names")
    expect(other.page.get_by_role("menuitem", name="Export names")).to_be_disabled()
    other.page.keyboard.press("Escape")
    dropped(other.page, content)
    expect(other.page.get_by_text("Names of demo: 3 names added.")).to_be_visible()
    for key, name in HOSTILE.items():
        expect(other.card(key)).to_contain_text(name)
    assert other.page.locator("img").count() == 0
    shoot(other.page, "names")
    other.page.get_by_role("status").get_by_role("button", name="Undo").click()
    for key, name in HOSTILE.items():
        expect(other.card(key)).not_to_contain_text(name)


def test_names_that_differ(open_page: OpenPage) -> None:
    view = started(open_page, linked("L1D2*on_L1D3*on", "&n=L1D2*mine"))
    page = view.page
    theirs = names_file({"L1D2": "<b>theirs</b>", "L1D3": "new"})
    dialog = page.get_by_role("dialog", name="Import names")
    for choice, name, said in (
        ("Keep mine", "mine", "1 name added, 1 name of your own kept."),
        ("Take the file’s", "<b>theirs</b>", "1 name added, 1 name replaced."),
    ):
        dropped(page, theirs)
        expect(dialog.get_by_role("list", name="Vectors with two names")).to_contain_text(
            "L1D2mine"
        )
        shoot(page, "names-that-differ")
        assert serious(page) == []
        dialog.get_by_role("button", name=choice).click()
        expect(page.get_by_text(said)).to_be_visible()
        expect(view.card("L1D2")).to_contain_text(name)
        expect(view.card("L1D3")).to_contain_text("new")
        page.get_by_role("status").get_by_role("button", name="Undo").click()
        expect(view.card("L1D2")).to_contain_text("mine")
        expect(view.card("L1D3")).not_to_contain_text("new")


def test_names_for_another_model(open_page: OpenPage) -> None:
    view = started(open_page, linked("L1D2*on"))
    page = view.page
    dialog = page.get_by_role("dialog", name="Import names")
    theirs = names_file({"L1D2": "elsewhere"}, "gpt2")
    dropped(page, theirs)
    expect(dialog.get_by_role("radio", name="gpt2")).to_be_checked()
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("Names of gpt2: 1 name added.")).to_be_visible()
    expect(view.card("L1D2")).not_to_contain_text("elsewhere")
    dropped(page, theirs)
    dialog.get_by_role("radio", name="demo").check()
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(view.card("L1D2")).to_contain_text("elsewhere")
