"""`.ci/versions.py`, which runs a part of the tests with both ends of the range of versions."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / ".ci" / "versions.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {item.name: item for item in map(Requirement, PROJECT["dependencies"])}
SERIES = ("transformers", "huggingface-hub", "safetensors")


@pytest.fixture(scope="module")
def versions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("versions", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def floor(name: str) -> Version:
    [lowest] = [s.version for s in DECLARED[name].specifier if s.operator == ">="]
    return Version(lowest)


def pinned(name: str) -> Version:
    """What everything else is tested with."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(f"{name}==")]
    return Version(line.partition("==")[2])


@pytest.mark.parametrize("name", SERIES)
def test_the_ends_are_those_of_the_range(versions: ModuleType, name: str) -> None:
    lowest, newest = (Version(versions.pins(end)[name]) for end in versions.ENDS)
    assert lowest == floor(name)
    assert lowest <= pinned(name) <= newest
    assert newest in DECLARED[name].specifier


def test_of_torch_only_the_pinned_version_is_promised() -> None:
    """And what comes after it: an older one was never tried."""
    assert pinned("torch").release[:2] == floor("torch").release


def test_a_newer_version_is_told(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As pip 23 reports it, with names as their packages write them."""
    found = versions.pins("newest") | {"transformers": "5.99.1"}
    found["huggingface_hub"] = found.pop("huggingface-hub")
    report = {"install": [{"metadata": {"name": n, "version": v}} for n, v in found.items()]}

    def answer(command: list[str], **_: Any) -> Any:
        assert [text for text in command if text.startswith("transformers")] == [
            *(text for text in PROJECT["dependencies"] if text.startswith("transformers"))
        ]
        return subprocess.CompletedProcess(command, 0, json.dumps(report), "")

    monkeypatch.setattr(versions.subprocess, "run", answer)
    monkeypatch.setattr(versions, "run", lambda end: True)
    assert versions.main([]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"!!! NEWER: transformers 5.99.1 (pinned: {versions.pins('newest')['transformers']}). "
        "This run says nothing of it: raise constraints-newest.txt."
    ]


def test_an_index_that_is_away_is_told_and_changes_nothing(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(command: list[str], **_: Any) -> Any:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(versions.subprocess, "run", fail)
    monkeypatch.setattr(versions, "run", lambda end: True)
    assert versions.main([]) == 0
    assert "whether there are newer versions is not known" in capsys.readouterr().out


def test_one_end_that_fails_is_red(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "newer", list)
    for failing in versions.ENDS:
        monkeypatch.setattr(versions, "run", lambda end, failing=failing: end != failing)
        assert versions.main([]) == 1
        assert versions.main([failing]) == 1
    assert versions.main(["oldest"]) == 2
    assert "unknown: oldest (lowest or newest)" in capsys.readouterr().err


def test_an_environment_with_other_versions_is_none(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A real one, with pip left out: what is lent is imported instead of what is pinned."""
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    monkeypatch.setattr(versions, "_pip", lambda *_: None)
    with pytest.raises(versions.VersionsError, match="is imported instead of"):
        versions.environment("lowest")
    inside = [tmp_path / "lowest" / "bin" / "python", "-c", "import torch, lm_debugger, sys; "
              "print(torch.__file__, lm_debugger.__file__, sys.prefix, sep='\\n')"]  # fmt: skip
    done = subprocess.run(inside, capture_output=True, text=True, check=True, cwd=tmp_path)
    torch, project, prefix = map(Path, done.stdout.split())
    assert torch.is_relative_to(sys.prefix)
    assert project.is_relative_to(ROOT / "server")
    assert prefix == tmp_path / "lowest"


def test_an_index_that_lacks_a_version_is_one_line(
    versions: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert versions.run("lowest") is False
    said = capsys.readouterr().out
    assert "lowest: pip install failed" in said
    assert "No matching distribution found for httpcore==1.0.9" in said
    assert not (tmp_path / "lowest" / ".installed").exists(), "the next run would believe it"
