"""What an attacker would try. docs/security.md says which test holds which threat off."""

from __future__ import annotations

import ast
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.settings import Settings
from tests.until import PATIENCE

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "server" / "lm_debugger"
FRONTEND = ROOT / "frontend"
MARKUP = "<script>alert(1)</script>"


# --- files ---------------------------------------------------------------------------------------


@pytest.fixture
def server(registry: ModelRegistry, tmp_path: Path) -> Iterator[Server]:
    """A page of one file, beside it what must never leave the machine."""
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<title>the page</title>")
    (web / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("TOP SECRET")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    (web / "folder").symlink_to(tmp_path)
    settings = Settings(port=0)
    with Server(settings, registry, create_app(settings, registry, web)) as running:
        yield running


def raw(server: Server, target: str) -> str:
    """The reply to a request line as it stands: no client makes it tidy first."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as connection:
        request = f"GET {target} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
        connection.sendall(request.encode("latin-1"))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode("latin-1")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e%252fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/....//secret.txt",
        "/.%2e/secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/secret.txt%00.js",
        "/assets/a.js%00/../../../secret.txt",
        "/link.txt",
        "/folder/secret.txt",
        "//{path}/secret.txt",
        "/{path}/secret.txt",
        "{path}/secret.txt",
        "/%2f{path}/secret.txt",
        "/file:{path}/secret.txt",
        "http://127.0.0.1/../secret.txt",
    ],
)
def test_no_path_leaves_the_folder(server: Server, tmp_path: Path, target: str) -> None:
    reply = raw(server, target.replace("{path}", tmp_path.as_posix()))
    assert "TOP SECRET" not in reply
    assert re.match(r"HTTP/1\.[01] (400|404|302) ", reply), reply[:300]
    assert "Traceback" not in reply


def test_what_is_in_the_folder_is_served(server: Server) -> None:
    """Or the test above would hold for a server that answers nothing."""
    assert raw(server, "/assets/a.js").endswith("\r\n\r\n1")
    assert "the page" in raw(server, "/")


# --- what was typed is neither markup nor code ---------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/{MARKUP}",
        f"/{MARKUP}.txt",
        f"/api/v1/values/{MARKUP}/0",
        f"/api/v1/values/0/0?model={MARKUP}",
        f"/api/v1/search/concepts?q={MARKUP}",
        f"/api/v1/tokens?q={MARKUP}",
    ],
)
def test_replies_that_repeat_it_are_no_pages(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.mimetype == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_of_the_server_repeat_nothing(client: FlaskClient) -> None:
    for path in ("/docs", "/"):
        assert MARKUP not in client.get(f"{path}?q={MARKUP}", headers={"Referer": MARKUP}).text


def test_redirects_stay_on_the_server(server: Server) -> None:
    for target in ("//evil.example/a/b", "/\\evil.example/a", "/a/..//evil.example/b", "/a/b"):
        found = re.search(r"^Location: (.*)\r$", raw(server, target), re.MULTILINE)
        if found:
            assert re.fullmatch(r"(\.\./)+(\?.*)?", found[1]), (target, found[1])


def test_the_page_writes_no_markup() -> None:
    """React escapes what it shows; these are the ways around it."""
    around = re.compile(
        r"dangerouslySetInnerHTML|\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write"
        r"|\beval\(|new Function\(|srcdoc|javascript:"
    )
    sources = [p for kind in ("*.ts", "*.tsx") for p in (FRONTEND / "src").rglob(kind)]
    assert len(sources) > 100
    shown = [p for p in sources if ".test." not in p.name and "test" not in p.parts]
    assert [str(p) for p in shown if around.search(p.read_text(encoding="utf-8"))] == []


def test_the_page_has_nothing_inline_and_nothing_from_elsewhere() -> None:
    html = (FRONTEND / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", html, re.DOTALL)
    assert scripts
    assert all("src=" in attributes and not text.strip() for attributes, text in scripts)
    assert not re.search(r"<style|\bstyle=|\bon\w+=", html)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)


# --- what runs -----------------------------------------------------------------------------------

RUNS_CODE = {"eval", "exec", "compile", "__import__"}
FOREIGN = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "subprocess",
    "pty",
    "ctypes",
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", node


def test_nothing_is_run_that_was_sent_or_stored() -> None:
    built_in = [at for at, c in calls() if isinstance(c.func, ast.Name) and c.func.id in RUNS_CODE]
    assert built_in == []
    imported = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        if name.partition(".")[0] in FOREIGN
    }
    assert imported == {"heap.py: ctypes"}  # about memory, with numbers of its own


def test_no_code_of_a_checkpoint_is_trusted() -> None:
    """Whatever loads from the hub or a folder says so, and takes safetensors only."""
    given: dict[str, list[object]] = {"trust_remote_code": [], "use_safetensors": []}
    for _, call in calls():
        for keyword in call.keywords:
            if keyword.arg in given:
                assert isinstance(keyword.value, ast.Constant)
                given[keyword.arg].append(keyword.value.value)
    assert given["trust_remote_code"]
    assert set(given["trust_remote_code"]) == {False}
    assert given["use_safetensors"]
    assert set(given["use_safetensors"]) == {True}


# --- what is told --------------------------------------------------------------------------------


def test_private_settings_are_told_to_nobody(registry: ModelRegistry) -> None:
    """Folders, and the address of the storage, which may hold a password."""
    settings = Settings(rate_limit_storage="redis://:hunter2@host", cache_dir=Path("hidden"))
    reply = create_app(settings, registry).test_client().get("/api/v1/settings")
    assert "hunter2" not in reply.text
    assert "hidden" not in reply.text
    rows = {row["name"]: row["value"] for row in reply.json["settings"]}
    assert rows["rate_limit_storage"] is rows["cache_dir"] is None


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_probes_answer_under_any_name_on_an_open_address(
    registry: ModelRegistry, path: str
) -> None:
    settings = Settings(host="0.0.0.0", allowed_hosts=["demo.example.org"], metrics=True)
    client = create_app(settings, registry).test_client()
    probed = {"Host": "10.1.2.3:8000"}
    assert client.get(path, headers=probed).status_code == 200
    assert client.get("/api/v1/models", headers=probed).status_code == 403
    assert client.get("/", headers=probed).status_code == 403


# --- the list in the documents ------------------------------------------------------------------


def test_every_threat_names_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)[1:]
    threats = [row for row in rows if not set(row[0]) <= set("-")]
    assert len(threats) >= 12
    for threat, _, tests in threats:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", tests)
        assert named, f"{threat}: no test is named"
        for file, name in named:
            source = (ROOT / file).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", source, re.MULTILINE), f"{file}::{name}"
