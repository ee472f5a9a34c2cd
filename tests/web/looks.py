"""What axe says of a page as it is now, in both colour schemes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.web.conftest import shoot
from tests.web.waits import painted

SIZES = ((1440, 900), (1024, 768), (390, 844))
COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose findings can differ between the schemes of one document."""


def serious(page: Page, *, only: Sequence[str] = ()) -> list[str]:
    """What axe finds that is serious or critical, by all of its rules or by some."""
    # without resultTypes every element that passes is written out too, five times the time
    options: dict[str, list[str]] = {"resultTypes": ["violations"]}
    if only:
        options["runOnly"] = list(only)
    # Nothing is on its way from one colour to another, however slow the machine is.
    page.emulate_media(reduced_motion="reduce")
    painted(page)
    return [
        f"{violation['id']}: {violation['help']}: {violation['nodes'][0]['html'][:200]}"
        for violation in Axe().run(page, options=options).response["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


def in_both_schemes(page: Page, name: str) -> list[str]:
    """The same for the light scheme and for the dark one, of which pictures are kept as `name`."""
    found = []
    schemes: tuple[tuple[Literal["light", "dark"], Sequence[str]], ...]
    schemes = (("light", ()), ("dark", COLOURS))
    for scheme, rules in schemes:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {each}" for each in serious(page, only=rules)]
        shoot(page, f"{name}-{scheme}")
    return found


def at_every_width(page: Page, name: str) -> Iterator[int]:
    """The page 1440, 1024 and 390 pixels wide, for the caller to look at; pictures are kept."""
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        yield width
        shoot(page, f"{name}-{width}")
