"""What the tests of the Why panel look for on the page."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.reference import Array, Edit, assert_ranked
from tests.web.random_server import RandomServer, number

PROMPT = "My wife is working as a"
EDITS: list[Edit] = [
    {"layer": 1, "dim": 5, "kind": "set", "value": 6.0},
    {"layer": 0, "dim": 9, "kind": "scale", "value": -2.0},
]
TOKENS = (300, 4000, 5000)
N_LAYERS = 3
SVG = "{http://www.w3.org/2000/svg}"


def ids(*tokens: int) -> str:
    return ".".join(map(str, tokens))


def attribution(page: Page) -> Locator:
    return page.get_by_test_id("attribution")


def settled(page: Page) -> None:
    for part in (page.get_by_test_id("lines"), attribution(page)):
        expect(part).to_be_visible()
        expect(part).not_to_have_attribute("data-outdated", "true")


def choose(page: Page, group: str, name: str) -> None:
    page.get_by_role("group", name=group).get_by_text(name, exact=True).click()


def chips(page: Page) -> Locator:
    return page.get_by_role("list", name="Followed tokens").locator("[data-token]")


def followed(page: Page) -> list[int]:
    return [int(chip.get_attribute("data-token") or "") for chip in chips(page).all()]


def parts(served: RandomServer, edits: list[Edit], a: int, b: int | None) -> dict[str, Array]:
    """What adds up to the lead of a over b (or to the logit of a), by the oracle (rule 16)."""
    oracle = served.oracle
    run = served.run(PROMPT, edits)
    x = run.after[-1, -1]
    row = oracle.unembedding[a] - (oracle.unembedding[b] if b is not None else 0)
    deviation = np.sqrt(((x - x.mean()) ** 2).mean() + oracle.config["layer_norm_epsilon"])
    weighted = row * oracle.w["ln_f.weight"]
    g = (weighted - weighted.mean()) / deviation
    values = np.stack([oracle.values(layer) for layer in range(N_LAYERS)])  # [L, F, D]
    logits = oracle.logits(x)
    return {
        "total": np.array([logits[a] - (logits[b] if b is not None else 0)]),
        "base": np.array([row @ oracle.w["ln_f.bias"]]),
        "start": np.array([run.before[0, -1] @ g]),
        "attention": (run.before[1:, -1] - run.after[:-1, -1]) @ g,
        "ffn": run.ffn[:, -1] @ g,
        "updates": run.m[:, -1] * (values @ g),  # [L, F]
        "coefficients": run.m[:, -1],
    }


def contributions(page: Page) -> Locator:
    return page.get_by_role("list", name="Sub-updates by direct contribution").locator(
        "[data-node]"
    )


def vector(row: Locator) -> tuple[int, int]:
    found = re.fullmatch(r"L(\d+)D(\d+)", row.get_attribute("data-value") or "")
    assert found
    return int(found[1]), int(found[2])


def assert_attribution(page: Page, truth: dict[str, Array], k: int) -> None:
    def close(expected: Any) -> Any:
        return pytest.approx(expected, rel=1e-4, abs=2e-5)

    assert number(page.get_by_test_id("total")) == close(truth["total"][0])
    sums = page.get_by_test_id("sums").locator("td")
    expected = [*truth["base"], *truth["start"], truth["attention"].sum(), truth["ffn"].sum()]
    shown = [number(each) for each in sums.all()]
    assert shown == close([*expected, truth["total"][0]])
    assert sum(shown[:4]) == pytest.approx(shown[4], abs=1e-4)
    for layer, row in enumerate(page.get_by_test_id("layer-parts").locator("tbody tr").all()):
        attention, ffn = row.locator("td").all()
        assert number(ffn) == close(truth["ffn"][layer])
        if layer == 0:
            expect(attention).to_have_text("in start")
        else:
            assert number(attention) == close(truth["attention"][layer - 1])
    width = truth["updates"].shape[1]
    listed = []
    for row in contributions(page).all():
        layer, dim = vector(row)
        amount = number(row.locator("[title^=adds]"))
        assert amount == close(truth["updates"][layer, dim])
        coefficient = number(row.locator("[title^=coefficient]"))
        assert coefficient == pytest.approx(truth["coefficients"][layer, dim], rel=1e-4)
        listed.append((layer * width + dim, abs(amount)))
    assert_ranked(listed, np.abs(truth["updates"]).flatten(), k, rtol=1e-4)


def signed(value: float) -> str:
    return ("−" if value < 0 else "+") + f"{abs(value):.{1 if abs(value) >= 10 else 2}f}"
