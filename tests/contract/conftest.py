"""A small random model of every family, as the engine and plain transformers see it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer
from torch import Tensor
from transformers import AutoModelForCausalLM

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.passes import Row, Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import Site
from tests.families import FAMILIES, save_family

PROMPTS = ("It was the first time that two of them", "My wife is working as a", "Yes")


@dataclass(frozen=True)
class Model:
    """One checkpoint and both readers."""

    name: str
    folder: Path
    debugger: Debugger
    tokenizer: Tokenizer

    def encode(self, prompt: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(prompt).ids
        return ids

    def plain(self) -> Any:
        """A fresh transformers model with the attention that transformers itself would take."""
        model: Any = AutoModelForCausalLM.from_pretrained(self.folder, dtype=torch.float32)
        return model.eval()

    def record(self, ids: Sequence[int], *sites: Site, edits: Any = None) -> Recording:
        """A run, recorded at all positions."""
        runner = Runner(self.debugger.adapter)
        row = Row(ids, tuple(range(len(ids))), edits or {}, sites=frozenset(sites))
        return runner.run([row])[0]


@pytest.fixture(scope="session")
def open_family(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    root = tmp_path_factory.mktemp("families")

    @functools.cache
    def open_(name: str) -> Model:
        folder = save_family(name, root / name)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        return Model(name, folder, Debugger.load(folder, device="cpu", remember=False), tokenizer)

    return open_


@pytest.fixture(params=FAMILIES)
def model(request: pytest.FixtureRequest, open_family: Callable[[str], Model]) -> Model:
    """Every family in turn."""
    return open_family(request.param)


def close(found: Tensor, truth: Tensor, tolerance: float = 2e-5) -> None:
    """Equal to rounding, measured by the largest value: sums of many parts cancel."""
    assert found.shape == truth.shape
    off = float((found - truth).detach().abs().max() / truth.detach().abs().max())
    assert off <= tolerance, f"differ by {off:.1e} of the largest value"
