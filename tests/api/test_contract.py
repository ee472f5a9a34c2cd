"""schemathesis against our own document: whatever it makes up, the reply is what was promised."""

from __future__ import annotations

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.api.route_table import ROUTES
from lm_debugger.api.route_types import Route
from lm_debugger.settings import Settings

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def api(random_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> schemathesis.BaseSchema:
    """The application with the random model as the only one, so that made-up requests are quick."""
    cache_dir = tmp_path_factory.mktemp("cache")
    own = Settings(models=[str(random_folder)], cache_dir=cache_dir, n_clusters=9, metrics=True)
    registry = ModelRegistry(own.models, loader(own), indexer(own))
    registry.start()
    registry.wait()
    registry.loaded()[1].build()
    return schemathesis.openapi.from_wsgi("/openapi.json", create_app(own, registry))


POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
CASES = [
    pytest.param(route, mode, id=f"{route.name}-{mode.value}")
    for route in ROUTES
    # Nothing can be wrong about a request without parameters and body.
    for mode in ([POSITIVE, NEGATIVE] if route.params or route.body else [POSITIVE])
]


@pytest.mark.parametrize(("route", "mode"), CASES)
def test_replies_are_as_documented(
    api: schemathesis.BaseSchema, route: Route, mode: GenerationMode
) -> None:
    @given(case=api[route.path][route.method].as_strategy(generation_mode=mode))
    @settings(max_examples=25, derandomize=True, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def check(case: schemathesis.Case) -> None:
        case.validate_response(case.call(), checks=CHECKS)

    check()
