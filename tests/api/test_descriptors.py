"""Connections that the system has no room for."""

from __future__ import annotations

import errno
import resource
import time
from itertools import pairwise
from typing import Any

import pytest
from waitress.server import TcpWSGIServer

from lm_debugger.api import descriptors, listener
from lm_debugger.api.registry import ModelRegistry
from lm_debugger.api.server import Server
from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings
from tests.api.test_server import get


def test_no_descriptor_left_is_no_busy_loop(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listener, "_DEAF_SECONDS", 0.3)
    accept, tried = TcpWSGIServer.accept, list[float]()

    def refusing(self: TcpWSGIServer) -> Any:
        tried.append(time.monotonic())
        if len(tried) <= 4:
            raise OSError(errno.EMFILE, "Too many open files")
        return accept(self)

    monkeypatch.setattr(TcpWSGIServer, "accept", refusing)
    with Server(Settings(port=0), registry) as server:
        assert get(server, "/healthz") == 200
        assert len(tried) == 5
    assert all(later - sooner >= 0.3 for sooner, later in pairwise(tried[:5]))
    said = [record for record in caplog.records if "no room" in record.getMessage()]
    assert len(said) == 1
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("soft", "hard", "left", "raised"),
    [
        (1024, 4096, 200, 1024),  # enough: 2 × 200 + 80 + 128 = 608
        (608, 608, 200, 608),
        (256, 4096, 200, 608),
        (256, -1, 200, 608),
        (-1, -1, 200, -1),
        (256, 400, 96, 400),  # (400 − 80 − 128) / 2
        (228, 228, 10, 228),
    ],
)
def test_there_are_descriptors_for_all_connections(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    soft: int,
    hard: int,
    left: int,
    raised: int,
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, both: limits.append(both))
    assert descriptors.connections(Settings()) == left
    assert limits[-1] == (raised, hard)
    assert bool(caplog.records) == (left < 200)


@pytest.mark.parametrize("error", [ValueError, PermissionError])
def test_a_limit_that_the_system_does_not_raise_after_all(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def refuse(*_: object) -> None:
        raise error("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (400, -1))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert descriptors.connections(Settings()) == 96


@pytest.mark.parametrize("allowed", [200, 227])  # 228 are for ten connections
def test_too_few_descriptors_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (allowed, allowed))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: pytest.fail("nothing to be had"))
    with pytest.raises(SettingsError, match=rf"{allowed} open files \(ulimit -n\), too few for 80"):
        descriptors.connections(Settings())
