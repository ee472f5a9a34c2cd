"""Run files on the command line: `trace --run`, `generate --run`, `bake`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result
from transformers import AutoModelForCausalLM

from lm_debugger.api.app import create_app
from lm_debugger.api.registry import ModelRegistry, indexer, loader
from lm_debugger.settings import Settings
from tests.api.conftest import PROMPT
from tests.api.plain import Plain
from tests.compare import assert_same

EDITS: list[dict[str, Any]] = [
    {"layer": 1, "dim": 27, "kind": "on"},
    {"layer": 0, "dim": 3, "kind": "scale", "value": -2.0},
    {"layer": 0, "dim": 5, "kind": "set", "value": 1.5, "positions": [0, -1], "generated": True},
]


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


@pytest.fixture
def saved(folder: Path, tmp_path: Path) -> Callable[..., str]:
    """`saved(**keys)`: a run file with these keys changed; its path."""

    def save(**changes: Any) -> str:
        run = {
            "format": "lm-debugger-run",
            "version": 1,
            "model": str(folder),
            "prompt": PROMPT,
            "position": 3,
            "interventions": EDITS,
            "max_new_tokens": 7,
            "page": {"of": "the page"},
        }
        path = tmp_path / "run.json"
        path.write_text(json.dumps({**run, **changes}), "utf-8")
        return str(path)

    return save


def api_replies(folder: Path, route: str, body: dict[str, Any]) -> Any:
    """What a server of the model answers."""
    settings = Settings(models=[str(folder)])
    registry = ModelRegistry(settings.models, loader(settings), indexer(settings))
    registry.start()
    registry.wait()
    reply = create_app(settings, registry).test_client().post(f"/api/v1/{route}", json=body)
    assert reply.status_code == 200, reply.json
    return reply.json


def test_trace_is_what_the_api_replies(
    run: Callable[..., Result], saved: Callable[..., str], folder: Path
) -> None:
    result = run("trace", "--run", saved(), "--top-k", "10", "--json")
    assert result.exit_code == 0, result.output
    body = {"prompt": PROMPT, "interventions": EDITS, "positions": [3]}
    assert_same(json.loads(result.stdout), api_replies(folder, "trace", body), rtol=2e-5)


def test_without_a_position_the_last_is_traced(
    run: Callable[..., Result], saved: Callable[..., str]
) -> None:
    reply = json.loads(run("trace", "--run", saved(position=None), "--json").stdout)
    assert reply["positions"] == [len(reply["tokens"]) - 1]
    assert [item["generated"] for item in reply["interventions"]] == [True, True, True]


def test_generate_is_what_the_api_replies(
    run: Callable[..., Result], saved: Callable[..., str], folder: Path
) -> None:
    sampling = {"temperature": 0.8, "top_p": 0.9, "seed": 5}
    for chosen in ({}, {"sampling": sampling}):
        result = run("generate", "--run", saved(**chosen), "--json")
        assert result.exit_code == 0, result.output
        body = {"prompt": PROMPT, "interventions": EDITS, "max_new_tokens": 7, **chosen}
        assert_same(json.loads(result.stdout), api_replies(folder, "generate", body), rtol=2e-5)


def test_a_model_that_is_named_takes_the_place_of_the_files(
    run: Callable[..., Result], saved: Callable[..., str], folder: Path
) -> None:
    elsewhere = saved(model="/srv/models/elsewhere")
    missing = run("trace", "--run", elsewhere)
    assert missing.exit_code == 1
    assert "no folder '/srv/models/elsewhere'" in missing.stderr
    assert "MODEL before --run takes its place" in missing.stderr
    assert missing.stderr.count("\n") == 1
    found = run("trace", str(folder), "--run", elsewhere, "--json")
    by_the_file = run("trace", "--run", saved(), "--json")
    assert_same(json.loads(found.stdout), json.loads(by_the_file.stdout), rtol=2e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trace", "demo", "a prompt"], "PROMPT and --run exclude"),
        (["trace", "--boost", "L0D1"], "--boost and --run exclude"),
        (["trace", "--edit-at", "last"], "--edit-at and --run exclude"),
        (["trace", "--position", "last"], "--position and --run exclude"),
        (["generate", "-n", "3"], "--max-new-tokens and --run exclude"),
        (["generate", "--seed", "3"], "--seed and --run exclude"),
        (["bake", "out", "--prompt", "a"], "--prompt and --run exclude"),
        (["bake", "out", "--set", "L0D1=2"], "--set and --run exclude"),
        (["bake"], "OUT"),
        (["bake", "a", "b", "c"], "OUT"),
    ],
)
def test_options_do_not_contradict_the_file(
    run: Callable[..., Result], saved: Callable[..., str], arguments: list[str], words: str
) -> None:
    result = run(*arguments, "--run", saved())
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("command", ["trace", "generate", "bake"])
def test_a_file_that_is_no_run(
    run: Callable[..., Result], tmp_path: Path, command: str, saved: Callable[..., str]
) -> None:
    out = ["out"] if command == "bake" else []
    for changes, words in (
        (None, "No such file"),
        ({"version": 2}, "newer LM-Debugger"),
        ({"promt": ""}, "promt is not known here"),
    ):
        path = saved(**changes) if changes else str(tmp_path / "none.json")
        result = run(command, *out, "--run", path)
        assert result.exit_code == 1
        assert words in result.stderr
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trace"], "Missing argument 'MODEL', or --run FILE"),
        (["trace", "demo"], "Missing argument 'PROMPT', or --run FILE"),
        (["bake", "out"], "MODEL and OUT"),
        (["bake"], "MODEL and OUT"),
    ],
)
def test_without_a_file_all_has_to_be_said(
    run: Callable[..., Result], arguments: list[str], words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.stderr


# --- bake ----------------------------------------------------------------------------------------


def next_probs(folder: Path) -> torch.Tensor:
    baked = Plain(folder)
    return baked.next_probs(PROMPT)


def test_bake_a_run(
    run: Callable[..., Result], saved: Callable[..., str], plain: Plain, tmp_path: Path
) -> None:
    out = tmp_path / "edited"
    edits = [{"layer": 1, "dim": 27, "kind": "on"}]
    result = run("bake", "--run", saved(interventions=edits), str(out))
    assert result.exit_code == 0, result.output
    expected = plain.boosted(1, 27, PROMPT).next_probs(PROMPT)
    torch.testing.assert_close(next_probs(out), expected, rtol=1e-4, atol=1e-8)
    lines = result.stdout.splitlines()
    assert lines[0].endswith("with 1 intervention in its weights (float32).")
    assert lines[1].split()[:4] == ["L1D27", "on", "m", ":="]
    assert repr(PROMPT) in lines[2]


@pytest.fixture
def plain(folder: Path) -> Plain:
    return Plain(folder)


def test_bake_by_flags(
    run: Callable[..., Result], folder: Path, plain: Plain, tmp_path: Path
) -> None:
    out = str(tmp_path / "edited")
    result = run("bake", str(folder), out, "--suppress", "L1D27", "--add", "L0D3=-3")
    assert result.exit_code == 0, result.output
    assert "L0D3       add    m := m - 3" in result.stdout
    assert "L1D27      off    m := 0" in result.stdout
    edited = plain.suppressed(1, 27)
    with torch.no_grad():
        projection = edited.model.transformer.h[0].mlp.c_proj
        projection.bias -= 3 * projection.weight[3]
    expected = edited.next_probs(PROMPT)
    torch.testing.assert_close(next_probs(Path(out)), expected, rtol=1e-4, atol=1e-8)
    again = run("bake", str(folder), out, "--boost", "L1D27", "--prompt", PROMPT)
    assert again.exit_code == 1
    assert "is not empty" in again.stderr
    forced = run(
        "bake", str(folder), out, "--boost", "L1D27", "--prompt", PROMPT,
        "--force", "--dtype", "bfloat16",
    )  # fmt: skip
    assert forced.exit_code == 0, forced.output
    assert "(bfloat16; --dtype float32 is finer)" in forced.stdout
    assert AutoModelForCausalLM.from_pretrained(out, dtype="auto").dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "no interventions"),
        (["--boost", "L1D27"], "name the prompt"),
        (["--suppress", "L99D0"], "this model has layers 0 to 1"),
    ],
)
def test_bake_refuses_in_a_sentence(
    run: Callable[..., Result], folder: Path, tmp_path: Path, flags: list[str], words: str
) -> None:
    result = run("bake", str(folder), str(tmp_path / "out"), *flags)
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_bake_refuses_single_positions(
    run: Callable[..., Result], saved: Callable[..., str], tmp_path: Path
) -> None:
    result = run("bake", "--run", saved(), str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "L0D5 (set) is edited at some positions only" in result.stderr
