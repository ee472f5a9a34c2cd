"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "server" / "lm_debugger"
LONGEST_FILE = 320
LONGEST_FUNCTION = 60
GENERATED = {"frontend/src/api/schema.d.ts"}
TOO_LONG = {
    # One panel of the page each.
    "frontend/src/state/session.test.ts": 327,
}
"""Files that were longer when the limit came, with their lengths then. They may only shrink; a name
goes when its file fits, and none is added."""


def tracked() -> list[Path]:
    """The files that git has or would take; without git (a source archive), all that are here."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    paths = [ROOT / name for name in listing.split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT).as_posix(), content.decode("utf-8")


def functions(folder: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a folder's modules, with a name to point at it."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node


# --- imports -------------------------------------------------------------------------------------


def test_imports_point_one_way() -> None:
    """The contracts of pyproject.toml: nothing points back, the engine knows nothing of the web."""
    tool = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_hooks_registers_hooks() -> None:
    """In code; the text of a program that the package writes for others may do so."""
    register = re.compile(r"register_\w*hook\w*")
    found = {
        path.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and register.fullmatch(node.attr)
    }
    assert found == {"hooks.py"}


def test_nothing_is_pickled() -> None:
    """Reading a pickle runs whatever code its author put there."""
    forbidden = re.compile(
        r"^\s*(from|import) (pickle|joblib|shelve|dill)\b|torch\.(load|save)\(|allow_pickle=True",
        re.MULTILINE,
    )
    found = [str(p) for p in PACKAGE.rglob("*.py") if forbidden.search(p.read_text())]
    assert found == []


# --- size and documentation ----------------------------------------------------------------------


def test_files_fit_in_a_head() -> None:
    code = (".py", ".ts", ".tsx", ".css")
    lengths = {name: text.count("\n") for name, text in texts() if name.endswith(code)}
    allowed = {**dict.fromkeys(lengths, LONGEST_FILE), **TOO_LONG}
    long = {name: n for name, n in lengths.items() if n > allowed[name] and name not in GENERATED}
    assert long == {}
    fitting = {name for name in TOO_LONG if lengths.get(name, 0) <= LONGEST_FILE}
    assert fitting == set(), "take them off the list"


def test_functions_fit_on_a_screen() -> None:
    lengths = {name: (f.end_lineno or 0) - f.lineno + 1 for name, f in functions(PACKAGE)}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FUNCTION} == {}


def test_every_module_says_what_it_is_for() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if path.read_text().strip()]
    silent = [str(p) for p in modules if ast.get_docstring(ast.parse(p.read_text())) is None]
    assert silent == []


def public(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str | None]]:
    """Name and docstring of public classes, functions, and methods of public classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield f"{prefix}{node.name}", ast.get_docstring(node)
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{prefix}{node.name}.")


def test_the_engine_is_documented() -> None:
    """Every public function, class and method of the engine has a docstring, or is an adapter's
    answer to a method that `Adapter` documents."""
    documented: dict[str, str | None] = {}
    for path in sorted((PACKAGE / "engine").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented |= public(tree.body, f"{path.relative_to(PACKAGE).as_posix()} ")
    asked = {
        name.rpartition(".")[2] for name, text in documented.items() if "Adapter." in name and text
    }
    silent = [
        name
        for name, text in documented.items()
        if text is None and not ("adapters/" in name and name.rpartition(".")[2] in asked)
    ]
    assert silent == []


# --- what must not be in the repository ----------------------------------------------------------

# In pieces, so that this file does not hold them itself.
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "yarnpkg" + ".com",
    "download.pytorch" + ".org",
    "deb.debian" + ".org",
)
MACHINE_PATHS = re.compile(r"""(?:^|[\s"'(=:,`])/(?:work|root|tmp|home|Users|mnt)/\w""", re.M)


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_registry_is_named(host: str) -> None:
    """pip and npm are configured by whoever runs them, not by this repository."""
    assert [name for name, text in texts() if host in text] == []


def test_no_paths_of_one_machine() -> None:
    found = {name: m[0] for name, text in texts() if (m := MACHINE_PATHS.search(text))}
    assert found == {}


def test_no_large_files_but_the_model() -> None:
    large = [p for p in tracked() if p.stat().st_size > 1_000_000]
    outside = [str(p) for p in large if not p.is_relative_to(PACKAGE / "demo" / "model")]
    assert outside == []


# --- what a test waits for -----------------------------------------------------------------------


def calls(node: ast.AST, paced: bool = False) -> Iterator[tuple[str, bool]]:
    """Name of every method that is called below, and whether a loop repeats it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            continue  # a function of its own
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            yield child.func.attr, paced
        yield from calls(child, paced or isinstance(child, ast.While | ast.For))


def test_no_test_waits_for_time_to_pass() -> None:
    """A state is waited for; that nothing happens is shown by what comes after it. A test sleeps
    only between two looks at what it waits for."""
    found = [
        (name, called)
        for name, function in functions(ROOT / "tests")
        for called, paced in calls(function)
        if called == "wait_for_timeout"
        or (called == "sleep" and not paced and function.name.startswith("test_"))
    ]
    assert found == []
