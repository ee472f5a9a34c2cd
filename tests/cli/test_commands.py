"""trace, generate, openapi: as programs are used, on real models."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result
from pydantic import TypeAdapter

import lm_debugger
from lm_debugger.api.openapi import document
from lm_debugger.cli import COMMANDS
from lm_debugger.cli.generate import pieces
from tests.api.conftest import PROMPT
from tests.api.plain import Plain
from tests.models import random_model, save, tokenizer
from tests.reference import Edit, Oracle, assert_ranked


@pytest.fixture(scope="module")
def folder(checkpoint: Callable[[str], Path]) -> Path:
    return checkpoint("untied")


@pytest.fixture(scope="module")
def plain(folder: Path) -> Plain:
    return Plain(folder)


def cells(result: Result, run: str) -> list[list[str]]:
    """The rows of a table, cut at two or more spaces."""
    assert result.exit_code == 0, result.output
    lines = result.stdout.split(f"{run} run, ", 1)[1].splitlines()[2:]
    rows = [re.split(r" {2,}", line.strip()) for line in lines]
    return rows[: rows.index([""])] if [""] in rows else rows


def test_help_lists_every_command_and_each_explains_itself(run: Callable[..., Result]) -> None:
    text = run("--help").stdout
    for name, summary in COMMANDS.items():
        assert name in text
        assert summary in text
        assert "Options:" in run(name, "--help").stdout


def test_help_and_package_import_are_light() -> None:
    code = (
        "import sys, lm_debugger, lm_debugger.cli\n"
        "from click.testing import CliRunner\n"
        "for name in ['', *lm_debugger.cli.COMMANDS]:\n"
        "    result = CliRunner().invoke(lm_debugger.cli.main, [*name.split(), '--help'])\n"
        "    assert result.exit_code == 0\n"
        "print(sorted({'torch', 'transformers', 'flask'} & set(sys.modules)))\n"
        "lm_debugger.Debugger\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(lm_debugger.__file__).parents[1]), "HF_HUB_OFFLINE": "1"},
    )
    assert done.stdout.splitlines() == ["[]", "True"]


def test_package_exposes_its_names() -> None:
    from lm_debugger.engine.types import Intervention, Sampling
    from lm_debugger.notebook.debugger import Debugger

    assert lm_debugger.Debugger is Debugger
    assert lm_debugger.Intervention is Intervention
    assert lm_debugger.Sampling is Sampling
    assert {"Debugger", "Intervention", "Sampling", "__version__"} <= set(dir(lm_debugger))
    with pytest.raises(AttributeError, match="Debuger"):
        lm_debugger.Debuger  # noqa: B018


def test_version(run: Callable[..., Result]) -> None:
    assert lm_debugger.__version__ in run("--version").stdout


def test_trace_table(run: Callable[..., Result], folder: Path, plain: Plain) -> None:
    rows = cells(run("trace", str(folder), PROMPT, "--top-k", "4"), "Unedited")
    assert len(rows) == 2 * 4
    scores, dims = plain.scores(PROMPT).topk(4)
    for layer in (0, 1):
        block = rows[4 * layer : 4 * layer + 4]
        assert block[0].pop(0) == str(layer)
        for row, dim, score in zip(block, dims[layer], scores[layer], strict=True):
            assert row[1].startswith(f"L{layer}D{int(dim)} ")
            assert row[1].endswith(f"score {float(score):.3f}")
    for row, (id, prob) in zip(rows[4:], plain.top(PROMPT, 4), strict=True):
        assert row[2] == f"{prob:.3f} {plain.text(id).replace(' ', '·')}"


def test_trace_with_interventions_shows_both_runs(
    run: Callable[..., Result], folder: Path, plain: Plain
) -> None:
    result = run("trace", str(folder), PROMPT, "--suppress", "L1D27", "--boost", "l0d3")
    assert cells(result, "Unedited")
    assert cells(result, "Edited")
    unedited = re.search(r"Prediction, unedited: (\S+) (\S+)", result.stdout)
    assert unedited
    [(id, prob)] = plain.top(PROMPT, 1)
    assert unedited.groups() == (f"{prob:.3f}", plain.text(id).replace(" ", "·"))
    edited = re.search(r"Prediction, edited: +(\S+) (\S+)", result.stdout)
    assert edited
    oracle = Oracle(folder)
    states = oracle.run(
        plain.ids(PROMPT)[0].tolist(),
        [{"layer": 1, "dim": 27, "kind": "off"}, {"layer": 0, "dim": 3, "kind": "on"}],
    )
    probs = oracle.lens(states.after[-1, -1])
    best = int(probs.argmax())
    assert edited.groups() == (f"{probs[best]:.3f}", plain.text(best).replace(" ", "·"))


@pytest.mark.parametrize(
    ("flags", "kind", "value"),
    [
        (["--suppress", "L0D27"], "off", None),
        (["--boost", "L0D27"], "on", None),
        (["--set", "L0D27=3.0"], "set", 3.0),
        (["--scale", "L0D27=-0.5"], "scale", -0.5),
        (["--add", "L0D27=1e-1"], "add", 0.1),
    ],
)
def test_trace_json_is_what_the_api_replies(
    run: Callable[..., Result],
    folder: Path,
    plain: Plain,
    flags: list[str],
    kind: str,
    value: float | None,
) -> None:
    from lm_debugger.engine.types import Trace

    result = run("trace", str(folder), PROMPT, *flags, "--edit-at", "0,-1", "--json")
    assert result.exit_code == 0, result.output
    reply: Trace = TypeAdapter(Trace).validate_json(result.stdout)
    [applied] = reply.interventions
    assert (applied.layer, applied.dim, applied.kind, applied.value) == (0, 27, kind, value)
    assert applied.generated is False
    assert reply.edited is not None
    oracle, ids = Oracle(folder), plain.ids(PROMPT)[0].tolist()
    edit: Edit = {"layer": 0, "dim": 27, "kind": kind, "value": value, "positions": [0, -1]}
    for shown, edits in ((reply.unedited, []), (reply.edited, [edit])):
        top = shown.positions[-1].layers[-1].after.top
        truth = oracle.lens(oracle.run(ids, edits).after[-1, -1])
        assert_ranked([(item.id, item.prob) for item in top], truth, 5)


def test_trace_positions(run: Callable[..., Result], folder: Path, plain: Plain) -> None:
    reply = json.loads(run("trace", str(folder), PROMPT, "--position", "0,2", "--json").stdout)
    assert reply["positions"] == [0, 2]
    for at, position in zip(reply["unedited"]["positions"], (0, 2), strict=True):
        got = [(item["id"], item["prob"]) for item in at["layers"][-1]["after"]["top"]]
        assert_ranked(got, plain.next_probs(PROMPT, position).double().numpy(), 5)
    text = run("trace", str(folder), PROMPT, "--position", "all").stdout
    assert len(re.findall(r"^Unedited run, position", text, re.MULTILINE)) == len(reply["tokens"])


def test_generate(run: Callable[..., Result], folder: Path, plain: Plain) -> None:
    result = run("generate", str(folder), PROMPT, "-n", "12")
    assert result.stdout == plain.greedy(PROMPT, 12) + "\n"
    edited = run("generate", str(folder), PROMPT, "-n", "12", "--suppress", "L1D27")
    expected = plain.suppressed(1, 27).greedy(PROMPT, 12)
    assert edited.stdout == expected + "\n" != result.stdout


def test_generate_json(run: Callable[..., Result], folder: Path, plain: Plain) -> None:
    from lm_debugger.engine.types import Generation

    result = run("generate", str(folder), PROMPT, "-n", "5", "--json")
    reply: Generation = TypeAdapter(Generation).validate_json(result.stdout)
    assert reply.text == plain.greedy(PROMPT, 5)
    assert len(reply.steps) == 5


def model_that_writes(text: str, folder: Path) -> Path:
    """A GPT-2 whose next token depends on the position alone, so that it spells `text`.

    Attention and FFN add nothing; position p is a unit vector, and the unembedding reads it off.
    """
    ids = tokenizer().encode(text).ids
    model = random_model({"tie_word_embeddings": False, "n_embd": 32, "n_positions": 32})
    for name, weight in model.named_parameters():
        torch.nn.init.constant_(weight, float(name.endswith("ln_f.weight")))
    with torch.no_grad():
        model.transformer.wpe.weight.copy_(torch.eye(32))
        for position, id in enumerate(ids):
            model.lm_head.weight[id, position] += 10
    return save(model, folder)


def test_parts_of_a_character_are_written_together(tmp_path: Path) -> None:
    """A terminal cannot take back half a character."""
    folder = model_that_writes("é☃🙂!", tmp_path / "speller")
    stream = lm_debugger.Debugger.load(str(folder), device="cpu").stream("a", max_new_tokens=12)
    written = list(pieces(stream))
    assert any(step.token.hex for step in stream.result.steps), "no token was part of a character"
    assert "".join(written).startswith("aé☃🙂!")
    assert not any("\N{REPLACEMENT CHARACTER}" in piece for piece in written[:-1])


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["trace", "./nowhere", "a"], 1, "no folder './nowhere'"),
        (["trace", "demo", ""], 1, "prompt is empty"),
        (["trace", "demo", "a", "--suppress", "L99D0"], 1, "0 to"),
        (["trace", "demo", "a", "--suppress", "3.7"], 1, "L12D34"),
        (["trace", "demo", "a", "--set", "L1D2"], 1, "L1D2=3.0"),
        (["trace", "demo", "a", "--set", "L1D2=nan"], 1, "L1D2=3.0"),
        (["trace", "demo", "a", "--scale", "L1D2=x"], 1, "L1D2=0.5"),
        (["trace", "demo", "a", "--boost", "L1D2", "--suppress", "L1D2"], 1, "named twice"),
        (["trace", "demo", "a", "--top-k", "0"], 1, "1 to"),
        (["trace", "demo", "a", "--top-k", "x"], 2, "not a valid integer"),
        (["trace", "demo", "a", "--position", "first"], 2, "0,3,-1"),
        (["trace", "demo", "a", "--position", "7"], 1, "positions are"),
        (["trace", "demo", "a", "--device", "gpu"], 1, "auto, cpu"),
        (["trace", "demo", "a", "--dtype", "int8"], 2, "float32"),
        (["trace", "demo"], 2, "PROMPT"),
        (["generate", "demo", "a", "-n", "0"], 1, "1 to"),
        (["generate", "demo", "a", "--temperature", "-1"], 1, "temperature"),
        (["generate", "demo", "a", "--set", "L0D0=3e38"], 1, "smaller"),
        (["trase", "demo", "a"], 2, "No such command"),
    ],
)
def test_failures_are_one_sentence_on_stderr(
    run: Callable[..., Result], arguments: list[str], status: int, words: str
) -> None:
    result = run(*arguments)
    assert result.exit_code == status
    assert result.stdout.strip() in ("", "a")  # `generate` may have begun to write
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    if status == 1:
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1


def test_openapi(run: Callable[..., Result]) -> None:
    assert json.loads(run("openapi").stdout) == document()
