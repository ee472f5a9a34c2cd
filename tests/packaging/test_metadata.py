"""What pyproject.toml, constraints.txt and the sources say of dependencies agrees."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name as canonical

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNTIME = [Requirement(text) for text in PROJECT["dependencies"]]
OPTIONAL = {
    extra: [Requirement(text) for text in texts]
    for extra, texts in PROJECT["optional-dependencies"].items()
}
# Imported by way of a package that declares it, whose own API shows its types.
CARRIED = {
    "limits": "flask_limiter",
    "markupsafe": "flask",
    "werkzeug": "flask",
    "pydantic_core": "pydantic",
    "tokenizers": "transformers",
}


def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonical(item.name): item for item in found}


def imported(folder: Path) -> set[str]:
    """Top-level names of third-party imports anywhere in a folder's modules."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"lm_debugger", "__future__"}


def distributions(modules: set[str]) -> set[str]:
    by_module = importlib.metadata.packages_distributions()
    return {canonical(by_module[CARRIED.get(name, name)][0]) for name in modules}


def test_every_import_is_declared_and_every_declaration_imported() -> None:
    needed = {canonical(item.name) for item in RUNTIME}
    optional = {canonical(i.name) for extra, i_s in OPTIONAL.items() if extra != "dev" for i in i_s}
    found = distributions(imported(ROOT / "server"))
    assert found - optional == needed


def test_constraints_pin_exactly_one_version_each() -> None:
    for item in pins().values():
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(item.specifier)), item


@pytest.mark.parametrize("extra", ["", *OPTIONAL])
def test_all_that_is_needed_is_pinned(extra: str) -> None:
    """Of everything declared, what it needs in turn, as the installed packages say."""
    pinned = pins()
    seen: set[str] = set()
    waiting = list(RUNTIME if not extra else OPTIONAL[extra])
    while waiting:
        item = waiting.pop()
        name = canonical(item.name)
        assert name in pinned, f"{name} is not in constraints.txt"
        assert pinned[name].specifier in _Within(item.specifier), f"{pinned[name]} is not {item}"
        if name in seen:
            continue
        seen.add(name)
        needed = [Requirement(text) for text in importlib.metadata.requires(name) or []]
        waiting += [n for n in needed if n.marker is None or n.marker.evaluate({"extra": ""})]


class _Within:
    def __init__(self, allowed: SpecifierSet) -> None:
        self.allowed = allowed

    def __contains__(self, pin: SpecifierSet) -> bool:
        (one,) = pin
        return self.allowed.contains(one.version, prereleases=True)


def test_installed_versions_are_the_pinned_ones() -> None:
    """This very run, then, says something about the pinned set."""
    for name, item in pins().items():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        assert item.specifier.contains(version), f"{name} {version}, pinned {item.specifier}"


def test_the_front_ends_lockfile_is_complete() -> None:
    """`npm ci` refuses a lockfile without the packages of other platforms, and npm leaves them out
    when the registry that it was made from does not have them."""
    packages = json.loads((ROOT / "frontend" / "package-lock.json").read_text())["packages"]
    locked = {path.rpartition("node_modules/")[2] for path in packages}
    wanted = {
        name
        for package in packages.values()
        for kind in ("dependencies", "devDependencies", "optionalDependencies")
        for name in package.get(kind, {})
    }
    assert wanted - locked == set()
    assert [path for path, package in packages.items() if "resolved" in package] == []
    unhashed = [path for path, package in packages.items() if "integrity" not in package]
    assert unhashed == [""], "all but the page itself"
