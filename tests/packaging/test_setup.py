"""What `make` says on a machine that it cannot work on, and which Python and browser it takes."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "dirname", "grep", "cat", "rm", "id")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout beside a PATH with little on it; returns its folder of programs."""
    checkout, programs = tmp_path / "checkout", tmp_path / "programs"
    shutil.copytree(ROOT / ".ci", checkout / ".ci")
    model = checkout / "server/lm_debugger/demo/model/model.safetensors"
    model.parent.mkdir(parents=True)
    model.write_text("weights")
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name) or "")
    return programs


def program(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def python(folder: Path, name: str, version: str, *, venv: bool = True) -> None:
    """A stand-in for an interpreter: answers the questions that set-up asks of one."""
    program(
        folder,
        name,
        f'case "$2" in\n'
        f"*version_info*) echo {version} ;;\n"
        f"*ensurepip*) exit {0 if venv else 1} ;;\n"
        f'*) echo "$0 was chosen" >&2; exit 9 ;;\n'
        "esac",
    )


def setup(programs: Path, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [programs.parent / "checkout/.ci/setup", "run"],
        env={"PATH": str(programs), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, " ".join(done.stderr.split())


def test_no_python(machine: Path) -> None:
    code, said = setup(machine)
    assert code == 1
    assert "3.11, 3.12, 3.13 or 3.14 is needed. Nothing called python3 was found." in said


def test_python_too_old(machine: Path) -> None:
    python(machine, "python3", "3.9")
    code, said = setup(machine)
    assert code == 1
    assert "3.11, 3.12, 3.13 or 3.14 is needed. python3 is Python 3.9." in said


def test_python_without_venv(machine: Path) -> None:
    python(machine, "python3", "3.11", venv=False)
    code, said = setup(machine)
    assert code == 1
    assert "python3 cannot make virtual environments" in said
    assert "apt-get install python3-venv" in said


def test_the_first_that_suits_is_taken(machine: Path) -> None:
    python(machine, "python3", "3.9")
    python(machine, "python3.12", "3.12", venv=False)
    python(machine, "python3.11", "3.11")
    code, said = setup(machine)
    assert code == 9
    assert "programs/python3.11 was chosen" in said


def test_python_can_be_named(machine: Path) -> None:
    python(machine, "python3", "3.12")
    python(machine, "my python", "3.13")
    code, said = setup(machine, PYTHON=str(machine / "my python"))
    assert code == 9
    assert "programs/my python was chosen" in said


def test_no_model(machine: Path) -> None:
    python(machine, "python3", "3.12")
    (machine.parent / "checkout/server/lm_debugger/demo/model/model.safetensors").unlink()
    code, said = setup(machine)
    assert code == 1
    assert "git checkout -- server/lm_debugger/demo/model" in said


@pytest.mark.parametrize("name", ["chromium-headless-shell", "chromium", "google-chrome"])
def test_the_browser_on_path_is_taken(machine: Path, name: str) -> None:
    program(machine, name, "exit 0")
    done = subprocess.run(
        [machine.parent / "checkout/.ci/chromium"],
        env={**os.environ, "PATH": str(machine)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout.strip()) == (0, str(machine / name))
