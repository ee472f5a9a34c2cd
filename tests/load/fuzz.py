"""Made-up requests: schemathesis over our own document, hypothesis over LM-Debugger's routes."""

from __future__ import annotations

import http.client
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.api.test_contract import CASES, CHECKS
from tests.load.process import Served
from tests.until import PATIENCE

Send = Callable[[str, str, bytes | None, str | None], tuple[int, str]]
"""Method, path, body, its type -> status, body."""

PROMPT_CHARS = 12
"""A prompt of so many characters has 48 tokens at most, and the random model reads 64."""

COMMON = [0, 1, 2, 3, 7, 127, 128, -1, 10**30, -(10**30), 1.0, 0.5, -0.0, 1e308, math.nan, math.inf,
          "1", "", None, True, False, [], {}, [[]], "\ud800"]  # fmt: skip
_junk = st.one_of(
    st.sampled_from(COMMON),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
_prompts = st.text(min_size=1, max_size=PROMPT_CHARS)


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Seven of eight are good."""
    return st.integers(0, 7).flatmap(lambda n: good if n else _junk)


def _object(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """With further keys at times, and sometimes without one of its own."""
    own = st.fixed_dictionaries({name: _mostly(value) for name, value in fields.items()})
    more = st.dictionaries(st.sampled_from(["desc", "x", "Layer", ""]), _junk, max_size=2)
    lost = st.sampled_from([None] * 7 + [*fields])
    return st.tuples(own, more, lost).map(
        lambda parts: {k: v for k, v in {**parts[1], **parts[0]}.items() if k != parts[2]}
    )


_edits = st.lists(
    _mostly(_object(layer=st.integers(0, 2), dim=st.integers(0, 127),
                    coeff=st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False))),
    max_size=4,
)  # fmt: skip
BODIES = {
    "/get_data": _object(prompt=_prompts, interventions=_edits),
    "/generate": _object(prompt=_prompts, generate_k=st.integers(1, 6), interventions=_edits),
}
_part = _junk.map(str).filter(lambda text: text and "/" not in text)  # else it is another address
PATHS = st.tuples(st.integers(0, 2) | _part, st.integers(0, 127) | _part).map(
    lambda place: "/get_projections/layer/{}/dim/{}".format(
        *(quote(str(part), safe="", errors="replace") for part in place)
    )
)


def is_allowed(path: str, body: Any, n_layers: int = 3, width: int = 128) -> bool:
    """What LM-Debugger's routes promise to answer, written down a second time."""

    def whole(value: Any, least: int, most: int) -> bool:
        return type(value) is int and least <= value <= most

    def edit(item: Any) -> bool:
        return (
            isinstance(item, dict)
            and whole(item.get("layer"), 0, n_layers - 1)
            and whole(item.get("dim"), 0, width - 1)
            and type(item.get("coeff")) in (int, float)
            and -1.8e308 < item["coeff"] < 1.8e308
        )

    prompt, edits = body.get("prompt"), body.get("interventions", [])
    return (
        isinstance(prompt, str)
        and 0 < len(prompt) <= PROMPT_CHARS
        and not any("\ud800" <= char <= "\udfff" for char in json.dumps(body, ensure_ascii=False))
        and isinstance(edits, list)
        and all(map(edit, edits))
        and (path != "/generate" or whole(body.get("generate_k"), 1, 256))
    )


@dataclass
class Found:
    """What made-up requests led to."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return self.statuses.total()


def old_routes(send: Send, examples: int) -> Found:
    """LM-Debugger's routes: allowed requests are answered as ever, others refused in a sentence
    that is no JSON, none with a status of 5xx."""
    found = Found()

    def note(status: int, text: str, asked: str, right: bool | None) -> None:
        found.statuses[status] += 1
        as_expected = right is None or right == (status == 200)
        right_body = bool(text) and _is_json(text) == (status == 200)
        if status >= 500 or not as_expected or not right_body:
            found.faults.append(f"{asked}: {status} {text[:200]}")

    def ask(path: str, body: bytes, media: str | None, right: bool, asked: str) -> None:
        status, text = send("POST", path, body, media)
        note(status, text, f"{path} {asked}", right)
        if status == 200 and path == "/get_data":
            edited = bool(json.loads(body).get("interventions"))
            if edited != ("intervention" in json.loads(text)):
                found.faults.append(f"{path} {asked}: {text[:200]}")

    for path, bodies in BODIES.items():

        @_many(examples)
        @given(st.just(path), bodies)
        def objects(path: str, body: Any) -> None:
            content = json.dumps(body).encode()
            ask(path, content, "application/json", is_allowed(path, body), str(body))

        @_many(examples // 4)
        @given(
            st.just(path),
            st.binary(max_size=60) | _junk.map(lambda value: json.dumps(value).encode()),
            st.sampled_from(["application/json"] * 3 + ["text/plain", None, "a/b;c=?"]),
        )
        def others(path: str, body: bytes, media: str | None) -> None:
            ask(path, body, media, False, f"{body!r} {media}")

        objects()
        others()

    @_many(examples)
    @given(path=PATHS)
    def places(path: str) -> None:
        status, text = send("GET", path, None, None)
        *_, layer, _, dim = path.split("/")
        right = layer in ("0", "1", "2") and dim.isdecimal() and dim in map(str, range(128))
        plain = (layer + dim).isdecimal() and (layer + dim).isascii()
        note(status, text, path, right if right or plain else None)

    places()
    return found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def everything(served: Served, examples: int) -> Found:
    """Our own document and LM-Debugger's routes, over HTTP; `examples` of each route and kind."""
    found = old_routes(over_http(served.url), 2 * examples)
    api: Any = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    for case in CASES:
        route: Any = case.values[0]
        made_up = api[route.path][route.method].as_strategy(generation_mode=case.values[1])

        @_many(examples)
        @given(st.just(route.name), made_up)
        def documented(name: str, case: schemathesis.Case) -> None:
            if found.count % 4:  # a made-up model is nowhere, and nothing else is looked at
                _at_home(case)
            response = case.call(base_url=served.url)
            found.statuses[response.status_code] += 1
            try:
                case.validate_response(response, checks=CHECKS)
            except BaseExceptionGroup as faults:
                found.faults.append(f"{name}: {faults.exceptions[0]}"[:600])

        documented()
    return found


def _at_home(case: schemathesis.Case) -> None:
    for fields in (case.body, case.query):
        if isinstance(fields, dict):
            fields.pop("model", None)


def over_http(address: str) -> Send:
    parts = urlsplit(address)

    def send(method: str, path: str, body: bytes | None, media: str | None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Content-Type": media} if media else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    return send


def _many(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same made-up requests in every run."""
    many = settings(max_examples=examples, derandomize=False, deadline=None, database=None,
                    suppress_health_check=list(HealthCheck))  # fmt: skip
    return lambda test: seed(7)(many(test))
