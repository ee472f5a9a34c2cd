"""The text as windows: every token predicted once an epoch, copies as the mixture says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.demo import data
from lm_debugger.demo.corpus import MIXTURE, copies, documents, weighted_documents
from tests.demo import conftest

CONTEXT = 8


def test_documents_are_separated_by_blank_lines(corpus_folder: Path) -> None:
    assert documents(corpus_folder / "tales.txt") == conftest.TEXTS["tales"].split("\n\n")


@given(st.integers(0, 40), st.integers(1, 30))
def test_copies_add_up_to_the_weight(eighths: int, epochs: int) -> None:
    each = [copies(eighths / 8, epoch) for epoch in range(epochs)]
    assert sum(each) == epochs * eighths // 8
    assert max(each) - min(each) <= 1


def test_the_first_epoch_leaves_out_half_weights(corpus_folder: Path) -> None:
    texts = Counter(weighted_documents(corpus_folder, conftest.MIXTURE))
    expected = dict.fromkeys(conftest.TEXTS["tales"].split("\n\n"), 1)
    expected |= dict.fromkeys(conftest.TEXTS["facts"].split("\n\n"), 3)
    assert texts == expected


@pytest.mark.parametrize("epoch", [0, 1, 2, 3])
def test_an_epoch_holds_each_document_as_often_as_its_weight(
    corpus: data.Corpus, epoch: int
) -> None:
    text = corpus.tokenizer.decode(corpus.epoch(epoch, seed=5).tolist(), skip_special_tokens=False)
    got = Counter(text.split("<|endoftext|>")[1:])
    expected = Counter()
    for name, times in (("tales", 1), ("facts", 3), ("late", epoch % 2)):
        for document in conftest.TEXTS[name].split("\n\n"):
            expected[document] += times
    assert got == +expected


def test_epochs_and_seeds_differ_in_order(corpus: data.Corpus) -> None:
    streams = [corpus.epoch(e, s).tolist() for e, s in ((0, 0), (2, 0), (0, 1))]
    assert len({tuple(stream) for stream in streams}) == 3
    assert len({tuple(sorted(stream)) for stream in streams}) == 1


def test_windows_predict_every_token_of_an_epoch_once(corpus: data.Corpus) -> None:
    windows = data.Windows(corpus, CONTEXT, seed=3)
    n = windows.per_epoch(0)
    stream = corpus.epoch(0, seed=3).tolist()
    got = windows.batch(0, n)
    assert got.shape == (n, CONTEXT + 1)
    expected = [tuple(stream[i * CONTEXT : (i + 1) * CONTEXT + 1]) for i in range(n)]
    assert Counter(map(tuple, got.tolist())) == Counter(expected)
    assert len(stream) - 1 - n * CONTEXT in range(CONTEXT)  # left out: less than a window
    predicted = Counter(got[:, 1:].flatten().tolist())
    assert predicted == Counter(stream[1 : n * CONTEXT + 1])


def test_a_batch_depends_on_its_position_alone(corpus: data.Corpus) -> None:
    straight = data.Windows(corpus, CONTEXT, seed=3).batch(0, 60)  # over several epochs
    assert data.Windows(corpus, CONTEXT, seed=3).per_epoch(0) < 30
    pieces = [data.Windows(corpus, CONTEXT, seed=3).batch(i, 7) for i in (0, 7, 14, 49)]
    for first, piece in zip((0, 7, 14, 49), pieces, strict=True):
        np.testing.assert_array_equal(piece, straight[first : first + 7])
    assert not np.array_equal(straight, data.Windows(corpus, CONTEXT, seed=4).batch(0, 60))


def test_uses_counts_two_epochs(corpus: data.Corpus) -> None:
    expected = Counter(corpus.epoch(0, 0).tolist() + corpus.epoch(1, 0).tolist())
    uses = corpus.uses(epochs=2)
    assert {i: n for i, n in enumerate(uses.tolist()) if n} == expected


def test_packed_and_plain_hold_the_same(
    corpus: data.Corpus, corpus_folder: Path, tmp_path: Path
) -> None:
    data.prepare(corpus_folder, tmp_path, 300, conftest.MIXTURE, 2, pack=True)
    assert not (tmp_path / "tokens.bin").exists()
    packed = data.load(tmp_path)
    np.testing.assert_array_equal(packed.tokens, corpus.tokens)
    assert packed.sources == corpus.sources
    assert packed.tokenizer.to_str() == corpus.tokenizer.to_str()


def test_a_prepared_folder_is_not_made_again(corpus_folder: Path, prepared: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in prepared.iterdir()}
    data.prepare(corpus_folder, prepared, 300, conftest.MIXTURE, 2)
    assert {path.name: path.stat().st_mtime_ns for path in prepared.iterdir()} == before


def test_another_format_is_refused(prepared: Path, tmp_path: Path) -> None:
    index = json.loads((prepared / "corpus.json").read_text())
    (tmp_path / "corpus.json").write_text(json.dumps({**index, "format": 0}))
    with pytest.raises(ValueError, match="format 0"):
        data.load(tmp_path)


def test_the_mixture_never_holds_the_validation_text() -> None:
    assert "valid" not in MIXTURE


def test_a_corpus_shorter_than_a_window_is_refused(corpus: data.Corpus) -> None:
    with pytest.raises(ValueError, match="not even 1001 tokens"):
        data.Windows(corpus, 1000, seed=0)
