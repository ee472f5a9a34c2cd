"""A further bank and a further stage are a file and a line each: built, asked, stored, resumed,
guarded."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.nodes import Node, ValueId
from lm_debugger.errors import IndexNotReady, InvalidInput, OutOfRange, UnknownDimension
from lm_debugger.index import ModelIndex, bank, stages
from lm_debugger.index.build import Build, Progress
from lm_debugger.index.source import Source
from lm_debugger.index.stages.base import Options
from lm_debugger.index.stages.clustering import Clustering
from lm_debugger.index.stages.projections import Projections
from tests.index import further
from tests.index.further import HEIGHTS, Lengths, Rows
from tests.index.test_build import files
from tests.index.test_keywords import assert_same_order
from tests.index.test_swapped_files import Swap, copy, exchange
from tests.reference import Array, assert_ranked
from tests.reference_index import bm25, cloud, concept
from tests.until import PATIENCE

K = 6


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bank.BANKS, "uneven", further.uneven)
    monkeypatch.setattr(stages, "STAGES", (*stages.STAGES, Lengths))


@pytest.fixture(scope="module")
def rows(checkpoint: Callable[[str], Path]) -> Rows:
    return Rows(checkpoint("tied"))


@pytest.fixture
def index(small: Debugger, tmp_path: Path) -> ModelIndex:
    found = ModelIndex(small, tmp_path / "index", K, bank="uneven")
    assert found.build().state == "ready"
    return found


def named(at: tuple[int, int]) -> Node:
    return further.name(*at)


def numbered(rows: Rows, found: list[Any]) -> list[tuple[int, float]]:
    return [(rows.vectors.index(further.place(hit.node)), hit.score) for hit in found]


# --- asked ---------------------------------------------------------------------------------------


def test_its_rows_are_read_by_name(index: ModelIndex, rows: Rows) -> None:
    assert index.n_vectors == sum(HEIGHTS)
    assert index.layers_ready == (1, 2)
    norms = {at: float(np.linalg.norm(row)) for at, row in rows.rows.items()}
    for at, logits in rows.logits.items():
        promoted = index.promoted(named(at), 50)
        assert promoted is not None
        assert_ranked([*zip(*promoted, strict=True)], logits, 50, atol=1e-6)
        assert index.norm(named(at)) == pytest.approx(norms[at], rel=1e-6)
    for rank, at in enumerate(sorted(norms, key=lambda at: -norms[at]), start=1):
        assert index.norm_rank(named(at)) == rank
    with pytest.raises(UnknownDimension, match="no uneven:L2S126"):
        index.promoted(named((2, 13)), 5)


def test_keyword_search_ranks_them_as_bm25_does(index: ModelIndex, rows: Rows) -> None:
    documents = {at: rows.words(at) for at in rows.vectors}
    word = max(
        {w.strip() for words in documents.values() for w in words if w.strip().isalpha()},
        key=lambda w: sum(f" {w}" in words or w in words for words in documents.values()),
    )
    present = {word for words in documents.values() for word in words}
    forms = [form for form in (word, f" {word}", f"\n{word}") if form in present]
    scores = bm25(documents, [[form] for form in forms])
    assert {at[0] for at in scores} == {1, 2}  # both layers have a say
    truth = {(at[0], 100 + 2 * at[1]): score for at, score in scores.items()}
    assert_same_order(index.keywords(word, 60), truth, 60)
    for hit in index.keywords(word, 60).hits:
        words = documents[further.place(hit.node)]
        assert list(hit.matched) == [rank for rank, text in enumerate(words) if text in forms]


def test_directions_are_compared_over_all_or_some_of_its_layers(
    index: ModelIndex, rows: Rows
) -> None:
    words = index.concepts.words("music, -school")
    encode = rows.tokenizer.encode
    one, other = (
        [encode(form).ids[0] for form in (word, f" {word}") if len(encode(form).ids) == 1]
        or encode(f" {word}").ids
        for word in ("music", "school")
    )
    truth = concept(rows, [one], [other])
    n = len(truth)
    assert_ranked(numbered(rows, index.concepts.search(words, n)), truth, n, atol=1e-5)
    norms = np.array([np.linalg.norm(row) for row in rows.rows.values()])
    found = index.concepts.search(words, n, normalised=True)
    assert_ranked(numbered(rows, found), truth / norms, n, atol=1e-5)
    last = index.concepts.search(words, n, normalised=True, layers=(2, 2))
    assert last == [hit for hit in found if hit.node.layer == 2]
    assert index.concepts.search(words, n, layers=(0, 0)) == []
    at = (2, 5)
    cosines = np.array([row @ rows.rows[at] for row in rows.rows.values()])
    cosines /= norms * np.linalg.norm(rows.rows[at])
    cosines[rows.vectors.index(at)] = -np.inf
    near = index.concepts.neighbours(named(at), 9)
    assert_ranked(numbered(rows, near), cosines, 9, atol=1e-6)
    with pytest.raises(InvalidInput, match="is no value vector"):
        _ = near[0].id


def test_its_clusters_are_a_partition(index: ModelIndex, rows: Rows) -> None:
    everybody = []
    for cluster in range(len(index.clusters.centres)):
        members = index.members(cluster)
        places = [further.place(member.node) for member in members]
        everybody += places
        unit = np.stack([rows.rows[at] / np.linalg.norm(rows.rows[at]) for at in places])
        centre = unit.sum(axis=0) / np.linalg.norm(unit.sum(axis=0))
        assert [m.score for m in members] == pytest.approx(unit @ centre, abs=1e-5)
        summary = index.summary(cluster)
        layers = [layer for layer, _ in places]
        assert summary.layers == tuple(layers.count(layer) for layer in range(3))
        weights = cloud(rows, places)
        truth: Array = np.full(len(rows.oracle.unembedding), -np.inf)
        truth[[*weights]] = [*weights.values()]
        pairs = [*zip(summary.token_ids, summary.token_logits, strict=True)]
        assert_ranked(pairs, truth, 30, atol=1e-4)
        assert all(index.cluster_of(named(at)) == cluster for at in places)
    assert sorted(everybody) == rows.vectors


def is_the_oracles(lengths: Any, rows: Rows) -> bool:
    for layer, found in zip((1, 2), lengths, strict=True):
        own = [rows.rows[layer, row] for row in range(HEIGHTS[layer])]
        listed = [np.sort(rows.logits[layer, row])[-50:].mean() for row in range(HEIGHTS[layer])]
        truth = np.stack([[row @ row for row in own], listed], axis=1)
        np.testing.assert_allclose(found.numpy(), truth, rtol=1e-4, atol=1e-6)
    return True


def test_the_stage_reads_what_another_made(index: ModelIndex, rows: Rows) -> None:
    assert is_the_oracles(index.result(Lengths), rows)


def test_a_result_that_is_not_there_yet(small: Debugger, tmp_path: Path) -> None:
    with pytest.raises(IndexNotReady, match="lengths is not there yet"):
        ModelIndex(small, tmp_path, bank="uneven").result(Lengths)
    with pytest.raises(OutOfRange, match=r"one of values, uneven, not 'heads'"):
        ModelIndex(small, tmp_path, bank="heads")


# --- stored --------------------------------------------------------------------------------------


def test_a_second_start_reads_what_is_there(
    index: ModelIndex, small: Debugger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("computed although it was stored")

    monkeypatch.setattr("lm_debugger.index.stages.projections.project", refuse)
    monkeypatch.setattr("lm_debugger.index.stages.clustering.spherical_kmeans", refuse)
    monkeypatch.setattr(further, "both", refuse)
    again = ModelIndex(small, tmp_path / "index", K, bank="uneven")
    assert again.build().state == "ready"
    assert [again.summary(c) for c in range(K)] == [index.summary(c) for c in range(K)]


def test_each_bank_has_a_folder_and_each_stage_its_files(
    index: ModelIndex, small: Debugger, tmp_path: Path
) -> None:
    other = ModelIndex(small, tmp_path / "index", K)
    assert other.build().state == "ready"
    assert index.store.folder != other.store.folder
    names = {f"clusters-kmeans-{K}", "layer-001", "layer-002", "lengths-1", "lengths-2"}
    assert {path.stem for path in index.store.folder.iterdir()} == names
    names |= {"layer-000", "lengths-0"}
    assert {path.stem for path in other.store.folder.iterdir()} == names


_KILLED = """
import sys
from pathlib import Path
from lm_debugger.engine.debugger import Debugger
from lm_debugger.index import ModelIndex
from tests.index import further

def ask(progress):
    print(progress.stage, progress.done, flush=True)
    sys.stdin.readline()

further.register()
debugger = Debugger.load(sys.argv[1], device="cpu")
ModelIndex(debugger, Path(sys.argv[2]), int(sys.argv[3]), bank="uneven").build(ask)
"""


@pytest.mark.parametrize("at", ["projections 1", "clusters 1", "lengths 1"])
def test_killed_at_any_stage_it_goes_on_to_the_same_bytes(
    index: ModelIndex,
    small: Debugger,
    checkpoint: Callable[[str], Path],
    tmp_path: Path,
    at: str,
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, checkpoint("tied"), tmp_path / "killed", str(K)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == at:
            process.send_signal(signal.SIGKILL)
            break
        print(file=process.stdin, flush=True)  # go on
    assert process.wait(PATIENCE) == -signal.SIGKILL
    left, undisturbed = files(tmp_path / "killed"), files(tmp_path / "index")
    assert left.items() != undisturbed.items()
    again = ModelIndex(small, tmp_path / "killed", K, bank="uneven")
    assert again.build().state == "ready"
    assert files(tmp_path / "killed") == undisturbed


@pytest.mark.parametrize("swap", [exchange, copy])
def test_no_file_is_served_in_anothers_place(
    index: ModelIndex, small: Debugger, tmp_path: Path, rows: Rows, swap: Swap
) -> None:
    """Of another stage, layer or bank of the same model."""
    other = ModelIndex(small, tmp_path / "index", K)
    assert other.build().state == "ready"
    undisturbed = files(tmp_path / "index")
    expected = [index.summary(cluster) for cluster in range(K)]
    paths = sorted((tmp_path / "index").rglob("*.safetensors"))
    own = [path for path in paths if path.parent == index.store.folder]
    pairs = [pair for pair in combinations(paths, 2) if set(pair) & set(own)]
    assert len(pairs) == 5 * 4 / 2 + 5 * 7
    for pair in pairs:
        shutil.copytree(tmp_path / "index", tmp_path / "kept")
        swap(*pair)
        for name in ("uneven", "values"):
            again = ModelIndex(small, tmp_path / "index", K, bank=name)
            assert again.build().state == "ready"
            if name == "uneven":
                assert is_the_oracles(again.result(Lengths), rows)
                assert [again.summary(cluster) for cluster in range(K)] == expected
        assert files(tmp_path / "index") == undisturbed
        shutil.rmtree(tmp_path / "index")
        (tmp_path / "kept").rename(tmp_path / "index")


# --- built ---------------------------------------------------------------------------------------


def test_progress_goes_through_all_stages(small: Debugger, tmp_path: Path) -> None:
    seen: list[Progress] = []
    ModelIndex(small, tmp_path, K, bank="uneven").build(seen.append)
    whole = [(p.stage, p.done, p.total) for p in seen if not p.within]
    assert whole[:3] == [("projections", done, 2) for done in range(3)]
    assert whole[-4:-1] == [("lengths", done, 2) for done in range(3)]
    assert seen[-1].state == "ready"


def test_a_stage_after_its_inputs_and_with_files_of_its_own(small: Debugger) -> None:
    class Same(Lengths):
        name = "same"

    def build(*kinds: Any) -> Build:
        made = [kind(Options()) for kind in kinds]
        return Build(
            Source.of(small), further.uneven(small.adapter), made, lambda: None,  # type: ignore[arg-type, return-value]
            publish=lambda stage, part: None, on_progress=lambda progress: None,
        )  # fmt: skip

    build(Projections, Lengths, Clustering)
    with pytest.raises(InvalidInput, match="lengths reads what projections makes"):
        build(Lengths, Projections)
    with pytest.raises(InvalidInput, match="lengths and same name their files alike"):
        build(Projections, Lengths, Same)


def test_value_vectors_are_the_bank_that_nobody_has_to_name(
    small: Debugger, tmp_path: Path
) -> None:
    found = ModelIndex(small, tmp_path)
    assert found.n_vectors == small.info.n_layers * small.info.ffn_width
    values = bank.values(small.adapter)
    assert torch.equal(values.norms.view(small.norms.shape), small.norms)
    names = [str(values.named(n)) for n in (0, 127, 128, 383)]
    assert names == ["L0D0", "L0D127", "L1D0", "L2D127"]
    assert [*map(values.number, (ValueId(2, 3), Node("value", 2, 3)))] == [259, 259]
    assert values.layer_of(259) == 2
    with pytest.raises(InvalidInput, match="L2H3 is no value vector"):
        values.number(Node.parse("L2H3"))
