"""`index` and `search`, as programs are used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.reference import ranked
from tests.reference_index import Library, bm25, concept, cosines


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


@pytest.fixture(scope="module")
def library(folder: Path) -> Library:
    return Library(folder)


def test_concept_search_ranks_as_brute_force_does(
    run: Callable[..., Result], folder: Path, library: Library
) -> None:
    result = run("search", str(folder), "music, -school", "-n", "4")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    ids = {w: [t for t in map(library.tokenizer.token_to_id, (w, f"Ġ{w}")) if t is not None]
           for w in ("music", "school")}  # fmt: skip
    truth = concept(library, [ids["music"]], [ids["school"]])
    expected = [library.vectors[number] for number in ranked(truth, 4)]
    assert [row[0] for row in rows] == [f"L{layer}D{dim}" for layer, dim in expected]
    assert [float(row[1]) for row in rows] == pytest.approx(sorted(truth)[::-1][:4], abs=6e-4)
    last = run("search", str(folder), "music", "--layers", "1", "--normalised")
    assert all(line.startswith("L1D") for line in last.stdout.splitlines())


def test_like_a_vector_and_what_opposes_it(
    run: Callable[..., Result], folder: Path, library: Library
) -> None:
    matrix = cosines(library)
    number = library.vectors.index((1, 3))
    others = [i for i in range(len(matrix)) if i != number]
    for flags, sign in ((), 1), (("--opposite",), -1):
        result = run("search", str(folder), "l1d3", "-n", "3", *flags)
        assert result.exit_code == 0, result.output
        best = sorted(others, key=lambda i: -sign * matrix[number, i])[:3]
        expected = [f"L{layer}D{dim}" for layer, dim in (library.vectors[i] for i in best)]
        assert [line.split()[0] for line in result.stdout.splitlines()] == expected


def test_keyword_search_builds_what_it_needs(
    run: Callable[..., Result], folder: Path, library: Library, tmp_path: Path
) -> None:
    word = next(w.strip() for w in library.words((0, 3)) if w.strip().isalpha() and w.isascii())
    arguments = ("search", str(folder), word, "--keywords", "--json", "-n", "200")
    result = run(*arguments, "--cache-dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    documents = {vector: library.words(vector) for vector in library.vectors}
    listed = {w for words in documents.values() for w in words}
    forms = [[form] for form in (word, f" {word}", f"\n{word}") if form in listed]
    expected = bm25(documents, forms)
    hits = json.loads(result.stdout)["hits"]
    assert {(hit["layer"], hit["dim"]): hit["score"] for hit in hits} == pytest.approx(expected)
    assert list(tmp_path.rglob("*.safetensors"))


def test_index_ahead_of_time(run: Callable[..., Result], folder: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second time it only reads
        result = run("index", str(folder), "--cache-dir", str(tmp_path), "--n-clusters", "7")
        assert result.exit_code == 0, result.output
        assert re.search(r"80 value vectors, 7 clusters, \d+ MB in ", result.stdout)
        assert str(tmp_path) in result.stdout


def test_an_index_without_clusters(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    result = run("index", str(folder), "--cache-dir", str(tmp_path), "--n-clusters", "0")
    assert result.exit_code == 0, result.output
    assert "80 value vectors, no clusters, " in result.stdout
    assert not list(tmp_path.rglob("clusters*"))


def test_what_is_wrong_is_one_sentence(
    run: Callable[..., Result], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    for arguments, says in (
        (("search", str(folder), " , "), "at least one word"),
        (("search", str(folder), "music", "--layers", "5"), "0 to 1"),
        (("search", str(folder), "music", "--layers", "all"), "3-7"),
        (("search", str(folder), "L9D1"), "0 to 1"),
        (("search", str(folder), "music", "--opposite"), "value vector"),
        (("search", str(folder), "music", "--keywords", "--layers", "1"), "concept search"),
        (("index", str(folder), "--n-clusters", "81"), "1 to 80"),
        (("index", str(folder), "--cache-dir", str(tmp_path / "file")), "--cache-dir"),
        (("index", str(tmp_path / "missing")), "no folder"),
    ):
        result = run(*arguments)
        assert result.exit_code != 0
        assert says in result.stderr
        assert "Traceback" not in result.output
