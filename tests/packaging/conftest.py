"""The wheel, built once, and a fresh environment that holds it and nothing else of this project.

The wheel is built by the real backend through its real hook; the page is not built again if it is
that of the sources, which is what the hook is for. It is installed by pip, into a new virtual
environment outside the source tree. What the project *needs* (PyTorch and so on, gigabytes) is not
downloaded a second time: a .pth file lends the outer environment's packages. That these are the
declared ones and suffice is checked apart from that, by test_metadata.py. The outer environment's
editable install of the project must not leak in with them: it works through a .pth file of its own,
and Python reads .pth files only in the environment's own site-packages, not in folders added by
one. `test_only_the_wheel` holds that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def build(kind: str, folder: Path, source: Path = ROOT) -> Path:
    """Build a "wheel" or an "sdist" of `source` into `folder`, as `python -m build` does."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", folder]
    subprocess.run([*command, source], check=True, stdin=subprocess.DEVNULL, timeout=250)
    (archive,) = folder.iterdir()
    return archive


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("wheel"))


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel in it, and an empty folder to work in."""

    prefix: Path
    cwd: Path

    @property
    def command(self) -> Path:
        return self.prefix / "bin" / "lm-debugger"

    @property
    def environ(self) -> dict[str, str]:
        """Nothing of the outer environment that could make the project's sources importable."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LM_DEBUGGER_"))}
        cache = str(self.prefix.parent / "cache")
        return {**kept, "HF_HUB_OFFLINE": "1", "LM_DEBUGGER_CACHE_DIR": cache}

    def python(self, code: str) -> str:
        """What a Python program prints there."""
        done = subprocess.run(
            [self.prefix / "bin" / "python", "-c", code],
            cwd=self.cwd,
            env=self.environ,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    prefix = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(prefix, with_pip=True, symlinks=True)
    inner = sysconfig.get_path("purelib", vars={"base": str(prefix), "platbase": str(prefix)})
    outer = sysconfig.get_path("purelib")
    Path(inner, "outer_dependencies.pth").write_text(outer + "\n")
    pip = [prefix / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    # --ignore-installed: pip sees the outer environment's lm-debugger through the .pth file too.
    subprocess.run([*pip, "--ignore-installed", wheel], check=True, stdin=subprocess.DEVNULL)
    cwd = tmp_path_factory.mktemp("empty")
    yield Installed(prefix, cwd)
    assert list(cwd.iterdir()) == [], "the server wrote into the folder it was started in"
