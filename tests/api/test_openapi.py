"""The document, the routes that exist, the committed copy and /docs agree with one another."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lm_debugger.api.openapi import document, document_text
from lm_debugger.api.route_table import ROUTES

COMMITTED = Path(__file__).parents[2] / "frontend" / "src" / "api" / "openapi.json"


def test_committed_copy_has_not_drifted() -> None:
    committed = COMMITTED.read_text(encoding="utf-8")
    assert committed == document_text(), "run: lm-debugger openapi > frontend/src/api/openapi.json"


def test_served_document_is_the_same(client: FlaskClient) -> None:
    assert client.get("/openapi.json").json == document()
    assert document()["openapi"].startswith("3.1")


def test_every_route_of_the_application_is_in_the_table(app: Flask) -> None:
    """Both ways round. Blueprint and method included; the page's files are no routes."""
    real = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        real |= {(method, path) for method in methods}
    assert real == {(route.method, route.path) for route in ROUTES}


def test_references_resolve() -> None:
    text = document_text()
    names = set(document()["components"]["schemas"])
    assert set(re.findall(r'"#/components/schemas/(\w+)"', text)) <= names


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_example_works(client: FlaskClient, route: Any) -> None:
    if route.body:
        assert route.example, "a route with a body needs an example"
        # The examples speak of the bundled model; LM-Debugger's routes know only the default one.
        if "run" in route.example:
            body = route.example  # a run names its model
        elif route.path.startswith("/api"):
            body = {**route.example, "model": "demo"}
        else:
            body = {**route.example, "interventions": []}
        assert client.post(route.path, json=body).status_code == 200
    else:
        if route.tag == "exploring":
            client.application.extensions["lm_debugger"].registry.loaded()[1].build()
        path = route.path.format(layer=1, dim=2, cluster=0)
        query = {param.name: param.schema["example"] for param in route.params if param.required}
        assert client.get(path, query_string=query).status_code == 200


@pytest.mark.parametrize("status", ["400", "404", "413", "415", "422", "500", "503"])
def test_failures_are_described_by_the_one_body(status: str) -> None:
    reply = document()["paths"]["/api/v1/trace"]["post"]["responses"][status]
    schema = reply["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ErrorReply"}


@pytest.mark.parametrize(
    "path", ["/get_data", "/generate", "/get_projections/layer/{layer}/dim/{dim}"]
)
def test_failures_of_lm_debuggers_routes_are_described_as_text(path: str) -> None:
    [operation] = document()["paths"][path].values()
    failures = {s: reply for s, reply in operation["responses"].items() if s >= "400"}
    assert {"403", "404", "405", "422", "429", "500", "503"} <= set(failures)
    assert all(list(reply["content"]) == ["text/plain"] for reply in failures.values())


class Text(HTMLParser):
    """The words of a page, section by section (by `id`), and what it loads from elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sections: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "section":
            self._section = dict(attrs).get("id") or ""

    def handle_data(self, data: str) -> None:
        self.sections[self._section] = self.sections.get(self._section, "") + data


def test_docs_describe_every_route_field_and_failure(client: FlaskClient) -> None:
    response = client.get("/docs")
    assert response.mimetype == "text/html"
    sections = Text(response.text).sections
    schemas = document()["components"]["schemas"]
    for path, methods in document()["paths"].items():
        for operation in methods.values():
            text = sections[operation["operationId"]]
            assert path in text
            assert operation["summary"] in text
            assert "curl http" in text or "curl -N http" in text
            assert all(status in text for status in operation["responses"])
            assert all(item["name"] in text for item in operation.get("parameters", []))
            body = operation.get("requestBody")
            if body:
                name = body["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                for field, schema in schemas[name]["properties"].items():
                    assert field in text
                    assert schema["description"].replace("`", "") in text


def test_docs_need_nothing_from_elsewhere_and_no_script(client: FlaskClient) -> None:
    tags = Text(client.get("/docs").text).tags
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in tags)
    addresses = [attrs.get("href") or "" for tag, attrs in tags if tag == "a"]
    assert all(address.startswith("#") or address == "openapi.json" for address in addresses)


def test_docs_curl_bodies_are_json(client: FlaskClient) -> None:
    bodies = re.findall(r"-d '(.+?)'", Text(client.get("/docs").text).sections["trace"])
    assert len(bodies) == 1
    assert json.loads(bodies[0])["prompt"]
