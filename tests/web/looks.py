"""What axe says of a page as it is now, in both colour schemes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.conftest import shoot

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose findings can differ between the schemes of one document."""


def serious(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """What axe finds that is serious or critical, by all of its rules or by those named."""
    # without resultTypes every element that passes is written out too, five times the time
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    page.wait_for_timeout(300)  # transitions end, colours are final
    return [
        f"{violation['id']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"
        for violation in Axe().run(page, options=options).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def assert_sound(page: Page, name: str) -> None:
    """Nothing serious in the light scheme, nor in the dark one; pictures are kept as `name`."""
    schemes: tuple[tuple[Literal["light", "dark"], Sequence[str]], ...]
    schemes = (("light", ()), ("dark", COLOURS))
    for scheme, rules in schemes:
        page.emulate_media(color_scheme=scheme)
        assert serious(page, rules) == [], scheme
        shoot(page, f"{name}-{scheme}")
