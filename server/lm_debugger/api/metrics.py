"""Counts and durations for Prometheus. Labels are routes, models and codes: nothing that was typed.

Every application counts for itself, in a registry of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lm_debugger.api.limits import InFlight, require_extra
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.request_log import Record

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

MEDIA = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """What `/metrics` tells.

    Raises:
        SettingsError: prometheus-client, of the extra `ops`, is not installed.
    """

    def __init__(self, models: ModelRegistry, in_flight: InFlight) -> None:
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
        except ImportError as error:
            raise require_extra("metrics", error) from error
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "lm_debugger_requests",
            "Requests answered.",
            ["method", "route", "status", "outcome"],
            registry=self._registry,
        )
        self._seconds, self._queue, self._compute = (
            Histogram(
                f"lm_debugger_{name}_seconds",
                meaning,
                ["route"],
                buckets=_SECONDS,
                registry=self._registry,
            )
            for name, meaning in (
                ("request", "From a request to the end of its reply."),
                ("queue", "Of that, waiting for the model."),
                ("compute", "Of that, working."),
            )
        )
        self._tokens = Counter(
            "lm_debugger_tokens", "Tokens.", ["model", "kind"], registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Now(models, in_flight))

    def observe(self, record: Record) -> None:
        """Count a request that has been answered."""
        self._requests.labels(record.method, record.route, str(record.status), record.outcome).inc()
        self._seconds.labels(record.route).observe(record.total)
        if record.model is None:
            return
        self._queue.labels(record.route).observe(record.queue)
        self._compute.labels(record.route).observe(record.compute)
        for kind, count in (("prompt", record.prompt_tokens), ("new", record.new_tokens)):
            if count:
                self._tokens.labels(record.model, kind).inc(count)

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        from prometheus_client import generate_latest

        return generate_latest(self._registry)


class _Now:
    """What is so at the moment of asking."""

    def __init__(self, models: ModelRegistry, in_flight: InFlight) -> None:
        self._models = models
        self._in_flight = in_flight

    def collect(self) -> Iterator[GaugeMetricFamily]:
        from prometheus_client.core import GaugeMetricFamily

        yield GaugeMetricFamily(
            "lm_debugger_requests_in_flight",
            "Requests that work or wait for the model.",
            value=self._in_flight.count,
        )
        states = GaugeMetricFamily(
            "lm_debugger_model_ready", "1 if the model answers, else 0.", labels=["model"]
        )
        for entry in self._models.entries:
            states.add_metric([entry.id], float(entry.state == "ready"))
        yield states
