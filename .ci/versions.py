"""Does the range of versions in pyproject.toml hold? A part of the tests with its two ends.

The model libraries (transformers, the hub's client, safetensors, tokenizers) come in the versions
of constraints-lowest.txt and constraints-newest.txt into an environment of their own each, below
.venv. All else is lent from .venv by a .pth file, so that PyTorch is there once; an environment's
own packages come before lent ones. What the tests are is in SELECTION.

`.ci/versions.py lowest` (or newest) runs one of them. The exit status is 1 if a test fails or an
environment cannot be made. A version newer than those pinned is told, and changes nothing: the same
commit gives the same result tomorrow.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv" / "versions"
ENDS = ("lowest", "newest")
SELECTION = ("tests/versions", "tests/cli/test_serve_hub.py")
_SEEN = """
import importlib.metadata, json, sys
found = {}
for name in sys.argv[1:]:
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found))
"""
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


class VersionsError(Exception):
    """An environment cannot be made; the message is for a person."""


def pins(end: str) -> dict[str, str]:
    """Package -> version of constraints-END.txt."""
    lines = (ROOT / f"constraints-{end}.txt").read_text(encoding="utf-8").splitlines()
    given = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {name: version for name, _, version in given}


def environment(end: str) -> Path:
    """The Python of an end's environment, which is made unless it is there as it should be.

    Raises:
        VersionsError: pip fails, or what is imported there is not what is pinned.
    """
    folder = FOLDER / end
    python = folder / "bin" / "python"
    requirements = ROOT / f"constraints-{end}.txt"
    state = f"{sys.version} {sys.prefix} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    stamp = folder / ".installed"
    if not (stamp.is_file() and stamp.read_text() == state):
        venv.create(folder, clear=True, symlinks=True, with_pip=False)
        paths = {"base": str(folder), "platbase": str(folder)}
        lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        own = Path(sysconfig.get_path("purelib", vars=paths))
        # The project itself, too: .pth files in lent folders are not read.
        (own / "lent.pth").write_text("\n".join([*sorted(lent), str(ROOT / "server")]) + "\n")
        # Exactly these: nothing that they may ask for can replace what is lent.
        _pip(python, "install", "--quiet", "--no-deps", "--requirement", str(requirements))
        _pip(python, "check")
        stamp.write_text(state)
    found = _imported(python, tuple(pins(end)))
    if found != pins(end):
        raise VersionsError(f"{end}: {found} is imported instead of {pins(end)}.")
    return python


def _pip(python: Path, *arguments: str) -> None:
    done = subprocess.run([python, *PIP, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "WARN" not in line]
        raise VersionsError(f"pip {arguments[0]} failed:\n" + _public("\n".join(lines[-8:])))


def _imported(python: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Their versions as a program there sees them, of those that are there."""
    done = subprocess.run([python, "-c", _SEEN, *names], capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _public(text: str) -> str:
    """Where packages come from is a matter of the machine, and nothing for a public log."""
    return re.sub(r"\w+://\S+", "(address)", text)


def newer() -> list[str]:
    """What pyproject.toml allows and the index has beyond constraints-newest.txt, a line each.

    Raises:
        VersionsError: the index cannot be asked.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = pins("newest")
    asked = [text for text in project["dependencies"] if Requirement(text).name in pinned]
    command = [sys.executable, *PIP, "install", "--dry-run", "--quiet", "--no-deps",
               "--ignore-installed", "--report", "-", *asked]  # fmt: skip
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = [item["metadata"] for item in json.loads(done.stdout)["install"]]
        newest = {canonicalize_name(item["name"]): item["version"] for item in found}
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise VersionsError(
            f"the package index cannot be asked ({type(error).__name__})"
        ) from error
    return [
        f"{name} {version} (pinned: {pinned[name]})"
        for name, version in newest.items()
        if version != pinned[name]
    ]


def run(end: str) -> bool:
    """Whether the tests pass there."""
    start = time.monotonic()
    shown = ", ".join(f"{name} {version}" for name, version in pins(end).items())
    print(f"{end}: {shown}", flush=True)
    try:
        python = environment(end)
    except VersionsError as error:
        print(f"{end}: {error}", flush=True)
        return False
    made = time.monotonic()
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SELECTION]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    passed = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode == 0
    took = f"environment {made - start:.0f} s, tests {time.monotonic() - made:.0f} s"
    print(f"{end}: {'passed' if passed else 'FAILED'} ({took})", flush=True)
    return passed


def main(ends: list[str]) -> int:
    if not set(ends) <= set(ENDS):
        print(f"unknown: {' '.join(ends)} ({' or '.join(ENDS)})", file=sys.stderr)
        return 2
    passed = [run(end) for end in ends or ENDS]
    try:
        for line in newer():
            print(f"!!! NEWER: {line}. This run says nothing of it: raise constraints-newest.txt.")
    except VersionsError as error:
        print(f"whether there are newer versions is not known: {error}")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
