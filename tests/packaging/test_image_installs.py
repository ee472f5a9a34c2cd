"""What the Dockerfile installs is what is locked, by its own command and pip itself."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT
from tests.packaging.dockerfile import BUILD, DOCKERFILE, arguments, rest_of


def packed(folder: Path, name: str) -> Path:
    """A wheel of a package that has nothing in it."""
    wheel = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file, text in {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }.items():
            archive.writestr(f"{name}-1.dist-info/{file}", text)
    return wheel


@dataclass(frozen=True)
class Installing:
    """The command of the Dockerfile that installs, with pip itself and small packages in place of
    the locked ones: `in_NAME` for each lock."""

    root: Path
    venv: Path
    command: str

    def __call__(self) -> bool:
        """Does it succeed?"""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        mine = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels"}
        environ = kept | mine | arguments(BUILD) | {"PATH": f"{self.venv}/bin:{os.environ['PATH']}"}
        for found in self.venv.glob("lib/*/site-packages/in_*.dist-info"):
            shutil.rmtree(found)
        done = subprocess.run(["sh", "-ec", self.command], cwd=self.root, env=environ, check=False)
        return done.returncode == 0

    def installed(self) -> set[str]:
        """The small packages that are there."""
        found = self.venv.glob("lib/*/site-packages/in_*.dist-info")
        return {path.name.partition("-")[0] for path in found}


@pytest.fixture(scope="module")
def installing(tmp_path_factory: pytest.TempPathFactory) -> Installing:
    root = tmp_path_factory.mktemp("image")
    venv.create(root / "venv", with_pip=True, symlinks=True)
    for folder in ("wheels", "locks"):
        (root / folder).mkdir()
    for lock in (ROOT / "locks").glob("*.txt"):
        packed(root / "wheels", f"in_{lock.stem}")
    [command] = [run for run in rest_of(BUILD, "RUN") if "locks/" in run]
    return Installing(root, root / "venv", command.replace("/opt/venv", str(root / "venv")))


def lock(installing: Installing, *, another: str = "", unhashed: str = "") -> None:
    """Lock the small packages, some by the hash of another file or by none."""
    for wheel in (installing.root / "wheels").iterdir():
        name = wheel.name.partition("-")[0].removeprefix("in_")
        content = b"another file" if name in another.split() else wheel.read_bytes()
        hashed = (
            ""
            if name in unhashed.split()
            else f" --hash=sha256:{hashlib.sha256(content).hexdigest()}"
        )
        (installing.root / "locks" / f"{name}.txt").write_text(f"in_{name}==1{hashed}\n")


@pytest.mark.parametrize("names", ["serve", "torch", "build"])
def test_no_other_file_is_installed(installing: Installing, names: str) -> None:
    lock(installing, another=names)
    assert not installing()
    assert not installing.installed() & {f"in_{name}" for name in names.split()}


@pytest.mark.parametrize("names", ["serve torch", "build"])
def test_nothing_is_installed_without_a_hash(installing: Installing, names: str) -> None:
    lock(installing, unhashed=names)
    assert not installing()
    assert not installing.installed() & {f"in_{name}" for name in names.split()}


def test_what_is_locked_is_installed(installing: Installing) -> None:
    lock(installing)
    assert installing()
    assert installing.installed() == {"in_serve", "in_torch", "in_build"}


def test_the_base_image_can_be_pinned() -> None:
    before = DOCKERFILE.partition("\nFROM ")[0]
    assert re.search(r"^ARG PYTHON_IMAGE=python:", before, re.MULTILINE)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2
