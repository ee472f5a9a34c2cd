"""The Dockerfile, as far as a machine without a container engine can follow it.

hadolint reads it (`.ci/test`). Its commands run: the one that installs in test_image_installs.py,
with small packages; here the build of the wheel, from nothing but the files that .dockerignore lets
through; then ENTRYPOINT, with the image's environment, on an installation, a home and a working
folder that cannot be written to; and HEALTHCHECK against it. What is left to an engine: the base
image, apt-get and the downloads, of which `.ci/lock.py check` compares the hashes.
"""

from __future__ import annotations

import ctypes
import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from lm_debugger.settings import Settings
from lm_debugger.settings_table import table
from tests.packaging.conftest import ROOT, Installed, build
from tests.packaging.dockerfile import BUILD, FINAL, environment, rest_of
from tests.until import PATIENCE
from tests.web.conftest import free_port

# --- the build -----------------------------------------------------------------------------------


def let_through(path: str) -> bool:
    """What .dockerignore lets into the build: of the patterns that match it or a folder around it,
    the last one decides."""
    parts = path.split("/")
    above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    ignored = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        anywhere = pattern.removeprefix("**/")
        names = parts if anywhere != pattern else above
        if any(fnmatch.fnmatchcase(name, anywhere) for name in names):
            ignored = not line.startswith("!")
    return not ignored


def test_the_build_context_suffices(tmp_path: Path, wheel: Path) -> None:
    """The page as built is put beside it, which the hook takes only if the page's sources are all
    there and the same."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in known.split("\0") if name and let_through(name)]
    assert not any(name.startswith(("tests/", "docs/", ".git/")) for name in names)
    for name in names:
        if (ROOT / name).is_file():
            (tmp_path / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / "src" / name)
    page = "server/lm_debugger/web"
    assert not let_through(f"{page}/index.html")
    shutil.copytree(ROOT / page, tmp_path / "src" / page)
    (tmp_path / "out").mkdir()
    [command] = [run for run in rest_of(BUILD, "RUN") if "-m build" in run]
    assert command.split("&&")[0].strip() == "python -m build --wheel --no-isolation"
    built = build("wheel", tmp_path / "out", tmp_path / "src")
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(built) as theirs:
        assert set(theirs.namelist()) == set(ours.namelist())
    assert not (tmp_path / "src" / "frontend" / "node_modules").exists(), "npm was called"


# --- what runs -----------------------------------------------------------------------------------


def give_up_rights() -> None:
    """Before the program starts: root, too, must not write where the permissions do not let it.
    (Of a container's root file system that is mounted read-only the same holds.)"""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    drop_from_bounding_set, override_permissions, act_as_owner = 24, 1, 3
    for capability in (override_permissions, act_as_owner):
        if libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "a capability could not be given up")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write anywhere in it."""
    paths = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    modes = [(path, path.stat().st_mode) for path in paths]
    try:
        for path, mode in modes:
            path.chmod(mode & ~0o222)
        yield
    finally:
        for path, mode in modes:
            path.chmod(mode)


def in_the_image(installed: Installed, tmp_path: Path, port: int) -> dict[str, str]:
    """The image's environment, its folders being others and its address that of this machine
    alone."""
    mine = {
        name: value.replace("/cache", str(tmp_path / "cache"))
        for name, value in environment().items()
        if name != "PATH"
    }
    return {
        **mine,
        "PATH": f"{installed.prefix / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "LM_DEBUGGER_HOST": "127.0.0.1",
        "LM_DEBUGGER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }


def is_indexed(root: Path) -> bool:
    """Has a layer of the index been written to its volume?"""
    return any((root / "cache" / "index").rglob("*.safetensors"))


def test_the_entrypoint_writes_to_volumes_only_and_the_healthcheck_tells(
    installed: Installed, tmp_path: Path
) -> None:
    """The bundled model, without a network or a writable root."""
    volumes = json.loads(rest_of(FINAL, "VOLUME")[0])
    assert volumes == ["/cache/huggingface", "/cache/index", "/tmp"]
    for name in ("cache/huggingface", "cache/index", "tmp", "home"):
        (tmp_path / name).mkdir(parents=True)
    port = free_port()
    environ = in_the_image(installed, tmp_path, port)
    start = json.loads(rest_of(FINAL, "ENTRYPOINT")[0])
    [check] = rest_of(FINAL, "HEALTHCHECK")
    health = json.loads(check.partition("CMD")[2])
    options: dict[str, Any] = {
        "cwd": tmp_path / "home",
        "env": environ,
        "stdin": subprocess.DEVNULL,
        "preexec_fn": give_up_rights,
    }
    with read_only(installed.prefix), read_only(tmp_path / "home"):
        for place in (tmp_path / "home", installed.prefix / "lib"):
            tried = subprocess.run(["touch", place / "x"], capture_output=True, **options)
            assert tried.returncode != 0, "it can be written to, so this test would say nothing"
        assert subprocess.run(health, capture_output=True, **options).returncode != 0
        process = subprocess.Popen(start, stdout=subprocess.PIPE, text=True, **options)
        try:
            assert process.stdout is not None
            assert any("demo: ready" in line for line in process.stdout)
            healthy = subprocess.run(health, capture_output=True, text=True, **options)
            assert healthy.returncode == 0, healthy.stderr
            # a body that the server keeps in a temporary file
            body = json.dumps({"prompt": "In the month of", "x": "y" * 700_000}).encode()
            legacy = urllib.request.Request(
                f"http://127.0.0.1:{port}/get_data", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(legacy, timeout=PATIENCE) as reply:
                assert json.load(reply)["response"]["prompt"] == "In the month of"
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as reply:
                assert b'<div id="root">' in reply.read()
            until = time.monotonic() + 60
            while not is_indexed(tmp_path) and time.monotonic() < until:
                time.sleep(0.1)
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.communicate()
    # the index went where it belongs
    assert is_indexed(tmp_path)


def test_settings_in_the_image_exist() -> None:
    known = {row.environment for row in table()}
    assert {name for name in environment() if name.startswith("LM_DEBUGGER_")} <= known


def test_it_runs_as_somebody_who_is_not_root() -> None:
    [user] = rest_of(FINAL, "USER")
    assert int(user) > 0
    assert any(f"--uid {user} " in run for run in rest_of(FINAL, "RUN"))
    order = [name for name, _ in FINAL]
    assert max(i for i, name in enumerate(order) if name in ("RUN", "COPY")) < order.index("USER")


# --- several of them behind nginx ----------------------------------------------------------------


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "config" / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def nginx() -> Callable[[str], list[str]]:
    """`nginx("listen")`: the arguments of a directive, wherever it stands."""
    text = re.sub(r"#.*", "", (ROOT / "config" / "nginx.conf").read_text())
    return lambda name: re.findall(rf"(?m)^\s*{name}\s+([^;{{]+);", text)


def test_both_servers_are_what_nginx_hands_on_to(
    compose: Any, nginx: Callable[[str], list[str]]
) -> None:
    addresses = {
        name: service["networks"]["inside"]["ipv4_address"]
        for name, service in compose["services"].items()
    }
    port = environment()["LM_DEBUGGER_PORT"]
    handed = [line.split()[0] for line in nginx("server") if ":" in line.split()[0]]
    assert handed == [f"{addresses[name]}:{port}" for name in ("one", "two")]
    for name in ("one", "two"):
        told = compose["services"][name]["environment"]
        assert told["LM_DEBUGGER_TRUSTED_PROXIES"] == addresses["nginx"]
        assert addresses["redis"] in told["LM_DEBUGGER_RATE_LIMIT_STORAGE"]


def test_the_servers_are_told_what_settings_exist(compose: Any) -> None:
    for name in ("one", "two"):
        service = compose["services"][name]
        assert service["read_only"] is True
        told = {key.removeprefix("LM_DEBUGGER_").lower(): value
                for key, value in service["environment"].items()}  # fmt: skip
        told["allowed_hosts"] = re.sub(r"\$\{[^}]*\}", "debugger.example", told["allowed_hosts"])
        models = [word for word in service["command"] if not word.startswith("--")]
        settings = Settings(models=models, hosted="--hosted" in service["command"], **told)
        assert settings.hosted
        assert settings.listen_when_ready, "else it answers 503 while the other one is ready"
        assert service["healthcheck"].keys() == {"start_period"}, "the image says what is asked"
        mounted = {volume.partition(":")[2] for volume in service["volumes"]} | {*service["tmpfs"]}
        assert mounted == set(json.loads(rest_of(FINAL, "VOLUME")[0]))


def test_nginx_waits_longer_and_takes_more_than_the_server(
    nginx: Callable[[str], list[str]],
) -> None:
    settings = Settings()
    [seconds] = nginx("proxy_read_timeout")
    assert int(seconds.removesuffix("s")) > settings.max_seconds
    [size] = nginx("client_max_body_size")
    assert (
        settings.max_body_bytes < int(size.removesuffix("k")) * 1024 < 2 * settings.max_body_bytes
    )
    assert nginx("proxy_buffering") == ["off"]
    assert nginx("hash") == ["$remote_addr consistent"]
    sent = {line.split()[0] for line in nginx("proxy_set_header")}
    assert {f"X-Forwarded-{name}" for name in ("For", "Host", "Proto", "Prefix")} <= sent
