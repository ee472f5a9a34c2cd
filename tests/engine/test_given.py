"""What callers of the Python API may pass: whatever is an integer, a number, a path; and a sentence
of ours, never an exception of Python's own, for everything else."""

from __future__ import annotations

import decimal
import fractions
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from lm_debugger import Debugger as NotebookDebugger
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.types import Intervention, Sampling, ValueId
from lm_debugger.errors import DebuggerError, InvalidInput, InvalidIntervention, LoadError
from tests.engine.case import PROMPTS, Case

PROMPT = PROMPTS[0]


class Three:
    """An integer of a library that nobody knows."""

    def __index__(self) -> int:
        return 3


THREES = [
    np.int64(3), np.uint8(3), np.array(3), torch.tensor(3), torch.tensor([3]), Three(),
]  # fmt: skip


@pytest.mark.parametrize("three", THREES, ids=lambda value: type(value).__name__)
def test_whatever_is_an_integer_is_one(tied: Case, three: Any) -> None:
    debugger = tied.debugger
    assert Intervention(three, three) == Intervention(3, 3)
    assert str(ValueId(three, three)) == "L3D3"
    assert type(Intervention(three, three).layer) is int
    at = Intervention(0, three, "set", three, positions=three)
    assert at == Intervention(0, 3, "set", 3.0, positions=(3,))
    assert debugger.trace(PROMPT, [at], positions=three, top_k=three) == debugger.trace(
        PROMPT, [Intervention(0, 3, "set", 3.0, positions=(3,))], positions=3, top_k=3
    )
    assert debugger.follow(PROMPT, three, position=three) == debugger.follow(
        PROMPT, [3], position=3
    )
    assert debugger.attribute(PROMPT, three, three, top_k=three) == debugger.attribute(
        PROMPT, 3, 3, top_k=3
    )
    assert debugger.project(0, three, top_k=three) == debugger.project(0, 3, top_k=3)
    assert debugger.sub_updates(PROMPT, 1, top_k=three) == debugger.sub_updates(PROMPT, 1, top_k=3)
    assert debugger.find_tokens("a", three) == debugger.find_tokens("a", 3)
    assert debugger.token(three) == debugger.token(3)
    sampling = Sampling(temperature=three, seed=three)
    assert sampling == Sampling(temperature=3.0, seed=3)
    assert debugger.generate(PROMPT, max_new_tokens=three, sampling=sampling) == debugger.generate(
        PROMPT, max_new_tokens=3, sampling=Sampling(3.0, seed=3)
    )


def test_arrays_are_lists_of_integers(tied: Case) -> None:
    debugger = tied.debugger
    two = debugger.trace(PROMPT, positions=[0, 1])
    for positions in (np.arange(2), torch.arange(2), range(2), {0, 1}, iter([0, 1])):
        assert debugger.trace(PROMPT, positions=positions) == two
    expected = debugger.follow(PROMPT, [5, 6])
    for tokens in (np.array([5, 6]), torch.tensor([5, 6]), (5, 6), range(5, 7)):
        assert debugger.follow(PROMPT, tokens) == expected


@pytest.mark.parametrize(
    "half",
    [np.float32(0.5), torch.tensor(0.5), fractions.Fraction(1, 2), decimal.Decimal("0.5")],
    ids=lambda value: type(value).__name__,
)
def test_whatever_is_a_number_is_one(half: Any) -> None:
    assert Intervention.set("L0D1", half) == Intervention.set("L0D1", 0.5)
    assert type(Intervention.set("L0D1", half).value) is float
    assert Sampling(half, half) == Sampling(0.5, 0.5)


def test_one_intervention_or_dicts_are_a_list_of_them(tied: Case) -> None:
    debugger, off = tied.debugger, Intervention.off("L0D1", positions="last")
    expected = debugger.trace(PROMPT, [off])
    assert expected.edited is not None
    as_sent = {"layer": 0, "dim": 1, "kind": "off", "positions": "last"}
    for given in (off, as_sent, (off,), [as_sent], iter([off]), {off: None}.keys()):
        assert debugger.trace(PROMPT, given) == expected
    assert debugger.generate(PROMPT, as_sent) == debugger.generate(PROMPT, [off])
    assert debugger.grid(PROMPT, off) == debugger.grid(PROMPT, [off])
    assert debugger.trace(PROMPT, None) == debugger.trace(PROMPT)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("L0D1", 'Intervention.off("L12D34")'),
        (["L0D1"], 'Intervention.off("L12D34")'),
        (7, "7 is no intervention"),
        ([None], "None is no intervention"),
        (object, "no intervention"),
        ({"layer": 0, "dim": 1}, "no kind"),
        ({"layer": 0, "dim": 1, "kind": "off", "coeff": 1}, "unknown key 'coeff'"),
        ({1: 2}, "no layer"),
    ],
)
def test_what_is_no_intervention_is_told_how_to_write_one(
    tied: Case, given: Any, words: str
) -> None:
    with pytest.raises(InvalidIntervention) as failure:
        tied.debugger.trace(PROMPT, given)
    assert words in failure.value.message


STRANGE = [
    None, True, np.True_, torch.tensor(True), "3", b"3", 3.5, np.float64(3), 1j, [3.5], [[1]], {},
    object(), np.array([1.5]), torch.tensor([]), 10**400, -(10**400), float("nan"), ["x"],
]  # fmt: skip


def calls(debugger: Debugger) -> dict[str, Callable[[Any], object]]:
    return {
        "prompt": lambda x: debugger.trace(x),
        "positions": lambda x: debugger.trace(PROMPT, positions=x),
        "top_k": lambda x: debugger.trace(PROMPT, top_k=x),
        "interventions": lambda x: debugger.trace(PROMPT, x),
        "among interventions": lambda x: debugger.trace(PROMPT, [x]),
        "layer": lambda x: debugger.trace(PROMPT, Intervention(x, 0)),
        "dim": lambda x: debugger.trace(PROMPT, Intervention(0, x)),
        "kind": lambda x: Intervention(0, 0, x),
        "value": lambda x: Intervention.set("L0D1", x),
        "name": lambda x: Intervention.off(x),
        "generated": lambda x: Intervention.off("L0D1", generated=x),
        "edited positions": lambda x: debugger.trace(PROMPT, Intervention.off("L0D1", positions=x)),
        "value vector": lambda x: debugger.check(ValueId(x, x)),
        "position": lambda x: debugger.follow(PROMPT, [1], position=x),
        "tokens": lambda x: debugger.follow(PROMPT, x),
        "token": lambda x: debugger.attribute(PROMPT, x),
        "against": lambda x: debugger.attribute(PROMPT, 1, x),
        "project layer": lambda x: debugger.project(x, 0),
        "project dim": lambda x: debugger.project(0, x),
        "project top_k": lambda x: debugger.project(0, 0, x),
        "sub_updates layer": lambda x: debugger.sub_updates(PROMPT, x),
        "sub_updates token": lambda x: debugger.sub_updates(PROMPT, 0, token=x),
        "sub_updates sort": lambda x: debugger.sub_updates(PROMPT, 0, sort=x),
        "sub_updates n_tokens": lambda x: debugger.sub_updates(PROMPT, 0, n_tokens=x),
        "grid positions": lambda x: debugger.grid(PROMPT, positions=x),
        "max_new_tokens": lambda x: debugger.generate(PROMPT, max_new_tokens=x),
        "alternatives": lambda x: debugger.generate(PROMPT, alternatives=x),
        "sampling": lambda x: debugger.generate(PROMPT, sampling=x),
        "temperature": lambda x: Sampling(x),
        "top_p": lambda x: Sampling(1.0, x),
        "seed": lambda x: Sampling(seed=x),
        "find": lambda x: debugger.find_tokens(x),
        "find n": lambda x: debugger.find_tokens("a", x),
        "token id": lambda x: debugger.token(x),
        "piece id": lambda x: debugger.piece(x),
        "tokenize": lambda x: debugger.tokenize(x),
        "bake": lambda x: debugger.bake(x, "nowhere"),
        "bake out": lambda x: debugger.bake(Intervention.off("L0D1"), x),
        "model": lambda x: Debugger.load(x),
        "device": lambda x: Debugger.load("demo", device=x),
        "dtype": lambda x: Debugger.load("demo", dtype=x, device="no such"),
        "revision": lambda x: Debugger.load("no-such/model", revision=x),
        "limits": lambda x: Debugger.load("demo", limits=x),
    }


FINE = {  # what is not strange there
    "interventions": [None, torch.tensor([])],
    "against": [None],
    "sub_updates token": [None],
    "prompt": ["3"], "tokenize": ["3"], "find": ["3"], "bake out": ["3"],
    "generated": [None, True],
    "value": [3.5, np.float64(3)], "temperature": [3.5, np.float64(3)],
}  # fmt: skip


@pytest.mark.parametrize("what", [pytest.param(what) for what in calls(None)])  # type: ignore[arg-type]
def test_no_exception_of_pythons_own_reaches_the_caller(
    tied: Case, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call = calls(tied.debugger)[what]
    for value in STRANGE:
        if what == "device" and value is None:
            continue
        fine = any(value is x or (type(value) is type(x) and repr(value) == repr(x))
                   for x in FINE.get(what, []))  # fmt: skip
        if fine:
            call(value)
        else:
            with pytest.raises(DebuggerError) as failure:
                call(value)
            assert failure.value.message.endswith((".", ")", '"'))


def test_a_folder_may_be_a_path(tied: Case) -> None:
    class Where(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(tied.folder)

    for path in (tied.folder, Where()):
        debugger = Debugger.load(path, device="cpu")
        assert debugger.info.id == str(tied.folder)
        assert debugger.trace(PROMPT).unedited == tied.debugger.trace(PROMPT).unedited


def test_a_model_in_memory_is_no_name() -> None:
    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=1, vocab_size=9))
    with pytest.raises(InvalidInput, match="name or folder"):
        Debugger.load(model)  # type: ignore[arg-type]


def test_torchs_own_names_of_devices_and_formats(tied: Case) -> None:
    debugger = Debugger.load(tied.folder, device=torch.device("cpu"), dtype=torch.bfloat16)
    assert (debugger.info.device, debugger.info.dtype) == ("cpu", "bfloat16")
    with pytest.raises(LoadError, match="auto, cpu"):
        Debugger.load(tied.folder, device=torch.device("meta"))
    assert Debugger.load(tied.folder, device=None).info.n_layers == 3
    assert NotebookDebugger.load(tied.folder, device=None).trace(PROMPT, top_k=np.int64(2))
