"""doctor, as it is used: on this installation, and on models of every kind."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from lm_debugger.cli import doctor
from lm_debugger.engine.adapters import adapters
from lm_debugger.engine.adapters.llama import LlamaAdapter
from lm_debugger.engine.equalities import MEANING
from lm_debugger.engine.vocabulary import Vocabulary
from tests.families import save_family
from tests.models import tokenizer


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


def test_doctor_tells_versions_and_tries_the_model(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import torch

    from lm_debugger.api import spa

    (tmp_path / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(spa.is_built, "__defaults__", (tmp_path,))
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert f"torch {torch.__version__}" in result.stdout
    assert re.search(r"demo model\n  loaded in .* s\n  traced in", result.stdout)
    (tmp_path / "index.html").unlink()
    without = run("doctor")
    assert without.exit_code == 1
    assert re.search(r"page\n  FAILED: not built", without.stdout)
    assert "demo model\n  loaded" in without.stdout


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("gpt2", ["attention and a plain FFN, one after the other\n", "cannot be asked: nothing"]),
        ("llama", ["a gated FFN, one after the other\n", "to bake on, set and add: its FFNs have"]),
        ("llama-biased", ["a gated FFN, one after", "cannot be asked: nothing"]),
        ("gpt_neox", ["a plain FFN, side by side\n", "put in front of prompts: nothing\n"]),
        ("gemma2", ["a gated FFN with a norm behind it, one after", "capped at 3 (rule 23)"]),
    ],
)
def test_doctor_tells_what_a_model_is_and_how_it_was_checked(
    run: Callable[..., Result], tmp_path: Path, family: str, said: list[str]
) -> None:
    shown = run("doctor", str(save_family(family, tmp_path))).stdout.split(f"model {tmp_path}\n")[1]
    assert [words for words in said if words not in shown] == []
    [worst] = re.findall(
        r"self-check in .* s: on this machine equal to transformers to (\S+)", shown
    )
    told = re.findall(r"^    (\S+)  (\w+): \w", shown, re.MULTILINE)
    assert [name for _, name in told] == list(MEANING)
    assert max(float(error) for error, _ in told) == float(worst) < 1e-5


def test_doctor_tells_what_is_put_in_front_of_prompts(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    begin, plain = tokenizer().token_to_id("<|endoftext|>"), Vocabulary.encode

    def encode(self: Vocabulary, prompt: str, *more: Any) -> list[int]:
        return [begin, *plain(self, prompt, *more)]

    for said in ("nothing", "<|endoftext|>"):
        assert f"  put in front of prompts: {said}\n" in run("doctor", str(folder)).stdout
        monkeypatch.setattr(Vocabulary, "encode", encode)


def test_doctor_tells_which_identity_a_model_fails(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class GateTakenForPlain(LlamaAdapter):
        model_types = ()
        parts = replace(LlamaAdapter.parts, gate="")

    monkeypatch.setitem(adapters(), "llama", GateTakenForPlain)
    result = run("doctor", str(save_family("llama", tmp_path)))
    assert result.exit_code == 1
    failed = result.stdout.split(f"model {tmp_path}\n")[1]
    assert failed.startswith("  FAILED: The engine does not understand this llama model: ")
    assert MEANING["coefficients"] in failed


def test_doctor_looks_at_what_a_hosted_server_needs(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LM_DEBUGGER_CACHE_DIR", str(tmp_path / "index"))
    sound = run("doctor").stdout
    assert re.search(r"memory\n  [\d,]+ MB free", sound)
    assert re.search(r"index cache\n  folder .*\n  writable, [\d,]+ MB free", sound)
    limiter = importlib.metadata.version("flask-limiter")
    assert f"hosting\n  flask-limiter {limiter}" in sound

    monkeypatch.setattr(doctor, "_OPS", ("flask-limiter", "no-such-package"))
    assert "not installed: no-such-package" in run("doctor").stdout
    taken = tmp_path / "a file"
    taken.write_text("")
    monkeypatch.setenv("LM_DEBUGGER_CACHE_DIR", str(taken / "index"))
    without = run("doctor")
    assert without.exit_code == 1
    assert re.search(r"index cache\n  folder .*\n  FAILED: it cannot be written", without.stdout)
