"""A small corpus of real sentences (the tests' own), tokenised once."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lm_debugger.demo import data

TEXTS = {
    "tales": "The king and his daughter lived by the sea.\nThey walked to the harbour daily."
    "\n\nThe fox said to the crow: \"What a voice you have!\"\n\nA café in Málaga — 東京 too.",
    "facts": "The harbour of the king is by the sea.\n\nThe daughter of the king was a singer.",
    "late": "The crow and the fox walked by the harbour.",
    "valid": "The daughter of the fox was a king.\n\nThe sea!",
}  # fmt: skip
MIXTURE = {"tales": 1, "facts": 3, "late": 0.5}


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("text")
    for name, text in TEXTS.items():
        (folder / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def prepared(corpus_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    data.prepare(corpus_folder, folder, vocab_size=300, mixture=MIXTURE, min_frequency=2)
    return folder


@pytest.fixture(scope="session")
def corpus(prepared: Path) -> data.Corpus:
    return data.load(prepared)
