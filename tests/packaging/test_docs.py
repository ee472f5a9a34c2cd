"""What README and docs/ say is so: examples run, lists are complete, links lead on."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import inspect
import io
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from lm_debugger.api.route_table import ROUTES
from lm_debugger.api.route_types import Route
from lm_debugger.cli import COMMANDS, main
from lm_debugger.engine.adapters import adapters
from lm_debugger.engine.adapters.gpt_neox import GPTNeoXAdapter

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINES_OF_README = 130


def doc(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


# --- the first screen ----------------------------------------------------------------------------


def test_the_two_commands_come_first() -> None:
    first = blocks(README, "sh")[0]
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make run", "make test"]
    assert README.index(first) < README.index("\n## ")


def test_the_readme_is_short_and_leads_to_every_document() -> None:
    assert len(README.splitlines()) <= LINES_OF_README
    for page in PAGES[1:]:
        assert f"]({page.relative_to(ROOT).as_posix()})" in README, page.name


# --- lists ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_listed(route: Route) -> None:
    any_name = re.compile(r"[{<]\w+[}>]")
    assert f"`{route.method} {any_name.sub('*', route.path)}`" in any_name.sub("*", doc("http"))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_listed(name: str) -> None:
    assert f"| `lm-debugger {name}" in doc("scripting")


def test_every_architecture_is_listed_with_its_file() -> None:
    row = re.compile(r"^\| `(\w+)` \| .* \| \[(\w+)\.py\]\((\S+)\) \|$", re.MULTILINE)
    listed = row.findall(doc("architectures"))
    known = {name: each.__module__.rpartition(".")[2] for name, each in adapters().items()}
    assert {name: file for name, file, _ in listed} == known
    assert all(path.endswith(f"/{file}.py") for _, file, path in listed)


def test_the_family_that_is_shown_is_as_it_is() -> None:
    [shown] = blocks(doc("architectures"), "python")
    source = inspect.getsource(GPTNeoXAdapter)
    assert shown.split() == source.replace(f'"""{GPTNeoXAdapter.__doc__}"""', "").split()


# --- examples ------------------------------------------------------------------------------------


def run(code: str) -> list[str]:
    """The lines that an example prints."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "an example", "exec"), {})
    return said.getvalue().splitlines()


def test_the_example_of_the_readme_is_part_of_the_longer_one() -> None:
    [short], [longer, *_] = blocks(README, "python"), blocks(doc("scripting"), "python")
    assert set(short.splitlines()) <= set(longer.splitlines())
    [tokens] = run(short)
    assert len(ast.literal_eval(tokens)) == 10


def test_the_python_examples_run() -> None:
    debugging, serving, exploring = map(run, blocks(doc("scripting"), "python"))
    assert debugging[2].startswith("In the month of ")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/?", serving[-1])
    assert len(exploring) == 5
    scores = [float(line.split()[1]) for line in exploring]
    assert all(re.match(r"L\d+D\d+ ", line) for line in exploring)
    assert scores == sorted(scores, reverse=True)


def commands() -> Iterator[tuple[str, list[str]]]:
    """(command, its words) of every `lm-debugger …` in a block or in backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shell = "\n".join(blocks(text, "sh")).replace("\\\n", " ")
        lines = [*shell.splitlines(), *re.findall(r"`(lm-debugger [^`]+)`", text)]
        for line in lines:
            words = shlex.split(line, comments=True)
            if words[:1] == ["lm-debugger"] and words[1] != "--help":
                yield words[1], words[2:]


def test_commands_and_flags_exist() -> None:
    """In whole command lines."""
    seen = set()
    for name, words in commands():
        command = main.get_command(click.Context(main), name)
        assert command is not None, name
        known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
        flags = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
        assert flags <= known, (name, flags - known)
        seen.add(name)
    assert seen == set(COMMANDS)


def test_flags_in_the_lists_exist() -> None:
    """In the rows of the list of commands, beside the command itself."""
    for line in doc("scripting").splitlines():
        row = re.match(r"\| `lm-debugger (\w+)", line)
        if row is None:
            continue
        command = main.get_command(click.Context(main), row[1])
        assert command is not None
        known = {option for p in command.params for option in p.opts}
        named = {flag.partition("=")[0] for flag in re.findall(r"`(--[^ `]+)", line)}
        assert named <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_modules_and_files_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    code = " ".join([*blocks(text, "sh"), *re.findall(r"`([^`\n]+)`", text)])
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"\bmake ([a-z]+)", code)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    for module in set(re.findall(r"python -m ([\w.]+)", code)):
        assert importlib.util.find_spec(module), module
    for file in set(re.findall(r"(?<![\w/])(?:tests|config|\.ci)/[\w./-]+\w", code)):
        assert (ROOT / file).exists(), file


# --- links ---------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        shown = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        free = (f"{slug}-{n}" if n else slug for n in itertools.count())
        found.add(next(name for name in free if name not in found))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)
    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert target.suffix == ".md", link
            assert anchor in anchors(target), link


def test_every_picture_is_shown() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    pictures = [path.name for path in (ROOT / "docs").glob("*.png")]
    shown = re.findall(r"(?:\]\(|src(?:set)?=\")(?:docs/)?([\w.-]+\.png)", text)
    assert sorted(set(pictures) - set(shown)) == []
