"""Several models on one page: their states, switching, and what belongs to each."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from lm_debugger.api.server import Server
from lm_debugger.settings import Settings
from tests.models import demo_megabytes
from tests.web.conftest import OpenPage, shoot
from tests.web.demo import FFN_WIDTH, N_LAYERS
from tests.web.own_server import Held, running
from tests.web.trace_page import TracePage
from tests.web.waits import painted, reload

LONG = "a-fine-tuned-model-whose-name-says-everything-about-how-it-came-to-be-2026-11-21"


@pytest.fixture
def held(tmp_path: Path, checkpoint: Callable[[str], Path]) -> tuple[Settings, Held]:
    """demo; a folder that is no model; a folder with a long name, which is held while loading; one
    that waits for it; and one that is too large for the memory that is allowed."""
    folder = tmp_path / "models" / LONG
    shutil.copytree(checkpoint("untied"), folder)
    large = tmp_path / "models" / "large"
    shutil.copytree(checkpoint("tied"), large)
    models = ["demo", str(tmp_path / "nowhere"), str(folder), str(large)]
    settings = Settings(
        models=models,
        port=0,
        auto_index=False,
        cache_dir=tmp_path,
        memory_limit_mb=demo_megabytes() + 305,
    )
    return settings, Held(settings, str(folder))


@pytest.fixture
def server(held: tuple[Settings, Held]) -> Iterator[Server]:
    settings, load = held
    with running(settings, load) as server:
        yield server
        load.let.set()


def open_menu(page: Page) -> Locator:
    page.get_by_test_id("model-picker").click()
    return page.get_by_role("menu")


def item(page: Page, name: str) -> Locator:
    return page.get_by_role("menuitemradio").filter(has_text=re.compile(rf"(^|/){name}"))


def test_states_of_all_models(
    open_page: OpenPage, server: Server, held: tuple[Settings, Held]
) -> None:
    page = open_page(at=server, expect_failed_requests=True)
    TracePage(page).wait()
    open_menu(page)
    expect(item(page, "demo")).to_contain_text(f"{N_LAYERS} layers × {FFN_WIDTH:,} value vectors")
    expect(item(page, "nowhere")).to_have_attribute("aria-disabled", "true")
    expect(item(page, "nowhere")).to_contain_text("There is no folder")
    expect(item(page, LONG)).to_contain_text("Reading weights, 3 of 10 tensors")
    bar = item(page, LONG).get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuenow", "30")
    expect(item(page, "large")).to_contain_text("Waiting until the models before it are loaded")
    shoot(page, "models-loading")
    held[1].let.set()
    expect(item(page, LONG)).to_contain_text("2 layers × 40 value vectors")
    # 305 MB beside demo: 301 for the long one, and no more 301 for this
    expect(item(page, "large")).to_contain_text(re.compile("needs about 301 MB.* 4 MB are left"))
    expect(item(page, "large")).to_have_attribute("aria-disabled", "true")
    shoot(page, "models-loaded")


def test_one_that_loads_shows_how_far_it_is_and_the_others_can_be_used(
    open_page: OpenPage, server: Server, held: tuple[Settings, Held]
) -> None:
    page = open_page(at=server, expect_failed_requests=True)
    view = TracePage(page)
    view.trace("The king and his")
    open_menu(page)
    item(page, LONG).click()
    expect(page.get_by_role("main")).to_contain_text("Reading weights, 3 of 10 tensors")
    expect(page.get_by_test_id("model-picker")).to_contain_text("loading 30 %")
    expect(view.prompt).to_have_value("The king and his")
    shoot(page, "model-loading")
    page.get_by_role("button", name="Use demo").click()
    view.wait()
    open_menu(page)
    item(page, LONG).click()
    held[1].let.set()
    view.wait()
    expect(view.list("After layer 1")).to_be_visible()
    expect(view.prompt).to_have_value("The king and his")


def test_interventions_and_names_are_each_models_own(
    open_page: OpenPage, server: Server, held: tuple[Settings, Held]
) -> None:
    held[1].let.set()
    page = open_page(at=server, expect_failed_requests=True)
    view = TracePage(page)
    view.trace("The king and his")
    view.add("L1D5")
    view.wait()
    open_menu(page)
    item(page, LONG).click()
    view.wait()
    expect(view.prompt).to_have_value("The king and his")
    expect(view.card("L1D5")).to_have_count(0)
    view.add("L0D7")
    view.wait()
    open_menu(page)
    item(page, "demo").click()
    view.wait()
    expect(view.card("L1D5")).to_be_visible()
    expect(view.card("L0D7")).to_have_count(0)
    reload(page)
    view.wait()
    expect(view.card("L1D5")).to_be_visible()
    open_menu(page)
    item(page, LONG).click()
    view.wait()
    expect(view.card("L0D7")).to_be_visible()
    expect(view.card("L1D5")).to_have_count(0)
    # undo leads back to the model that was left
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_test_id("model-picker")).to_contain_text("demo")
    expect(view.card("L1D5")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_name_takes_no_more_room_than_there_is(
    open_page: OpenPage, server: Server, held: tuple[Settings, Held], scheme: str
) -> None:
    held[1].let.set()
    page = open_page(at=server, scheme=scheme, expect_failed_requests=True)
    TracePage(page).wait()
    open_menu(page)
    item(page, LONG).click()
    TracePage(page).wait()
    for width, height in ((1440, 900), (1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        for name, open_it in (("closed", lambda: None), ("open", lambda: open_menu(page))):
            open_it()
            painted(page)
            shoot(page, f"long-name-{name}-{width}-{scheme}")
            for place in ("document.documentElement", "document.querySelector('header')"):
                wider = page.evaluate(f"{place}.scrollWidth - {place}.clientWidth")
                assert wider <= 0, (width, name, place)
        page.keyboard.press("Escape")
