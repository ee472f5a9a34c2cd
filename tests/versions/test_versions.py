"""The part of the tests that runs with every version of transformers that is promised, not only
with the pinned one: load, trace, edit, generate, bake, programs and serve (`.ci/versions`).

The right numbers are those of plain transformers, of the version at hand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors import safe_open

from lm_debugger import Debugger, Intervention
from lm_debugger.engine.types import StateReading
from lm_debugger.runs.program import program
from lm_debugger.runs.schema import RunFile
from tests.engine.case import PROMPTS, Case
from tests.hub import COMMIT
from tests.load.process import SERVER, serving
from tests.models import DEMO
from tests.reference import Array, assert_ranked
from tests.runs.execute import read

RTOL = 1e-5
K = 10
NEW_TOKENS = 12
PROMPT = PROMPTS[0]
# Off and set, of the first and the last layer: what weights can say, too.
EDITED = ((0, 3, None), (0, 7, -30.0), (1, 5, 25.0))


@pytest.fixture(params=["tied", "untied", "inverse"])
def case(request: pytest.FixtureRequest, open_case: Callable[[str], Case]) -> Case:
    """Two with the attention that torch has, one with that of transformers."""
    return open_case(request.param)


def edits() -> list[Intervention]:
    return [
        Intervention.off(f"L{layer}D{dim}") if c is None else Intervention.set(f"L{layer}D{dim}", c)
        for layer, dim, c in EDITED
    ]


def plain(case: Case) -> Any:
    """As the program of a reader would load it."""
    options = {"attn_implementation": "eager"} if case.name == "inverse" else {}
    return transformers.AutoModelForCausalLM.from_pretrained(
        case.folder, dtype=torch.float32, **options
    ).eval()


def operated(case: Case) -> Any:
    """The plain model with the edits in its weights: row i of the value matrix is zero, and the
    bias has c · v_i (`off` sets the coefficient to act(0) = 0)."""
    model = plain(case)
    with torch.no_grad():
        for layer, dim, c in EDITED:
            projection = model.transformer.h[layer].mlp.c_proj
            projection.bias += (c or 0.0) * projection.weight[dim]
            projection.weight[dim] = 0
    return model


def probs(logits: torch.Tensor) -> Array:
    found: Array = logits.double().softmax(-1).numpy()
    return found


def next_token(model: Any, ids: list[int]) -> Array:
    """[V]"""
    with torch.inference_mode():
        return probs(model(torch.tensor([ids])).logits[0, -1])


def assert_top(reading: StateReading, truth: Array) -> None:
    assert_ranked([(t.token.id, t.prob) for t in reading.top], truth, K, rtol=RTOL)


def continued(model: Any, ids: list[int]) -> str:
    """What transformers' own greedy generation says, decoded as rule 14 wants it."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(model.config._name_or_path)
    with torch.inference_mode():
        found = model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=NEW_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
    text: str = tokenizer.decode(
        found[0], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return text


def test_every_layer_of_a_trace(case: Case) -> None:
    """after_l is the next block's input, read through ln_f and E; the last one is what the model
    itself says."""
    model, ids = plain(case), case.encode(PROMPT)
    with torch.inference_mode():
        output = model(torch.tensor([ids]), output_hidden_states=True)
        states = [s[0, -1] for s in output.hidden_states[1:-1]]
        lens = [probs(model.lm_head(model.transformer.ln_f(state))) for state in states]
    layers = case.debugger.trace(PROMPT, top_k=K).unedited.positions[0].layers
    assert len(layers) == len(lens) + 1
    for layer, truth in zip(layers, [*lens, probs(output.logits[0, -1])], strict=True):
        assert_top(layer.after, truth)


def test_an_edited_trace(case: Case) -> None:
    ids = case.encode(PROMPT)
    trace = case.debugger.trace(PROMPT, edits(), top_k=K)
    assert trace.edited is not None
    unedited, edited = next_token(plain(case), ids), next_token(operated(case), ids)
    assert np.abs(edited - unedited).max() > 100 * RTOL * unedited.max(), "the edit shows nothing"
    assert_top(trace.unedited.positions[0].prediction, unedited)
    assert_top(trace.edited.positions[0].prediction, edited)


def test_every_position(case: Case) -> None:
    """The mask, then: no position sees those after it."""
    ids = case.encode(PROMPT)
    model = plain(case)
    for at in case.debugger.trace(PROMPT, positions="all", top_k=K).unedited.positions:
        assert_top(at.prediction, next_token(model, ids[: at.position + 1]))


def test_generation_without_and_with_edits(case: Case) -> None:
    """The cache, then: the first pass fills it, the others go on with it."""
    ids = case.encode(PROMPT)
    unedited, edited = continued(plain(case), ids), continued(operated(case), ids)
    assert unedited != edited
    assert case.debugger.generate(PROMPT, max_new_tokens=NEW_TOKENS).text == unedited
    assert case.debugger.generate(PROMPT, edits(), max_new_tokens=NEW_TOKENS).text == edited


def test_a_baked_checkpoint(case: Case, tmp_path: Path) -> None:
    """Read by plain transformers, and by this program."""
    case.debugger.bake(edits(), tmp_path / "baked")
    ids, truth = case.encode(PROMPT), next_token(operated(case), case.encode(PROMPT))
    options = {"attn_implementation": "eager"} if case.name == "inverse" else {}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "baked", dtype=torch.float32, **options
    )
    np.testing.assert_allclose(next_token(model.eval(), ids), truth, rtol=RTOL, atol=1e-9)
    again = Debugger.load(str(tmp_path / "baked"), device="cpu")
    assert_top(again.trace(PROMPT, top_k=K).unedited.positions[0].prediction, truth)


def test_a_checkpoint_that_this_version_writes(case: Case, tmp_path: Path) -> None:
    """Weights, config and tokenizer."""
    plain(case).save_pretrained(tmp_path / "saved")
    tokenizer = transformers.AutoTokenizer.from_pretrained(case.folder)
    tokenizer.save_pretrained(tmp_path / "saved")
    saved = Debugger.load(str(tmp_path / "saved"), device="cpu").trace(PROMPT, top_k=K)
    truth = next_token(plain(case), tokenizer(PROMPT)["input_ids"])
    assert_top(saved.unedited.positions[0].prediction, truth)


def test_a_model_in_the_hubs_cache(open_case: Callable[[str], Case], tmp_path: Path) -> None:
    """As the hub's client lays it out; transformers notes the commit in the config."""
    case = open_case("untied")
    model = tmp_path / "models--somebody--small-gpt2"
    snapshot = model / "snapshots" / COMMIT
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT)
    snapshot.mkdir(parents=True)
    for file in case.folder.iterdir():
        (snapshot / file.name).symlink_to(file)
    done = subprocess.run(
        [sys.executable, "-m", "lm_debugger", "trace", "somebody/small-gpt2", PROMPT, "--json"],
        capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(SERVER), "HF_HUB_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "eprecat" not in done.stderr
    trace = json.loads(done.stdout)
    layers = trace["unedited"]["positions"][0]["layers"]
    top = [(item["id"], item["prob"]) for item in layers[-1]["after"]["top"]]
    assert_ranked(top, next_token(plain(case), case.encode(PROMPT)), len(top), rtol=RTOL)


def test_a_program_without_this_package(open_case: Callable[[str], Case], tmp_path: Path) -> None:
    case = open_case("tied")
    run = RunFile.model_validate(
        {
            "format": "lm-debugger-run", "version": 1, "model": case.debugger.info.id,
            "prompt": PROMPT, "max_new_tokens": NEW_TOKENS,
            "interventions": [
                {"layer": i.layer, "dim": i.dim, "kind": i.kind, "value": i.value}
                for i in edits()
            ],
        }
    )  # fmt: skip
    file = tmp_path / "run.py"
    file.write_text(program(run, case.debugger, "transformers"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error::FutureWarning", str(file), str(case.folder)],
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "eprecat" not in done.stderr
    printed, ids = read(done.stdout), case.encode(PROMPT)
    for which, model in (("unedited", plain(case)), ("edited", operated(case))):
        best = np.sort(next_token(model, ids))[::-1][:10]
        np.testing.assert_allclose([p for _, p in printed[which].top], best, rtol=RTOL, atol=1e-8)
        assert printed[which].text == continued(model, ids)


def test_the_server(open_case: Callable[[str], Case], tmp_path: Path) -> None:
    """A process of its own: a trace with edits, a generation, the index, an end."""
    case = open_case("tied")
    ids, model = case.encode(PROMPT), str(case.folder)
    body = {
        "prompt": PROMPT,
        "interventions": [
            {"layer": i.layer, "dim": i.dim, "kind": i.kind, "value": i.value} for i in edits()
        ],
    }
    with serving(tmp_path, [model]) as served:
        trace = json.loads(served.post("/api/v1/trace", body))
        said = json.loads(served.post("/api/v1/generate", {**body, "max_new_tokens": NEW_TOKENS}))
        served.wait_for_indexes()
        vector = served.get("/api/v1/values/2/44?top_k=10")
        assert served.end() == 0
        assert "eprecat" not in served.log
    for which, truth in (("unedited", plain(case)), ("edited", operated(case))):
        top = trace[which]["positions"][0]["layers"][-1]["after"]["top"]
        probabilities = [(item["id"], item["prob"]) for item in top]
        assert_ranked(probabilities, next_token(truth, ids), len(top), rtol=RTOL)
    assert said["text"] == continued(operated(case), ids)
    truth = plain(case)
    logits = (truth.lm_head.weight @ truth.transformer.h[2].mlp.c_proj.weight[44]).detach()
    assert [t["logit"] for t in vector["promoted"]] == pytest.approx(
        logits.topk(10).values.tolist(), rel=RTOL
    )


def test_the_bundled_model(open_case: Callable[[str], Case]) -> None:
    """Its weights are in half precision on the disk, so that reading it is a conversion, too."""
    demo = open_case("demo")
    with safe_open(DEMO / "model.safetensors", framework="pt") as file:
        assert file.get_tensor("transformer.wte.weight").dtype == torch.float16
    trace = demo.debugger.trace(PROMPT, top_k=K)
    truth = next_token(plain(demo), demo.encode(PROMPT))
    # as sharp as float32 lets a logit of it be told: see prob_rtol in tests/engine/compare.py
    top = [(t.token.id, t.prob) for t in trace.unedited.positions[0].prediction.top]
    assert_ranked(top, truth, K, rtol=5e-5)
