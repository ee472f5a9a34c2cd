"""`.ci/audit.py`: red for a vulnerability that can be mended, never for want of a network."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"


@pytest.fixture(scope="module")
def audit() -> Iterator[ModuleType]:
    sys.path.insert(0, str(SCRIPT.parent))  # as Python does for the script that it runs
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["audit"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(SCRIPT.parent))


def vulnerable(*fixed: str) -> str:
    """As pip-audit 2.10 writes it."""
    advisory = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": [*fixed], "description": ""}
    return json.dumps(
        {
            "dependencies": [
                {"name": "good", "version": "1", "vulns": []},
                {"name": "bad", "version": "2", "vulns": [advisory]},
                {"name": "unknown", "skip_reason": "Dependency not found"},
            ],
            "fixes": [],
        }
    )


def test_a_vulnerability_with_a_fix_is_red(audit: ModuleType) -> None:
    report = audit.read_pip_audit(vulnerable("2.1"), "")
    assert report.fixable == ["bad 2: PYSEC-1, CVE-1, fixed in 2.1"]
    assert (report.audited, report.skipped) == (2, "")


def test_one_without_a_fix_is_told(audit: ModuleType) -> None:
    report = audit.read_pip_audit(vulnerable(), "")
    assert (report.fixable, report.unfixed) == ([], ["bad 2: PYSEC-1, CVE-1, no fix yet"])


def test_one_that_was_looked_at_is_told_with_the_reason(
    audit: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(audit.ACCEPTED, "CVE-1", "not called here, until 2027")
    report = audit.read_pip_audit(vulnerable("2.1"), "")
    assert report.fixable == []
    assert "until 2027" in report.accepted[0]


def test_what_could_not_be_asked_is_skipped_and_not_sound(audit: ModuleType) -> None:
    report = audit.read_pip_audit("", "Traceback\n  ...\nConnectionError: no network\n")
    assert report.skipped == "ConnectionError: no network"
    nothing = json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found"}]})
    assert audit.read_pip_audit(nothing, "No known vulnerabilities found").skipped
    assert audit.read_npm_audit('{"message": "405 of it", "error": {}}', "").skipped == "405 of it"
    assert audit.read_npm_audit("", "npm error no network\n").skipped == "npm error no network"


def test_npm_is_read_too(audit: ModuleType) -> None:
    via = {"url": "https://github.example/advisories/GHSA-1", "title": "t"}
    output = {
        "vulnerabilities": {
            "bad": {"severity": "high", "via": [via], "fixAvailable": True},
            "above": {"severity": "high", "via": ["bad"], "fixAvailable": True},
            "stuck": {"severity": "low", "via": [via], "fixAvailable": False},
        },
        "metadata": {"dependencies": {"total": 3}},
    }
    report = audit.read_npm_audit(json.dumps(output), "")
    assert report.fixable == ["bad: GHSA-1 (high), a fix is there"]
    assert report.unfixed == ["stuck: GHSA-1 (low), no fix yet"]


def test_without_a_network_the_build_stays_green(tmp_path: Path) -> None:
    """The real script, with an index that is not there."""
    folder = tmp_path / "checkout" / ".ci"
    folder.mkdir(parents=True)
    for script in (SCRIPT, SCRIPT.with_name("build_frontend.py")):
        shutil.copy(script, folder)
    (tmp_path / "checkout" / "constraints.txt").write_text("flask==3.1.3\n")
    done = subprocess.run(
        [sys.executable, folder / "audit.py"],
        env={"PIP_INDEX_URL": "http://127.0.0.1:1/", "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "none",
             "PATH": "/nothing"},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("SKIPPED") == 2


def test_where_packages_come_from_is_not_told(audit: ModuleType) -> None:
    said = "405 Method Not Allowed - POST https://packages.example/-/npm/v1/advisories - try later"
    told = audit.without_addresses(said)
    assert told == "405 Method Not Allowed - POST (address) - try later"
