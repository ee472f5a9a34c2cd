"""What the README says is so: its example runs, its lists are complete, its links lead on."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from lm_debugger.api.route_table import ROUTES
from lm_debugger.api.route_types import Route
from lm_debugger.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_come_first() -> None:
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL)
    assert first is not None
    assert [line.split("#")[0].strip() for line in first[1].splitlines()] == [
        "make run",
        "make test",
    ]


def test_the_python_examples_run() -> None:
    debugging, serving, exploring = map(run, re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    assert debugging[2].startswith("In the month of ")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/?", serving[-1])
    assert len(exploring) == 5
    scores = [float(line.split()[1]) for line in exploring]
    assert all(re.match(r"L\d+D\d+ ", line) for line in exploring)
    assert scores == sorted(scores, reverse=True)


def run(code: str) -> list[str]:
    """The lines that an example prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})
    return said.getvalue().splitlines()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_listed(route: Route) -> None:
    any_name = re.compile(r"[{<]\w+[}>]")
    assert f"`{route.method} {any_name.sub('*', route.path)}`" in any_name.sub("*", README)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_listed(name: str) -> None:
    assert f"| `lm-debugger {name}" in README


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r'src(?:set)?="([^"]+)"', README)
    local = [link for link in links if "://" not in link]
    assert len(local) > 5
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
