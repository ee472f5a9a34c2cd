"""Both programs, run by another interpreter, against the engine and the oracle; and that nothing a
user typed becomes code in them.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.engine.adapters import adapter_for
from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.sites import Site
from lm_debugger.engine.types import Limits
from lm_debugger.errors import InvalidInput, InvalidPosition, OutOfRange, UnknownDimension
from lm_debugger.runs.program import Form, program
from lm_debugger.runs.schema import RunFile
from tests.engine.case import PROMPTS, Case
from tests.engine.compare import as_edits, prob_rtol
from tests.reference import States
from tests.runs.execute import Outcome, Printed, execute, read
from tests.runs.test_source import formatted

FORMS: tuple[Form, ...] = ("lm_debugger", "transformers")
MODELS = ("demo", "tied", "untied", "inverse", "one-layer")


def run_file(model: str, **more: Any) -> RunFile:
    """A run as the page would write it."""
    return RunFile.model_validate(
        {"format": "lm-debugger-run", "version": 1, "model": model, "prompt": PROMPTS[0], **more}
    )


def edit(name: str, kind: str, value: float | None = None, **more: Any) -> dict[str, Any]:
    layer, dim = name[1:].split("D")
    return {"layer": int(layer), "dim": int(dim), "kind": kind, "value": value, **more}


def runs(case: Case) -> dict[str, RunFile]:
    """Every branch of the programs: no edits, edits everywhere, at positions, greedy, sampled."""
    first, last = case.all_dominant()[0], case.all_dominant()[-1]
    name = case.debugger.checkpoint.id
    everywhere = [edit(last, "on"), edit(f"L0D{5}", "off")]
    at_positions = [
        edit(first, "set", 2.5, positions=[0, -2]),
        edit(first, "scale", -3.0, positions=[0, -1], generated=True),
        edit(last, "on", generated=False),
        edit("L0D3", "add", 4.0, positions=[1, 2, -1]),
        edit("L0D3", "off", positions=[2]),  # of two on one vector the later one wins, there
        edit("L0D6", "off", positions="last"),
    ]
    sampling = {"temperature": 0.9, "top_p": 0.8, "seed": 7}
    kinds = [edit(first, "scale", -2.0), edit("L0D4", "add", 3.0), edit("L0D7", "set", -1.5)]
    return {
        "unedited": run_file(name, prompt=PROMPTS[3], max_new_tokens=4),
        "everywhere": run_file(name, interventions=everywhere, names={last: "a name"}),
        "positions": run_file(name, interventions=at_positions, position=2, max_new_tokens=6),
        "sampled": run_file(name, interventions=kinds, sampling=sampling, position=-2),
    }


@dataclass(frozen=True)
class Done:
    case: Case
    run: RunFile
    printed: Outcome


@pytest.fixture(scope="module")
def done(open_case: Callable[[str], Case]) -> dict[tuple[str, str, str], Done]:
    """By form, model and run: what the programs printed, all of a form in one interpreter."""
    found = {}
    for form in FORMS:
        jobs = [
            (form, model, name, open_case(model), run)
            for model in MODELS
            for name, run in runs(open_case(model)).items()
        ]
        programs = [(program(run, case.debugger, form), case.folder) for *_, case, run in jobs]
        printed = execute(programs, with_package=form == "lm_debugger")
        for (*key, case, run), outcome in zip(jobs, printed, strict=True):
            found[form, key[1], key[2]] = Done(case, run, outcome)
    return found


@pytest.mark.parametrize("name", ["unedited", "everywhere", "positions", "sampled"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("form", FORMS)
def test_it_prints_the_numbers(
    done: dict[tuple[str, str, str], Done], form: str, model: str, name: str
) -> None:
    it = done[form, model, name]
    edits = [item.checked() for item in it.run.interventions]
    assert set(it.printed) == ({"unedited", "edited"} if edits else {"unedited"})
    position = -1 if it.run.position is None else it.run.position
    for which, printed in it.printed.items():
        in_force = edits if which == "edited" else []
        trace = it.case.debugger.trace(it.run.prompt, in_force, positions=position)
        shown = (trace.edited or trace.unedited).positions[0].prediction.top
        assert [text for text, _ in printed.top] == [item.token.text for item in shown]
        expected = [item.prob for item in shown]
        np.testing.assert_allclose([p for _, p in printed.top], expected, rtol=2e-5, atol=1e-8)
        ids = it.case.encode(it.run.prompt)
        states = it.case.oracle.run(ids, as_edits(in_force))
        assert_oracle(it.case, printed, states, position)
        generation = it.case.debugger.generate(
            it.run.prompt, in_force, it.run.max_new_tokens, it.run.sampling.checked()
        )
        assert printed.text == generation.text


def assert_oracle(case: Case, printed: Printed, states: States, position: int) -> None:
    """The ten probabilities by rank, of tokens that do have them."""
    x = states.after[-1, position]
    truth, rtol = case.oracle.lens(x), 2 * prob_rtol(case, x)
    best = np.argsort(-truth, kind="stable")[:12]
    np.testing.assert_allclose([p for _, p in printed.top], truth[best[:10]], rtol=rtol, atol=1e-8)
    for text, prob in printed.top:
        same = [i for i in best if np.isclose(truth[i], prob, rtol=2 * rtol, atol=1e-8)]
        assert text in [case.decode(int(i)) for i in same]


def test_the_edits_show(done: dict[tuple[str, str, str], Done]) -> None:
    """Programs that left the edits out would have printed two equal runs."""
    for (_, model, name), it in done.items():
        if name != "unedited":
            assert it.printed["edited"].top != it.printed["unedited"].top, (model, name)


def test_a_program_runs_as_a_file(demo: Case, tmp_path: Path) -> None:
    """As its reader would: saved, and given the folder of the model."""
    run = runs(demo)["everywhere"]
    outcomes = []
    for form, arguments in (("lm_debugger", []), ("transformers", [str(demo.folder)])):
        file = tmp_path / f"{form}_run.py"
        file.write_text(program(run, demo.debugger, form), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, file, *arguments], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        outcomes.append(read(done.stdout))
    one, other = outcomes
    assert [t for t, _ in one["edited"].top] == [t for t, _ in other["edited"].top]
    assert one["edited"].text == other["edited"].text


# --- what it looks like --------------------------------------------------------------------------


def test_formatters_leave_programs_as_they_are(open_case: Callable[[str], Case]) -> None:
    for model in ("demo", "inverse"):
        case = open_case(model)
        for run in runs(case).values():
            long = run.model_copy(update={"prompt": "a word and " * 12})
            for form in FORMS:
                for one in (run, long):
                    code = program(one, case.debugger, form)
                    assert formatted(code) == code


def test_only_what_the_run_needs_is_there(demo: Case) -> None:
    code = {name: program(run, demo.debugger, "transformers") for name, run in runs(demo).items()}
    assert "hook" not in code["unedited"]
    assert "boost" in code["everywhere"]
    assert "boost" not in code["sampled"]
    assert "is_edited" in code["positions"]
    assert "is_edited" not in code["everywhere"]
    assert "multinomial" in code["sampled"]
    assert "multinomial" not in code["everywhere"]
    assert all("import lm_debugger" not in text for text in code.values())
    assert all("from lm_debugger" not in text for text in code.values())


def test_nothing_of_this_machine_is_in_it(demo: Case) -> None:
    for run in runs(demo).values():
        for form in FORMS:
            assert str(demo.folder.parent) not in program(run, demo.debugger, form)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
HOSTILE = st.sampled_from(
    [
        '"""',
        "'''\nimport os\n'''",
        '"; exit(); "',
        "\\",
        "\n    exit()",
        "# x\rexit()",
        "\"'; exit() #",
        "{0}%s%(a)s",
    ]
)


@given(prompt=ANY_TEXT | HOSTILE, name=ANY_TEXT | HOSTILE)
def test_nothing_typed_becomes_code(tied: Case, prompt: str, name: str) -> None:
    edits = [edit("L0D3", "on"), edit("L1D2", "set", 1.0, positions=[0])]
    given = run_file("x", prompt=prompt, interventions=edits, names={"L0D3": name, "L1D2": name})
    plain = run_file("x", prompt="a", interventions=edits)
    for form in FORMS:
        tree = ast.parse(program(given, tied.debugger, form))
        constants = [
            node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROMPT"
        ]
        [constant] = constants
        assert isinstance(constant, ast.Constant)
        assert constant.value == prompt
        constant.value = "a"
        assert ast.dump(tree) == ast.dump(ast.parse(program(plain, tied.debugger, form)))


def test_names_stand_beside_their_vectors(demo: Case) -> None:
    run = run_file("demo", interventions=[edit("L1D27", "on")], names={"L1D27": "months \n of"})
    for form in FORMS:
        lines = program(run, demo.debugger, form).splitlines()
        at = lines.index("    # L1D27: months of")
        assert "27" in lines[at + 1]


# --- of other models, and what is refused --------------------------------------------------------


def test_number_format_revision_and_limits_are_kept(checkpoint: Callable[[str], Path]) -> None:
    debugger = Debugger.load(
        str(checkpoint("inverse")),
        device="cpu",
        dtype="bfloat16",
        revision="main",
        limits=Limits(max_new_tokens=1000),
    )
    run = run_file("x", max_new_tokens=900)
    package, plain = (program(run, debugger, form) for form in FORMS)
    assert 'dtype="bfloat16"' in package
    assert 'revision="main"' in package
    assert "limits=Limits(max_new_tokens=900)" in package
    assert "dtype=torch.bfloat16" in plain
    assert plain.count('revision="main"') == 2
    assert 'attn_implementation="eager"' in plain  # of this checkpoint, see SHAPES
    for code in (package, plain):
        assert formatted(code) == code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"interventions": [edit("L0D99999", "off")]}, UnknownDimension),
        ({"interventions": [edit("L0D1", "off", positions=[99])]}, InvalidPosition),
        ({"interventions": [edit("L0D1", "on", 1.0)]}, InvalidInput),
        ({"position": 99}, InvalidPosition),
        ({"max_new_tokens": 0}, OutOfRange),
        ({"sampling": {"temperature": -1.0}}, OutOfRange),
        ({"prompt": ""}, InvalidInput),
    ],
)
def test_a_run_that_the_model_cannot_do_is_refused(
    tied: Case, form: Form, more: dict[str, Any], error: type[InvalidInput]
) -> None:
    with pytest.raises(error):
        program(run_file("x", **more), tied.debugger, form)


@pytest.mark.parametrize("model", MODELS)
def test_an_adapters_expressions_name_its_parts(
    open_case: Callable[[str], Case], model: str
) -> None:
    plain = open_case(model).plain()
    adapter = adapter_for(plain.config.model_type)(plain)
    names = adapter.expressions
    blocks = eval(names.blocks, {"model": plain})
    assert len(blocks) == adapter.n_layers
    for layer, block in enumerate(blocks):
        projection = eval(names.value_projection, {"block": block})
        assert projection is adapter.place(Site.COEFFICIENTS, layer).module
        assert eval(names.activation, {"block": block}) is adapter.activation(layer)
        assert eval(names.value_matrix, {"block": block}).equal(adapter.value_matrix(layer))
