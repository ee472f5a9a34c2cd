"""What the archives hold, and that a wheel alone serves the page and traces."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.packaging.conftest import ROOT, Installed, build
from tests.until import PATIENCE

# --- the archives --------------------------------------------------------------------------------


def test_wheel_contents(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = {name for name in names if name.startswith("lm_debugger/")}
    assert {name for name in names if ".dist-info/" in name} == names - package
    assert {
        "lm_debugger/web/index.html",
        "lm_debugger/examples.json",
        "lm_debugger/demo/model/config.json",
        "lm_debugger/demo/model/model.safetensors",
        "lm_debugger/demo/model/tokenizer.json",
    } <= names
    assert any(re.fullmatch(r"lm_debugger/web/assets/[^/]+\.js", name) for name in names)
    assert any(re.fullmatch(r"lm_debugger/web/assets/[^/]+\.css", name) for name in names)
    assert not [name for name in names if re.search(r"node_modules|__pycache__|\.map$", name)]
    folder = ROOT / "server" / "lm_debugger"
    files = (p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    assert package == {path.relative_to(ROOT / "server").as_posix() for path in files}


def test_wheel_size(wheel: Path) -> None:
    """The model is 17 MB; a training text, node_modules or a second model would show here."""
    with zipfile.ZipFile(wheel) as archive:
        model = sum(i.file_size for i in archive.infolist() if "/demo/model/" in i.filename)
        total = sum(i.file_size for i in archive.infolist())
    assert total - model < 8_000_000
    assert model < 60_000_000


def test_wheel_from_source_archive(tmp_path: Path, wheel: Path) -> None:
    """Without git, and without node: the source archive carries the page as built."""
    (tmp_path / "sdist").mkdir()
    archive = build("sdist", tmp_path / "sdist")
    shutil.unpack_archive(archive, tmp_path / "source")
    (source,) = (tmp_path / "source").iterdir()
    assert (source / "frontend" / "package-lock.json").is_file()
    assert not (source / "frontend" / "node_modules").exists()

    (tmp_path / "wheel").mkdir()
    again = build("wheel", tmp_path / "wheel", source)
    assert not (source / "frontend" / "node_modules").exists(), "npm was called"
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(again) as second:
        assert {i.filename: i.CRC for i in first.infolist() if "lm_debugger/" in i.filename} == {
            i.filename: i.CRC for i in second.infolist() if "lm_debugger/" in i.filename
        }


# --- the installed wheel -------------------------------------------------------------------------


def test_only_the_wheel(installed: Installed) -> None:
    found = Path(installed.python("import lm_debugger; print(lm_debugger.__file__)"))
    assert found.is_relative_to(installed.prefix)
    assert str(ROOT / "server") not in installed.python("import sys; print(sys.path)")


@pytest.fixture(scope="module")
def server(installed: Installed) -> Iterator[str]:
    """`lm-debugger serve` as it comes, in an empty folder; yields the address that it prints."""
    process = subprocess.Popen(
        [installed.command, "serve", "--port", "0"],
        cwd=installed.cwd,
        env={**installed.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        address = next(m[0] for line in lines if (m := re.search(r"http://[\d.]+:\d+", line)))
        yield address
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, rest
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def ready(server: str) -> str:
    """The same address, once a model answers."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(server + "/readyz") as answer:
                assert answer.status == 200
                return server
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
        time.sleep(0.2)
    raise TimeoutError("no model became ready")


def test_serves_the_page(ready: str) -> None:
    with urllib.request.urlopen(ready + "/") as answer:
        assert answer.headers.get_content_type() == "text/html"
        page = answer.read().decode()
    assets = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert any(name.endswith(".js") for name in assets)
    assert any(name.endswith(".css") for name in assets)
    for name in assets:
        with urllib.request.urlopen(urljoin(ready + "/", name)) as answer:
            body = answer.read()
            assert answer.headers.get_content_type() != "text/html", name
        assert body == (ROOT / "server/lm_debugger/web" / name).read_bytes()


def test_traces(ready: str) -> None:
    request = urllib.request.Request(
        ready + "/api/v1/trace",
        json.dumps({"prompt": "In the month of", "top_k": 3}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        reply = json.load(answer)
    assert reply["model"] == "demo"
    assert "".join(token["text"] for token in reply["tokens"]) == "In the month of"
    layers = reply["unedited"]["positions"][0]["layers"]
    config = json.loads((ROOT / "server/lm_debugger/demo/model/config.json").read_text())
    assert [layer["layer"] for layer in layers] == list(range(config["n_layer"]))
    for layer in layers:
        probabilities = [item["prob"] for item in layer["after"]["top"]]
        assert len(probabilities) == 3
        assert 1 > probabilities[0] >= probabilities[1] >= probabilities[2] > 0
