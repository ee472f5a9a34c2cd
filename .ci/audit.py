"""Are there known vulnerabilities in the versions that this repository pins?

Asks pip-audit about constraints.txt and npm about what the page is built from. The exit status is 1
where a fixed version exists, so that something can be done at once: raise the pin, or put the
advisory into ACCEPTED with the reason. An advisory without a fix is printed only. Where the
advisories cannot be asked for (no network, an index that keeps none), that is said, and nothing is
wrong: a build must not fail for want of a network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from build_frontend import BuildError, npm_command

ROOT = Path(__file__).resolve().parent.parent
TOOL = "pip-audit==2.10.1"
SECONDS = 120

ACCEPTED: dict[str, str] = {}
"""Id of an advisory -> why it does not concern this project, and until when."""


@dataclass
class Report:
    """What one of the two said."""

    audited: int = 0
    fixable: list[str] = field(default_factory=list)
    unfixed: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    skipped: str = ""
    """Why it could say nothing."""

    def add(self, line: str, ids: list[str], *, has_fix: bool) -> None:
        """One advisory."""
        reasons = [ACCEPTED[id] for id in ids if id in ACCEPTED]
        if reasons:
            self.accepted.append(f"{line} ({reasons[0]})")
        else:
            (self.fixable if has_fix else self.unfixed).append(line)


def read_pip_audit(output: str, said: str) -> Report:
    """From its JSON; `said` is what it wrote beside it."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Report(skipped=_last_line(said) or "pip-audit said nothing")
    report = Report(audited=sum("skip_reason" not in package for package in packages))
    if not report.audited:
        report.skipped = "this package index keeps no advisories"
    for package in packages:
        for found in package.get("vulns", []):
            fixed = found.get("fix_versions") or []
            ids = [found["id"], *found.get("aliases", [])]
            line = f"{package['name']} {package['version']}: {', '.join(ids)}"
            line += f", fixed in {', '.join(fixed)}" if fixed else ", no fix yet"
            report.add(line, ids, has_fix=bool(fixed))
    return report


def read_npm_audit(output: str, said: str) -> Report:
    """From the JSON of `npm audit`."""
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        return Report(skipped=_last_line(said) or "npm said nothing")
    if "vulnerabilities" not in answer:
        return Report(skipped=str(answer.get("message", "npm said nothing of them"))[:200])
    found, meta = answer["vulnerabilities"], answer["metadata"]
    report = Report(audited=meta["dependencies"]["total"])
    for name, item in found.items():
        advisories = [via for via in item["via"] if isinstance(via, dict)]
        if advisories:  # else it only depends on one that is listed itself
            ids = [str(via["url"]).rpartition("/")[2] for via in advisories]
            fix = "a fix is there" if item["fixAvailable"] else "no fix yet"
            line = f"{name}: {', '.join(ids)} ({item['severity']}), {fix}"
            report.add(line, ids, has_fix=bool(item["fixAvailable"]))
    return report


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else ""


def _run(command: list[str], **more: Any) -> tuple[str, str]:
    """What it wrote to stdout and stderr; its status says less than these."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    return done.stdout, done.stderr


def pip_audit() -> Report:
    """In an environment of its own: it needs much that the project does not."""
    folder = ROOT / ".venv" / "audit"
    tool = folder / "bin" / "pip-audit"
    if not tool.exists():
        _run([sys.executable, "-m", "venv", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", TOOL]
        _, said = _run([*pip, "--disable-pip-version-check", "--no-input"])
        if not tool.exists():
            return Report(skipped=_last_line(said))
    asked = ["--requirement", str(ROOT / "constraints.txt"), "--no-deps", "--disable-pip"]
    output, said = _run([str(tool), *asked, "--format", "json", "--progress-spinner", "off"])
    return read_pip_audit(output, said)


def npm_audit() -> Report:
    """What the page is built from, tools of development left out."""
    try:
        command, environment = npm_command()
    except BuildError as error:
        return Report(skipped=str(error))
    asked = [*command, "audit", "--omit=dev", "--json"]
    return read_npm_audit(*_run(asked, cwd=ROOT / "frontend", env=environment))


def without_addresses(text: str) -> str:
    """Where packages come from is a matter of the machine, and nothing for a public log."""
    return re.sub(r"\w+://\S+", "(address)", text)


def main() -> int:
    red = False
    for name, report in (("Python", pip_audit()), ("page", npm_audit())):
        if report.skipped:
            why = without_addresses(report.skipped)
            print(f"{name}: audit SKIPPED, nothing is known of these versions: {why}")
            continue
        print(f"{name}: {report.audited} packages audited")
        for title, lines in (
            ("VULNERABLE", report.fixable),
            ("vulnerable, no fix", report.unfixed),
            ("accepted", report.accepted),
        ):
            for line in lines:
                print(f"  {title}: {line}")
        red = red or bool(report.fixable)
    return int(red)


if __name__ == "__main__":
    sys.exit(main())
