"""Measures how soon a trace of 36 layers is on screen after its reply has arrived.

    python -m tests.benchmarks.paint [--repeat N]

A real server with random weights (narrow: what the model costs is not in the figures) and a real
Chromium, headless, 1440 x 900. From the last byte of the reply to `POST /api/v1/trace` to the end
of the frame in which the layers first show it. Goal: 100 ms. "work" is the longest stretch within
which the page could not have answered a key.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright

from tests.models import random_model, save
from tests.web.conftest import CHROMIUM_FLAGS, NAMES, Server
from tests.web.waits import painted

N_LAYERS = 36
GOAL = 100  # milliseconds
EDITS = "L0D3*off_L12D7*on_L20D11*scale*-2"
PROMPTS = ["My wife is working as a", "The cat sat on the", "In the beginning was the"]

# The first change of the layers after a reply, then the frame that shows it: a message sent from
# within a frame's callback arrives after that frame was drawn.
WATCH = """
(() => {
  window.__paints = [];
  let replied = null;
  let busy = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) busy = Math.max(busy, entry.duration);
  }).observe({ type: "longtask" });
  const arrived = () => performance.getEntriesByType("resource")
    .filter((entry) => entry.name.endsWith("/api/v1/trace")).at(-1)?.responseEnd ?? null;
  const seen = () => {
    const end = arrived();
    if (end === null || end === replied || !document.querySelector("[data-testid=layers]")) return;
    if (document.querySelector("[data-testid=layers][data-outdated]")) return;
    replied = end;
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const painted = performance.now() - end;
        // Long tasks are told a moment later.
        setTimeout(() => { window.__paints.push({ painted, busy }); busy = 0; }, 300);
      };
      port2.postMessage(0);
    });
  };
  new MutationObserver(seen).observe(document, { subtree: true, childList: true,
    characterData: true, attributes: true });
})();
"""


class Paint(NamedTuple):
    """Milliseconds from the reply to the frame that shows it, and the longest task around it."""

    painted: float
    busy: float


def next_paint(page: Page, before: int) -> Paint:
    page.wait_for_function("before => window.__paints.length > before", arg=before)
    return Paint(**page.evaluate("window.__paints.at(-1)"))


def first_traces(browser: Browser, url: str, address: str, n: int) -> list[Paint]:
    """Each in a new page, so that nothing is there yet."""
    found = []
    for _ in range(n):
        page = new_page(browser)
        page.goto(url + address)
        found.append(next_paint(page, 0))
        page.context.close()
    return found


def next_traces(browser: Browser, url: str, address: str, n: int) -> list[Paint]:
    """In one page, prompt after prompt."""
    page = new_page(browser)
    page.goto(url + address)
    next_paint(page, 0)
    found = []
    for index in range(n):
        box = page.get_by_role("textbox", name="Prompt", exact=True)
        box.fill(f"{PROMPTS[index % len(PROMPTS)]} {index}")
        painted(page)  # what typing costs is not in the figures
        before = page.evaluate("window.__paints.length")
        box.press("Enter")
        found.append(next_paint(page, before))
    page.context.close()
    return found


def new_page(browser: Browser) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.add_init_script(WATCH)
    return page


def report(name: str, paints: list[Paint]) -> bool:
    """Print one row of the table; is the goal met?"""
    painted = statistics.median(paint.painted for paint in paints)
    busy = statistics.median(paint.busy for paint in paints)
    worst = max(paint.painted for paint in paints)
    print(f"| {name} | {painted:.0f} | {worst:.0f} | {busy:.0f} |", flush=True)
    return painted <= GOAL


def measure(url: str, n: int) -> bool:
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    link = f"/#/trace?v=1&p={quote(PROMPTS[0])}"
    edited, difference = f"{link}&i={EDITS}", f"{link}&i={EDITS}&r=difference"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        print(f"| {N_LAYERS} layers, ms, of {n} | median | worst | work |")
        print("|---|---|---|---|")
        met = [
            report("first trace", first_traces(browser, url, link, n)),
            report("next trace", next_traces(browser, url, link, n)),
            report("first trace, edited", first_traces(browser, url, edited, n)),
            report("next trace, edited", next_traces(browser, url, edited, n)),
            report("first trace, difference", first_traces(browser, url, difference, n)),
            report("next trace, difference", next_traces(browser, url, difference, n)),
        ]
        browser.close()
    return all(met)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=11, metavar="N")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = save(random_model({"n_layer": N_LAYERS}), Path(folder))
        server = Server(str(model), "--auto-index", "false")
        try:
            met = measure(server.url, arguments.repeat)
        finally:
            server.stop()
    print(f"goal, median <= {GOAL} ms: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
