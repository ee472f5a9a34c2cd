"""One declaration of each answer and of each question: what is sent, what is read and what the
document says all come from the engine's dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest
from flask.testing import FlaskClient

from lm_debugger.api.openapi import document
from lm_debugger.api.questions import QUESTIONS
from lm_debugger.api.route_table import ROUTES
from lm_debugger.api.route_types import Route
from lm_debugger.api.wire import dumped
from lm_debugger.engine.questions import attribute, follow, generate, grid, sub_updates, trace
from lm_debugger.engine.questions.base import AboutPrompt
from lm_debugger.engine.types import Intervention, Sampling
from tests.api.conftest import PROMPT
from tests.compare import plain

EDIT = Intervention.set("L1D2", 3.0, positions=(0, -1))
ASKED: list[AboutPrompt[Any]] = [
    trace.Ask(prompt=PROMPT),
    trace.Ask(prompt=PROMPT, interventions=(EDIT,), positions=(0, 3), top_k=4),
    grid.Ask(prompt=PROMPT, interventions=(EDIT,)),
    follow.Ask(prompt=PROMPT, tokens=(7, 9)),
    attribute.Ask(prompt=PROMPT, token=7),
    sub_updates.Ask(prompt=PROMPT, layer=1, token=7, against=9, top_k=3),
    generate.Ask(prompt=PROMPT, sampling=Sampling(temperature=2.0, seed=3), max_new_tokens=3),
]


@pytest.mark.parametrize("question", ASKED, ids=lambda question: type(question).__module__)
def test_what_is_sent_is_the_answer_field_by_field(
    client: FlaskClient, question: AboutPrompt[Any]
) -> None:
    debugger = client.application.extensions["lm_debugger"].registry.get()
    answer = debugger.ask(question)
    assert json.loads(dumped(answer)) == plain(answer)


# --- requests ------------------------------------------------------------------------------------

ASKS = {
    "trace": trace.Ask,
    "grid": grid.Ask,
    "follow": follow.Ask,
    "attribute": attribute.Ask,
    "subUpdates": sub_updates.Ask,
    "generate": generate.Ask,
}


def bodies() -> Iterator[tuple[str, Any]]:
    for route in QUESTIONS:
        if route.body:
            yield route.name, document()["components"]["schemas"][route.body.__name__]


@pytest.mark.parametrize(("name", "schema"), list(bodies()), ids=ASKS)
def test_a_body_has_the_fields_of_its_question(name: str, schema: dict[str, Any]) -> None:
    ask = ASKS[name]
    assert list(schema["properties"]) == ["model", *(field.name for field in fields(ask))]
    required = [field.name for field in fields(ask) if field.default is MISSING]
    assert schema["required"] == required
    for field in fields(ask):
        described = schema["properties"][field.name]
        assert described["description"]
        if field.default is not MISSING:
            assert described["default"] == json.loads(json.dumps(plain(field.default)))


# --- addresses -----------------------------------------------------------------------------------

ADDRESSED = [route for route in ROUTES if route.query and route.path.startswith("/api")]


@pytest.mark.parametrize("route", ADDRESSED, ids=lambda route: route.name)
def test_a_default_is_what_leaving_it_out_means(client: FlaskClient, route: Route) -> None:
    client.application.extensions["lm_debugger"].registry.loaded()[1].build()
    path = route.path.format(layer=1, dim=2, cluster=0)
    query = {param.name: param.schema["example"] for param in route.params if param.required}
    without = client.get(path, query_string=query)
    assert without.status_code == 200
    for param in route.params:
        if "default" in param.schema:
            given = {**query, param.name: json.dumps(param.schema["default"])}
            assert client.get(path, query_string=given).json == without.json
        if param.schema.get("minimum") == 1:
            refused = client.get(path, query_string={**query, param.name: "0"})
            assert refused.status_code == 422


def test_layers_left_out_are_all_layers(client: FlaskClient) -> None:
    path, words = "/api/v1/search/concepts", {"q": "a", "n": "200"}
    every = client.get(path, query_string=words).json
    ends = {"first_layer": "0", "last_layer": "1"}  # of the random model's two
    assert client.get(path, query_string={**words, **ends}).json == every
    assert {hit["layer"] for hit in every["hits"]} == {0, 1}


# --- answers -------------------------------------------------------------------------------------

READ = {"TokenProb", "TokenLogit", "Hit", "KeywordHit", "Contribution", "GridRun", "Followed"}
"""What is made by reading a vector as tokens."""


def reached(name: str, schemas: dict[str, Any]) -> set[str]:
    """The schemas that one is made of."""
    found, queue = set(), [name]
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            text = json.dumps(schemas[name])
            queue += [other for other in schemas if f'"#/components/schemas/{other}"' in text]
    return found


def answers() -> Iterator[str]:
    for route in ROUTES:
        if route.tag in ("debugging", "exploring") and route.reply is not None:
            yield route.reply.__name__


@pytest.mark.parametrize("name", dict.fromkeys(answers()))
def test_whatever_lists_tokens_says_how_they_are_read(name: str) -> None:
    schemas = document()["components"]["schemas"]
    assert schemas["Reading"]["enum"] == ["raw", "lens", "exact", "own_norm"]
    lists_tokens = bool(reached(name, schemas) & READ) or name == "ClustersReply"
    says_so = "reading" in schemas[name]["properties"]
    assert says_so == lists_tokens
    assert not says_so or "reading" in schemas[name]["required"]
