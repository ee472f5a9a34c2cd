"""The built page and the addresses that it routes itself."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.app import create_app
from lm_debugger.api.page_address import MAX_URI
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
        ("/any/thing/else?prompt=a%20b&x=1", "../../"),
        ("/any/thing/else?L=1&x=1&D=2", "../../?L=1&D=2"),
        ("/explore/a?keywords=a%20b+c&visualize=true", "../?keywords=a%20b+c&visualize=true"),
        ("/a/b?keywords=" + "q" * 5000, "../"),
        ("/a" * 9, "../" * 8),
    ],
)
def test_addresses_below_the_top_lead_there(page: FlaskClient, path: str, top: str) -> None:
    """There, and only there, are the scripts and the API that the page asks for."""
    response = page.get(path)
    assert (response.status_code, response.headers["Location"]) == (302, top)
    assert urlsplit(urljoin(f"http://a.example{path}", top)).path == "/"


@pytest.mark.parametrize("path", ["/a" * 10, "/a" * 1800, "/" + "a" * 501, "/a/" + "a" * 5000])
def test_addresses_that_cannot_be_the_pages_are_nowhere(page: FlaskClient, path: str) -> None:
    response = page.get(path)
    assert (response.status_code, response.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/", "/a/b", "/healthz", "/api/v1/models", "/api/v1/nowhere"])
def test_an_address_may_be_so_long_and_no_longer(page: FlaskClient, path: str) -> None:
    query = "?q=" + "q" * (MAX_URI - len(path) - 3)
    assert page.get(path + query).status_code != 414
    response = page.get(path + query + "q")
    assert (response.status_code, response.json["error"]["code"]) == (414, "uri_too_long")


ROOM = 4096
"""Bytes that nginx keeps for the headers of a reply where nothing else is set."""


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/a/b?" + "q" * 7000, {}),
        ("GET", "/a/b?L=1&D=" + "1" * 7000, {}),
        ("GET", "/a" * 1800, {}),
        ("GET", "/api//v1/models?" + "q" * 7000, {}),  # doubled slashes
        ("GET", "/a//b//" + "q" * 7000, {}),
        ("GET", "/lm?" + "q" * 7000, {}),
        ("GET", "/", {"X-Request-Id": "i" * 7000}),
        ("OPTIONS", "/api/v1/trace",
         {"Origin": "https://a.example", "Access-Control-Request-Method": "POST",
          "Access-Control-Request-Headers": ", ".join(f"x-{i:05}" for i in range(900))}),
        ("Q" * 7000, "/", {}),
    ],
)  # fmt: skip
def test_headers_of_a_reply_do_not_grow_with_the_request(
    registry: ModelRegistry, web: Path, method: str, path: str, headers: dict[str, str]
) -> None:
    """A proxy answers 502 for those that do not fit, and takes the server for broken."""
    settings = Settings(base_url="/lm/", cors_origins=["https://a.example"])
    client = create_app(settings, registry, web).test_client()
    response = client.open(path, method=method, headers=headers)
    assert len(str(response.headers)) < ROOM / 2
    assert response.status_code < 500


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


@pytest.mark.parametrize(
    "path", ["/assets/..%2findex.html", "/assets/../index.html", "/assets/%2e%2e/favicon.svg",
             "/assets//index-abc123.js", "/./favicon.svg"],
)  # fmt: skip
def test_a_file_has_one_address(page: FlaskClient, path: str) -> None:
    """Whatever else leads to it might be kept for ever, or by whom it should not."""
    response = page.get(path)
    assert response.status_code == 404
    assert "immutable" not in response.headers["Cache-Control"]


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
