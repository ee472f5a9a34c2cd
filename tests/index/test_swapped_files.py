"""Sound files in the wrong place: of another layer, stage, setting or model. Whatever was swapped,
what is served is what the model says, and the folder is as if nobody had touched it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import ValueId
from lm_debugger.index import ModelIndex
from lm_debugger.index.build import Method, Progress
from tests.models import random_model, save
from tests.reference import assert_ranked
from tests.reference_index import Library, cloud

SHAPE = {"n_layer": 2, "n_embd": 16, "n_head": 2, "n_inner": 24}
"""Of both models, so that nothing but its content tells one's file from the other's."""
FINISHED: tuple[tuple[Method, int], ...] = (("kmeans", 4), ("kmeans", 5), ("complete-linkage", 4))
CUT_SHORT: tuple[tuple[Method, int], ...] = (("kmeans", 6), ("kmeans", 7))
"""Their builds were stopped after an iteration, and leave its centres."""
FILES = ("layer-000", "layer-001",
         *(f"clusters-{method}-{k}" for method, k in FINISHED),
         *(f"clusters-{method}-{k}.partial" for method, k in CUT_SHORT))  # fmt: skip
PLACES = [(model, name) for model in (0, 1) for name in FILES]


@dataclass(frozen=True)
class Model:
    debugger: Debugger
    library: Library
    folder: str

    def path(self, cache_dir: Path, name: str) -> Path:
        return cache_dir / self.folder / f"{name}.safetensors"


def served(index: ModelIndex) -> dict[str, Any]:
    """Everything that comes out of the files."""
    vectors = [ValueId(la, d) for la in index.layers_ready for d in range(SHAPE["n_inner"])]
    return {
        "promoted": [index.promoted(at, 50) for at in vectors],
        "suppressed": [
            [values.tolist() for values in (stored["suppressed_ids"], stored["suppressed_logits"])]
            for layer in index.layers_ready
            if (stored := index.store.load(f"layer-{layer:03d}")) is not None
        ],
        "clusters": [index.summary(cluster) for cluster in range(index.n_clusters or 0)],
        "members": [index.members(cluster) for cluster in range(index.n_clusters or 0)],
    }


def build(model: Model, cache_dir: Path, method: Method, k: int) -> ModelIndex:
    index = ModelIndex(model.debugger, cache_dir, k, method)
    assert index.build().state == "ready"
    return index


def is_the_oracles(index: ModelIndex, library: Library, k: int) -> bool:
    """Lists and clouds by the oracle; members, by its own vectors, with their centre's cosine."""
    for at in library.vectors:
        promoted = index.promoted(ValueId(*at), 50)
        assert promoted is not None
        assert_ranked([*zip(*promoted, strict=True)], library.logits[at], 50, atol=1e-6)
    assert index.n_clusters == k
    everybody = []
    for cluster in range(k):
        members = index.members(cluster)
        everybody += [(m.id.layer, m.id.dim) for m in members]
        weights = cloud(library, everybody[-len(members) :])
        truth = np.array(
            [weights.get(token, -np.inf) for token in range(len(library.logits[0, 0]))]
        )
        summary = index.summary(cluster)
        pairs = [*zip(summary.token_ids, summary.token_logits, strict=True)]
        assert_ranked(pairs, truth, 30, atol=1e-4)
        rows = np.stack([library.oracle.values(m.id.layer)[m.id.dim] for m in members])
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        centre = rows.sum(axis=0) / np.linalg.norm(rows.sum(axis=0))
        assert [m.score for m in members] == pytest.approx(rows @ centre, abs=1e-5)
    return sorted(everybody) == sorted(library.vectors)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, ...]:
    found = []
    for seed in (11, 12):
        folder = save(random_model(SHAPE, seed=seed), tmp_path_factory.mktemp("model"))
        debugger = Debugger.load(str(folder), device="cpu")
        name = ModelIndex(debugger, Path("nowhere")).store.folder.name
        found.append(Model(debugger, Library(folder), name))
    return tuple(found)


@pytest.fixture(scope="module")
def truth(
    models: tuple[Model, ...], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[int, str], dict[str, Any]]:
    """What each file gives where nothing was swapped, which is what the oracle says."""
    answers = {}
    for number, model in enumerate(models):
        cache_dir = tmp_path_factory.mktemp("undisturbed")
        for name in FILES:
            method, k = setting(name)
            index = build(model, cache_dir, method, k)
            assert is_the_oracles(index, model.library, k)
            answers[number, name] = served(index)
    return answers


@pytest.fixture(scope="module")
def original(models: tuple[Model, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with all the FILES of both models."""
    cache_dir = tmp_path_factory.mktemp("original")
    for model in models:
        for method, k in FINISHED:
            build(model, cache_dir, method, k)
        for method, k in CUT_SHORT:
            index = ModelIndex(model.debugger, cache_dir, k, method)

            def stop(progress: Progress, index: ModelIndex = index) -> None:
                if (progress.stage, progress.done) == ("clusters", 1):
                    index.cancel()

            assert index.build(stop).state == "cancelled"
        there = sorted(path.stem for path in (cache_dir / model.folder).iterdir())
        assert there == sorted(FILES)
    return cache_dir


def setting(name: str) -> tuple[Method, int]:
    """With what an index has to be asked for, to read a file."""
    kinds = {f"clusters-{method}-{k}": (method, k) for method, k in (*FINISHED, *CUT_SHORT)}
    return kinds.get(name.removesuffix(".partial"), FINISHED[0])


@pytest.fixture
def cache(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "cache")
    return tmp_path / "cache"


Swap = Callable[[Path, Path], None]


def exchange(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def copy(one: Path, other: Path) -> None:
    shutil.copyfile(one, other)


@pytest.mark.parametrize("swap", [exchange, copy])
@pytest.mark.parametrize("models_apart", [False, True], ids=["one model", "two models"])
def test_no_file_is_served_in_anothers_place(
    models: tuple[Model, ...],
    truth: dict[tuple[int, str], dict[str, Any]],
    original: Path,
    cache: Path,
    swap: Swap,
    models_apart: bool,
) -> None:
    pairs = [(a, b) for a, b in combinations(PLACES, 2) if (a[0] != b[0]) == models_apart]
    wrong, left = [], []
    for pair in pairs:
        paths = [models[number].path(cache, name) for number, name in pair]
        before = [path.read_bytes() for path in paths]
        swap(*paths)
        for number, name in pair:
            index = build(models[number], cache, *setting(name))
            if served(index) != truth[number, name]:
                wrong.append((pair, name))
        for (_, name), path, content in zip(pair, paths, before, strict=True):
            # Partial ones are gone once a build is done.
            if not name.endswith(".partial") and path.read_bytes() != content:
                left.append((pair, name))
            path.write_bytes(content)
        for path in (path for model in models for path in (cache / model.folder).iterdir()):
            if not (original / path.relative_to(cache)).exists():
                path.unlink()  # what a build made of a partial one
    assert wrong == [], f"{len(wrong)} of {2 * len(pairs)} files served wrong answers"
    assert left == [], f"{len(left)} of {2 * len(pairs)} files were left as they were"
