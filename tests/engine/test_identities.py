"""The identities of docs/semantics.md, by linear algebra and by surgery on plain models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lm_debugger.engine.interventions import merge
from lm_debugger.engine.loading import load
from lm_debugger.engine.passes import Row, Runner
from lm_debugger.engine.recording import Recording
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Intervention, Run
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import RTOL, as_edits, assert_agree
from tests.reference import assert_ranked

PROMPT = PROMPTS[0]


def forward(case: Case, edits: list[Intervention]) -> Recording:
    """The engine's own forward pass, before anything is ranked, at every position."""
    name = "demo" if case.name == "demo" else str(case.folder)
    checkpoint = load(name, torch.device("cpu"), "float32", None)
    runner = Runner(checkpoint.adapter)
    ids = case.encode(PROMPT)
    every = tuple(range(len(ids)))
    (unedited,) = runner.run([Row(ids, every)])
    if not edits:
        return unedited
    merged = merge(checkpoint.adapter, edits, len(ids), runner.boosts(unedited))
    return runner.run([Row(ids, every, merged)])[0]


def close(got: object, expected: object) -> None:
    """To 1e-5 of the vector's size: an entry of a sum of vectors may cancel to nearly nothing."""
    a, b = np.asarray(got, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    np.testing.assert_allclose(a, b, rtol=RTOL, atol=RTOL * np.abs(b).max())


EDITS = [Intervention.on("L0D3"), Intervention.set("L0D7", -3.0), Intervention.off("L0D9")]


@pytest.mark.parametrize("edits", [[], EDITS], ids=["unedited", "edited"])
def test_before_plus_ffn_is_after_and_the_ffn_is_the_sum_of_sub_updates(
    case: Case, edits: list[Intervention]
) -> None:
    """before_l + FFN_l = after_l;  sum_i m_i v_i + b = FFN_l."""
    seen = forward(case, edits)
    for layer in range(case.oracle.n_layer):
        before, after = seen.states(seen.positions)[layer].double().numpy()
        m = seen[Site.COEFFICIENTS][layer].double().numpy()
        bias = case.oracle.w[f"h.{layer}.mlp.c_proj.bias"]
        ffn = m @ case.oracle.values(layer) + bias
        close(after - before, ffn)
        close(before + ffn, after)


@pytest.mark.parametrize("edits", [[], EDITS], ids=["unedited", "edited"])
def test_residuals_and_coefficients_are_the_oracles(case: Case, edits: list[Intervention]) -> None:
    seen = forward(case, edits)
    expected = case.oracle.run(case.encode(PROMPT), as_edits(edits))
    close(seen[Site.RESID_MID], expected.before)
    close(seen[Site.RESID_POST], expected.after)
    close(seen[Site.COEFFICIENTS], expected.m)


def test_residuals_are_the_hidden_states_of_transformers(case: Case) -> None:
    """after_l is the next block's input; the last one is what ln_f gets."""
    seen = forward(case, [])
    model = case.plain()
    with torch.inference_mode():
        out = model(torch.tensor([case.encode(PROMPT)]), output_hidden_states=True)
        final = model.transformer.ln_f(seen[Site.RESID_POST][-1])
    for layer in range(case.oracle.n_layer - 1):
        close(seen[Site.RESID_POST][layer], out.hidden_states[layer + 1][0])
    close(final, out.hidden_states[-1][0])


# --- edits are weight surgery ---------------------------------------------------------------------


def suppress(model: Any, layer: int, dim: int) -> None:
    """Zero row `dim` of the value matrix."""
    with torch.no_grad():
        model.transformer.h[layer].mlp.c_proj.weight[dim] = 0


def fix(model: Any, layer: int, dim: int, c: float) -> None:
    """Zero row `dim` and add c v_i to the bias: m_i is c, whatever the input."""
    projection = model.transformer.h[layer].mlp.c_proj
    with torch.no_grad():
        projection.bias += c * projection.weight[dim]
    suppress(model, layer, dim)


def assert_is(case: Case, model: Any, edits: list[Intervention]) -> None:
    """The engine with `edits` predicts and writes what the operated model does."""
    for prompt in PROMPTS:
        run = case.debugger.trace(prompt, edits).edited
        assert run is not None
        probs = case.plain_probs(model, case.encode(prompt))
        top = run.positions[0].prediction.top
        # Both sides are float32 here, and sum in another order.
        assert_ranked([(t.token.id, t.prob) for t in top], probs, 10, rtol=2 * RTOL)
    ids = case.encode(PROMPT)
    with torch.inference_mode():
        out = model.generate(torch.tensor([ids]), max_new_tokens=6, do_sample=False, pad_token_id=0)
    steps = case.debugger.generate(PROMPT, edits, max_new_tokens=6).steps
    expected = out[0, len(ids) :].tolist()
    assert [s.token.id for s in steps] == (expected[:-1] if expected[-1] == 0 else expected)


def largest(case: Case) -> list[tuple[int, int]]:
    """The largest sub-update of every layer."""
    layers = case.debugger.trace(PROMPT).unedited.positions[0].layers
    return [(layer.sub_updates[0].id.layer, layer.sub_updates[0].id.dim) for layer in layers]


def test_suppressing_is_a_model_without_that_row(case: Case) -> None:
    model = case.plain()
    for layer, dim in largest(case):
        suppress(model, layer, dim)
    assert_is(case, model, [Intervention(layer, dim, "off") for layer, dim in largest(case)])


def test_setting_is_a_model_with_that_row_in_its_bias(case: Case) -> None:
    model = case.plain()
    edits = []
    for n, (layer, dim) in enumerate(largest(case)):
        c = (-1.0) ** n * 1.5
        fix(model, layer, dim, c)
        edits.append(Intervention(layer, dim, "set", c))
    assert_is(case, model, edits)


def test_scaling_is_a_model_with_that_row_scaled(case: Case) -> None:
    model = case.plain()
    for layer, dim in largest(case):
        with torch.no_grad():
            model.transformer.h[layer].mlp.c_proj.weight[dim] *= -2.0
    edits = [Intervention(layer, dim, "scale", -2.0) for layer, dim in largest(case)]
    assert_is(case, model, edits)


def test_adding_is_a_model_with_more_bias(case: Case) -> None:
    model = case.plain()
    for layer, dim in largest(case):
        projection = model.transformer.h[layer].mlp.c_proj
        with torch.no_grad():
            projection.bias += 0.8 * projection.weight[dim]
    assert_is(case, model, [Intervention(layer, dim, "add", 0.8) for layer, dim in largest(case)])


def test_boosting_is_setting_to_the_activation_of_c(case: Case) -> None:
    """Rule 9, on one prompt: c is the prompt's own."""
    layer, dim = largest(case)[-1]
    c = case.oracle.boosts(case.encode(PROMPT))[layer]
    model = case.plain()
    fix(model, layer, dim, float(case.oracle.act(np.array(c))))
    probs = case.plain_probs(model, case.encode(PROMPT))
    run = case.debugger.trace(PROMPT, [Intervention(layer, dim, "on")]).edited
    assert run is not None
    top = run.positions[0].prediction.top
    assert_ranked([(t.token.id, t.prob) for t in top], probs, 10, rtol=2 * RTOL)


def test_without_edits_generation_is_that_of_transformers(case: Case) -> None:
    for prompt in PROMPTS:
        ids = case.encode(prompt)
        with torch.inference_mode():
            out = case.plain().generate(
                torch.tensor([ids]), max_new_tokens=8, do_sample=False, pad_token_id=0
            )[0]
        generation = case.debugger.generate(prompt, max_new_tokens=8)
        expected = [t for t in out[len(ids) :].tolist() if t != 0]
        assert [s.token.id for s in generation.steps] == expected
        known = [t for t in out.tolist() if t < case.tokenizer.get_vocab_size()]
        assert generation.text == case.tokenizer.decode(known, skip_special_tokens=True)


# --- algebra of lists of interventions ------------------------------------------------------------


def edited(case: Case, edits: list[Intervention]) -> Run:
    run = case.forgetful.trace(PROMPT, edits, positions="all").edited
    assert run is not None
    return run


def test_suppressing_twice_is_suppressing_once(case: Case) -> None:
    layer, dim = largest(case)[0]
    off = Intervention(layer, dim, "off")
    assert_agree(case, edited(case, [off, off]), edited(case, [off]))


def test_the_order_of_interventions_on_different_vectors_does_not_matter(case: Case) -> None:
    edits = [
        Intervention(layer, dim, kind, value)  # type: ignore[arg-type]
        for (layer, dim), (kind, value) in zip(
            [*largest(case), (0, 1), (0, 2), (0, 3), (0, 4)],
            [("on", None), ("off", None), ("set", 2.0), ("scale", -1.0), ("add", 1.0)] * 3,
            strict=False,
        )
    ]
    assert_agree(case, edited(case, edits[::-1]), edited(case, edits))


def test_setting_to_what_is_there_changes_nothing_that_shows(
    open_case: Callable[[str], Case],
) -> None:
    case = open_case("tied")
    update = case.debugger.trace(PROMPT).unedited.positions[0].layers[0].sub_updates[0]
    edit = Intervention(0, update.id.dim, "set", update.coefficient, positions="last")
    trace = case.debugger.trace(PROMPT, [edit])
    assert_agree(case, trace.edited, trace.unedited)
