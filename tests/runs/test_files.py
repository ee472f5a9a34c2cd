"""Run files on disk: read as written, and what is wrong with one said with its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lm_debugger.engine.types import Intervention
from lm_debugger.runs.files import MAX_BYTES, InvalidRunFile, read

RUN: dict[str, Any] = {
    "format": "lm-debugger-run",
    "version": 1,
    "model": "demo",
    "prompt": " Möwe\n😀",
    "position": 1,
    "interventions": [
        {"layer": 5, "dim": 541, "kind": "on"},
        {"layer": 1, "dim": 2, "kind": "scale", "value": -0.5, "positions": [0, -1]},
    ],
    "names": {"L5D541": "months"},
    "page": {"whatever": ["the page", 1, None]},
}


def saved(folder: Path, content: object) -> Path:
    path = folder / "run.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_a_run_is_read(tmp_path: Path) -> None:
    run = read(saved(tmp_path, RUN))
    assert (run.model, run.prompt, run.position) == ("demo", " Möwe\n😀", 1)
    assert [item.checked() for item in run.interventions] == [
        Intervention.on("L5D541"),
        Intervention.scale("L1D2", -0.5, positions=(0, -1)),
    ]
    assert (run.max_new_tokens, run.sampling.checked().temperature) == (10, 0.0)
    assert run.page == RUN["page"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "The file is empty"),
        ("{", "The file is not valid JSON"),
        ("[]", 'does not say "format": "lm-debugger-run"'),
        ("3", 'does not say "format": "lm-debugger-run"'),
        ({"prompt": "a"}, 'does not say "format": "lm-debugger-run"'),
        ({**RUN, "format": "lm-debugger-names"}, 'does not say "format": "lm-debugger-run"'),
        ({**RUN, "version": 2}, "version 2, which a newer LM-Debugger wrote"),
        ({**RUN, "version": 0}, "version must be 1"),
        ({**RUN, "version": "1"}, "version must be 1"),
        ({**RUN, "promt": "a"}, "promt is not known here (did you mean prompt?)"),
        ({"format": "lm-debugger-run", "version": 1, "prompt": "a"}, "model is missing"),
        ({**RUN, "prompt": 3}, "prompt must be a string, not 3"),
        ({**RUN, "interventions": [{"layer": 1, "dim": "2", "kind": "on"}]}, "[0].dim must be an"),
        ({**RUN, "interventions": [{"layer": 1, "dim": 2, "kind": "up"}]}, "[0].kind must be"),
        ({**RUN, "names": {"L1D2": 7}}, "names.L1D2 must be a string"),
        ({**RUN, "max_new_tokens": 1.5}, "max_new_tokens must be an integer"),
        (json.dumps(RUN).replace("-0.5", "NaN"), "value must be a finite number"),
        (json.dumps(RUN).replace("\\u00f6", "\\ud800"), "not valid JSON"),
        ("[" * 5000, "not valid JSON"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: object, words: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(InvalidRunFile) as caught:
        read(path)
    assert caught.value.message.startswith(str(path))
    assert words in caught.value.message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidRunFile, match="No such file"):
        read(tmp_path / "none.json")
    with pytest.raises(InvalidRunFile, match="directory"):
        read(tmp_path)


def test_a_large_file_is_not_read_whole(tmp_path: Path) -> None:
    path = saved(tmp_path, {**RUN, "prompt": "a" * MAX_BYTES})
    with pytest.raises(InvalidRunFile, match=f"larger than {MAX_BYTES} bytes"):
        read(path)
    path.write_bytes(b"\xff" * 10)
    with pytest.raises(InvalidRunFile, match="not valid JSON"):
        read(path)
