"""The folder of a baked checkpoint: whole or not there, and its card."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lm_debugger.engine import baking
from lm_debugger.engine.bake_card import card
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Baked, BakedEdit, Intervention
from lm_debugger.errors import (
    CannotBake,
    CheckpointStorage,
    InvalidCheckpoint,
    LoadError,
)
from tests.engine.case import Case
from tests.engine.compare import assert_agree
from tests.engine.test_baking import OFF, PROMPT, digest, every_kind
from tests.models import edit_weights


def test_a_folder_in_use_is_left_alone(tied: Case, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    for force, words in ((False, "is not empty"), (True, "other than a checkpoint")):
        with pytest.raises(CannotBake, match=words):
            tied.debugger.bake(OFF, out, force=force)
    with pytest.raises(CannotBake, match="no folder"):
        tied.debugger.bake(OFF, out / "notes.txt", force=True)
    with pytest.raises(CheckpointStorage, match="cannot be written"):
        tied.debugger.bake(OFF, out / "notes.txt" / "under")
    assert [(p.name, p.read_text()) for p in out.iterdir()] == [("notes.txt", "mine")]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_filled_and_a_missing_one_made(tied: Case, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    tied.debugger.bake(OFF, tmp_path / "empty")
    tied.debugger.bake(OFF, str(tmp_path / "a" / "b"))
    assert digest(tmp_path / "empty") == digest(tmp_path / "a" / "b") != digest(tied.folder)


def test_force_replaces_a_checkpoint_whole(tied: Case, tmp_path: Path) -> None:
    out = tmp_path / "out"
    tied.debugger.bake([Intervention.off("L0D1")], out)
    (out / "left.safetensors").write_text("from the one before")
    tied.debugger.bake(OFF, out, force=True)
    assert not (out / "left.safetensors").exists()
    tied.debugger.bake(OFF, tmp_path / "fresh")
    assert digest(out) == digest(tmp_path / "fresh")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fresh", "out"]


def test_the_model_itself_is_never_replaced(folder: Path) -> None:
    before = digest(folder)
    with pytest.raises(CannotBake, match="the model itself"):
        Debugger.load(str(folder), device="cpu").bake(OFF, folder, force=True)
    assert digest(folder) == before


@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_what_fails_halfway_leaves_what_was_there(
    tied: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    out = tmp_path / "out"
    tied.debugger.bake([Intervention.off("L0D1")], out)
    before = digest(out)

    def fail(*_: object) -> str:
        raise error

    monkeypatch.setattr(baking, "card", fail)  # the last thing that is written
    with pytest.raises((CheckpointStorage, KeyboardInterrupt)):
        tied.debugger.bake(OFF, out, force=True)
    assert digest(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_checkpoint_that_cannot_take_its_place(
    tied: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was to be replaced comes back."""
    out = tmp_path / "out"
    tied.debugger.bake([Intervention.off("L0D1")], out)
    before = digest(out)
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(CheckpointStorage, match="cannot be written: no"):
        tied.debugger.bake(OFF, out, force=True)
    assert digest(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_checkpoint_that_changed_meanwhile(folder: Path, tmp_path: Path) -> None:
    debugger = Debugger.load(str(folder), device="cpu")

    def other(weights: dict[str, torch.Tensor]) -> None:
        weights["transformer.h.1.mlp.c_proj.weight"] = (
            weights["transformer.h.1.mlp.c_proj.weight"] * 1.001
        )

    edit_weights(folder, other)
    with pytest.raises(InvalidCheckpoint, match="have changed"):
        debugger.bake(OFF, tmp_path / "out")
    shutil.rmtree(folder)
    with pytest.raises(LoadError):
        debugger.bake(OFF, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_loaded_model_is_not_changed(open_case: Callable[[str], Case], tmp_path: Path) -> None:
    case = open_case("untied")
    before = case.forgetful.trace(PROMPT)
    source = digest(case.folder)
    case.debugger.bake(every_kind(case), tmp_path / "out", PROMPT)
    for debugger in (case.forgetful, Debugger.load(str(case.folder), device="cpu")):
        assert_agree(case, debugger.trace(PROMPT), before)
    assert digest(case.folder) == source


def test_names_in_the_card_are_text(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    named = shutil.copytree(checkpoint("tied"), tmp_path / "<b>a|b`*_")
    debugger = Debugger.load(str(named), device="cpu")
    prompt = "```\n# head\n<script>"
    debugger.bake([Intervention.on("L1D3")], tmp_path / "out", prompt)
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "# \\<b\\>a\\|b\\`\\*\\_, edited" in text
    assert '"```\\n# head\\n<script>"' in text  # in a block of code, on one line
    assert str(tmp_path) not in text


def test_the_card_names_the_model_on_the_hub(tmp_path: Path) -> None:
    edit = BakedEdit(Intervention.scale("L1D2", 0.5), 0.5, 0.0)
    done = Baked(str(tmp_path), "float32", (edit,), None, 0.0)
    assert card("someone/some-model", done).startswith(
        '---\nbase_model: "someone/some-model"\nlibrary_name: transformers\n'
    )
    assert "base_model" not in card("demo", done)
    assert "| L1D2 | scale 0.5 | 0.5 · m_i | v_i := 0.5 · v_i, b := b |" in card("demo", done)
