"""What callers of `ModelIndex` may pass: see tests/engine/test_given.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.errors import DebuggerError
from lm_debugger.index import ModelIndex

STRANGE = [None, True, "3", 3.5, 1j, [1.5], {}, object(), np.array([1.5]), -1, 10**400]


@pytest.fixture(scope="module")
def debugger(checkpoint: Callable[[str], Path]) -> Debugger:
    return Debugger.load(checkpoint("tied"), device="cpu")


@pytest.fixture(scope="module")
def index(debugger: Debugger, tmp_path_factory: pytest.TempPathFactory) -> ModelIndex:
    found = ModelIndex(debugger, str(tmp_path_factory.mktemp("index")), n_clusters=np.int64(5))
    assert found.build().state == "ready"
    return found


def calls(debugger: Debugger, index: ModelIndex) -> dict[str, Callable[[Any], object]]:
    words = index.concepts.words("the")
    at = ValueId(0, 1)
    return {
        "keywords": lambda x: index.keywords(x),
        "n of keywords": lambda x: index.keywords("the", x),
        "summary": lambda x: index.summary(x),
        "members": lambda x: index.members(x),
        "cluster_of": lambda x: index.cluster_of(x),
        "norm": lambda x: index.norm(x),
        "norm_rank": lambda x: index.norm_rank(x),
        "promoted": lambda x: index.promoted(x, 3),
        "words": lambda x: index.concepts.words(x),
        "n of search": lambda x: index.concepts.search(words, x),
        "layers of search": lambda x: index.concepts.search(words, 3, layers=x),
        "n of neighbours": lambda x: index.concepts.neighbours(at, x),
        "debugger": lambda x: ModelIndex(x),
        "folder": lambda x: ModelIndex(debugger, x),
        "clusters": lambda x: ModelIndex(debugger, n_clusters=x),
        "method": lambda x: ModelIndex(debugger, method=x),
        "bank": lambda x: ModelIndex(debugger, bank=x),
    }


FINE: dict[str, list[Any]] = {
    "keywords": ["3"], "words": ["3"], "folder": [None, "3"], "clusters": [None],
    "layers of search": [None, {}],
}  # fmt: skip


@pytest.mark.parametrize("what", [
    "keywords", "n of keywords", "summary", "members", "cluster_of", "norm", "norm_rank",
    "promoted", "words", "n of search", "layers of search", "n of neighbours", "debugger",
    "folder", "clusters", "method", "bank",
])  # fmt: skip
def test_no_exception_of_pythons_own_reaches_the_caller(
    debugger: Debugger, index: ModelIndex, what: str
) -> None:
    call = calls(debugger, index)[what]
    for value in STRANGE:
        if any(type(value) is type(x) and value == x for x in FINE.get(what, [])):
            call(value)
        else:
            with pytest.raises(DebuggerError) as failure:
                call(value)
            assert failure.value.message.endswith((".", ")", '"'))


def test_whatever_is_an_integer_is_one(index: ModelIndex) -> None:
    threes: list[Any] = [np.int64(3), torch.tensor(3)]
    for three in threes:
        assert index.summary(three) == index.summary(3)
        assert index.members(three) == index.members(3)
        assert index.keywords("the", three) == index.keywords("the", 3)
        at = ValueId(0, 1)
        assert index.concepts.neighbours(at, three) == index.concepts.neighbours(at, 3)
