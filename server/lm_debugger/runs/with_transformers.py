"""The program for plain `transformers`: hooks, the kinds of interventions that the run has, and
nothing else. Where the parts of the model are, its adapter knows (`adapters.Expressions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_debugger.engine.places import BUNDLED
from lm_debugger.engine.types import Intervention
from lm_debugger.runs import parts as text
from lm_debugger.runs import source
from lm_debugger.runs.schema import RunFile

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger


def with_transformers(
    run: RunFile, interventions: Sequence[Intervention], debugger: Debugger
) -> str:
    """The source; the run has been checked."""
    everywhere = all(item.positions == "all" and item.edits_generated for item in interventions)
    kinds = {item.kind for item in interventions}
    names = debugger.adapter.expressions
    program = [
        text.HEAD,
        _model(debugger),
        source.assign("PROMPT", run.prompt) + "\n",
        f"POSITION = {source.position(run)}  # of the prompt: where the prediction is read\n",
        f"MAX_NEW_TOKENS = {run.max_new_tokens}\n",
        _constants(run, debugger),
        _edits(run, interventions, everywhere=everywhere) if interventions else "",
        text.LOAD % _load(run, debugger),
        text.CACHE,
        text.BLOCKS % names.blocks if interventions else "",
        text.RUN if everywhere else text.RUN_COUNTING,
        text.GREEDY if run.sampling.checked().temperature == 0 else text.SAMPLED,
        text.GENERATE,
        text.SHOW,
    ]
    if interventions:
        words = {
            "projection": names.value_projection,
            "matrix": names.value_matrix,
            "activation": names.activation,
            "post_norm": names.post_norm,
            "note": text.POST_NORM_NOTE if names.post_norm else "",
        }
        words["scale"] = text.POST_NORM_SCALE % words if names.post_norm else ""
        gated = debugger.adapter.is_gated
        rules = text.RULES | (text.GATED_RULES if gated else {})
        program += [
            (text.GATED_BOOSTS if gated else text.BOOSTS) % words if "on" in kinds else "",
            "" if everywhere else text.IS_EDITED,
            text.NEW,
            text.NEW_BLOCK if kinds & {"on", "off"} and not gated else "",
            *(line % words for kind, line in rules.items() if kind in kinds),
            text.HOOK if everywhere else text.HOOK_AT_POSITIONS,
        ]
    program.append('\nshow("unedited")\n')
    if interventions:
        program.append(text.BOOST % _boosted(interventions) if "on" in kinds else "")
        program.append(text.ATTACH % names.value_projection)
    return "".join(program)


def _model(debugger: Debugger) -> str:
    name = debugger.info.id
    note = (
        "# LM-Debugger's own model is the folder lm_debugger/demo/model of the package.\n"
        if name in BUNDLED
        else ""
    )
    value = source.text(name)
    line = f"MODEL = sys.argv[1] if len(sys.argv) > 1 else {value}"
    if source.width(line) > source.LINE:
        line = f"MODEL = {value}\nif len(sys.argv) > 1:\n    MODEL = sys.argv[1]"
    return f"{note}# A hub id or a folder; another one may be given on the command line.\n{line}\n"


def _constants(run: RunFile, debugger: Debugger) -> str:
    ids = sorted(debugger.checkpoint.eos_token_ids)
    found = source.sequence("{", [str(id) for id in ids], "}", 0, 14) if ids else "set()"
    lines = [
        f"END_OF_TEXT = {found}\n",
        f"CONTEXT = {debugger.info.n_positions}  # tokens that the model reads at most\n",
    ]
    sampling = run.sampling.checked()
    if sampling.temperature > 0:
        lines.append(f"TEMPERATURE = {source.literal(sampling.temperature)}\n")
        lines.append(f"TOP_P = {source.literal(sampling.top_p)}\n")
        lines.append(f"SEED = {sampling.seed}\n")
    lines.append('DEVICE = "cuda" if torch.cuda.is_available() else "cpu"\n')
    return "".join(lines)


def _edits(run: RunFile, interventions: Sequence[Intervention], *, everywhere: bool) -> str:
    lines = []
    for item in interventions:
        row: tuple[object, ...] = (item.layer, item.dim, item.kind, item.value)
        if not everywhere:
            where = (-1,) if item.positions == "last" else item.positions
            row = (*row, where, item.edits_generated)
        lines.append(source.named(item.id, run.names))
        lines.append(f"    {source.literal(row, 4, 4 + 1)},\n")
    more = "" if everywhere else ", positions of the prompt, generated tokens too"
    return f"{text.EDITS}    # layer, i, kind, value{more}\n{''.join(lines)}]\n"


def _load(run: RunFile, debugger: Debugger) -> dict[str, str]:
    checkpoint, vocabulary = debugger.checkpoint, debugger.vocabulary
    front = vocabulary.in_front_of(run.prompt)
    typed = 'tokenizer(PROMPT, add_special_tokens=False)["input_ids"]'
    arguments: list[tuple[str, object]] = [("", source.Raw("MODEL"))]
    tokenizer = list(arguments)
    if checkpoint.revision is not None:
        arguments.append(("revision", checkpoint.revision))
        tokenizer.append(("revision", checkpoint.revision))
    arguments.append(("dtype", source.Raw(f"torch.{debugger.info.dtype}")))
    arguments += sorted(checkpoint.options.items())
    return {
        "tokenizer": source.call("AutoTokenizer.from_pretrained", tokenizer, 0, 12),
        "model": source.call("AutoModelForCausalLM.from_pretrained", arguments, 0, 8),
        "prompt": f"[{', '.join(map(str, front))}, *{typed}]" if front else typed,
        "note": "" if debugger.info.dtype == "float32" else text.HALF,
    }


def _boosted(interventions: Sequence[Intervention]) -> str:
    layers = sorted({item.layer for item in interventions if item.kind == "on"})
    return source.sequence("[", [str(layer) for layer in layers], "]", 0, len("boost = boosts()"))
