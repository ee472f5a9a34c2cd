"""The built page and the addresses that it routes itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.settings import Settings

INDEX = "<!doctype html><title>the page</title>"
SCRIPT = "console.log(1)"


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A folder as the build of the page leaves it, and a secret beside it."""
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def page(registry: ModelRegistry, web: Path) -> FlaskClient:
    return create_app(Settings(), registry, web).test_client()


@pytest.mark.parametrize("path", ["/", "/trace", "/explore?prompt=a%20b"])
def test_addresses_of_the_page_give_its_index(page: FlaskClient, path: str) -> None:
    response = page.get(path)
    assert (response.status_code, response.mimetype, response.text) == (200, "text/html", INDEX)
    assert response.headers["Cache-Control"] == "no-cache"
    again = page.get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "top"),
    [
        ("/explore/L5D541", "../"),
        ("/trace/", "../"),
        ("/any/thing/else?prompt=a%20b&x=1", "../../?prompt=a%20b&x=1"),
    ],
)
def test_addresses_below_the_top_lead_there(page: FlaskClient, path: str, top: str) -> None:
    """There, and only there, are the scripts and the API that the page asks for."""
    response = page.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, top)
    assert urlsplit(urljoin(f"http://a.example{path}", top)).path == "/"


def test_builds_are_told_apart(page: FlaskClient, web: Path) -> None:
    first = page.get("/version").json
    assert page.get("/version").json == first
    (web / "index.html").write_text(INDEX.replace("page", "other page"))
    second = page.get("/version").json
    assert second["page"] != first["page"]
    assert second["instance"] == first["instance"]
    (web / "index.html").unlink()
    assert page.get("/version").json["page"] is None


def test_starts_are_told_apart(page: FlaskClient, registry: ModelRegistry, web: Path) -> None:
    again = create_app(Settings(), registry, web).test_client()
    assert again.get("/version").json["instance"] != page.get("/version").json["instance"]


def test_hashed_assets_may_be_kept_for_ever(page: FlaskClient) -> None:
    response = page.get("/assets/index-abc123.js")
    assert response.text == SCRIPT
    assert response.mimetype == "text/javascript"
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_other_files_are_asked_for_anew(page: FlaskClient) -> None:
    response = page.get("/favicon.svg")
    assert response.mimetype == "image/svg+xml"
    assert response.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/gone-123.js", "/assets/x", "/gone.png", "/api/v1/x", "/api/"]
)
def test_what_is_missing_is_404_and_not_the_page(page: FlaskClient, path: str) -> None:
    response = page.get(path)
    assert (response.status_code, response.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/link.txt", "/a%00b.txt",
     "/" + "a" * 5000 + ".txt"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_served(page: FlaskClient, path: str) -> None:
    response = page.get(path)
    assert response.status_code == 404
    assert "secret" not in response.text.replace("secret.txt", "")


def test_head(page: FlaskClient) -> None:
    response = page.head("/trace")
    assert (response.status_code, response.data) == (200, b"")


def test_api_and_page_share_one_port(page: FlaskClient) -> None:
    assert page.get("/healthz").json == {"status": "alive"}
    assert page.get("/").status_code == 200


def test_without_a_built_page_the_reader_learns_how_to_build_it(
    registry: ModelRegistry, tmp_path: Path
) -> None:
    client = create_app(Settings(), registry, tmp_path / "nothing").test_client()
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert "npm run build" in response.text
    assert client.get("/api/v1/models").status_code == 200
