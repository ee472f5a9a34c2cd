"""The program for plain `transformers`: hooks, the kinds of interventions that the run has, and
nothing else. Where the parts of the model are, its adapter knows (`adapters.Expressions`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lm_debugger.engine.places import BUNDLED
from lm_debugger.engine.types import Intervention
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
    parts = [
        _HEAD,
        _model(debugger),
        source.assign("PROMPT", run.prompt) + "\n",
        f"POSITION = {source.position(run)}  # of the prompt: where the prediction is read\n",
        f"MAX_NEW_TOKENS = {run.max_new_tokens}\n",
        _constants(run, debugger),
        _edits(run, interventions, everywhere=everywhere) if interventions else "",
        _LOAD % _load(debugger),
        _CACHE,
        _BLOCKS % names.blocks if interventions else "",
        _RUN if everywhere else _RUN_COUNTING,
        _GREEDY if run.sampling.temperature == 0 else _SAMPLED,
        _GENERATE,
        _SHOW,
    ]
    if interventions:
        words = {
            "projection": names.value_projection,
            "matrix": names.value_matrix,
            "activation": names.activation,
        }
        parts += [
            _BOOSTS % words if "on" in kinds else "",
            "" if everywhere else _IS_EDITED,
            _NEW,
            _NEW_BLOCK if kinds & {"on", "off"} else "",
            *(line % words for kind, line in _RULES.items() if kind in kinds),
            _HOOK if everywhere else _HOOK_AT_POSITIONS,
        ]
    parts.append('\nshow("unedited")\n')
    if interventions:
        parts.append(_BOOST % _boosted(interventions) if "on" in kinds else "")
        parts.append(_ATTACH % names.value_projection)
    return "".join(parts)


def _model(debugger: Debugger) -> str:
    name = debugger.checkpoint.id
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
    if run.sampling.temperature > 0:
        lines.append(f"TEMPERATURE = {source.literal(run.sampling.temperature)}\n")
        lines.append(f"TOP_P = {source.literal(run.sampling.top_p)}\n")
        lines.append(f"SEED = {run.sampling.seed}\n")
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
    return f"{_EDITS}    # layer, i, kind, value{more}\n{''.join(lines)}]\n"


def _load(debugger: Debugger) -> dict[str, str]:
    checkpoint = debugger.checkpoint
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
        "note": "" if debugger.info.dtype == "float32" else _HALF,
    }


def _boosted(interventions: Sequence[Intervention]) -> str:
    layers = sorted({item.layer for item in interventions if item.kind == "on"})
    return source.sequence("[", [str(layer) for layer in layers], "]", 0, len("boost = boosts()"))


# --- the parts -----------------------------------------------------------------------------------

_HEAD = '''\
"""A run of LM-Debugger with plain transformers: what a model predicts, without and with edits.

Needs torch and transformers.
"""

import inspect
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

'''

_EDITS = """
# An FFN adds the sum of m_i * v_i to the residual: m_i, the coefficients, are the input of
# its last projection, the value vectors v_i its rows. These coefficients are edited; of two
# edits of the same one the later one counts.
EDITS = [
"""

_LOAD = """
tokenizer = %(tokenizer)s
%(note)smodel = %(model)s
model = model.to(DEVICE).eval()
prompt = tokenizer(PROMPT, add_special_tokens=False)["input_ids"]
"""

_HALF = "# LM-Debugger reads the last state in float32: the last digits may differ.\n"

_BLOCKS = "blocks = %s\n"

_CACHE = """
# What this version of transformers calls the keys and values of the text so far.
names = inspect.signature(model.forward).parameters
CACHE = "cache" if "cache" in names else "past_key_values"
"""

_RUN = '''

def run(tokens, cache=None):
    """Run tokens that follow those in the cache."""
    tokens = torch.tensor([tokens], device=DEVICE)
    with torch.no_grad():
        return model(tokens, use_cache=True, **{CACHE: cache})
'''

_RUN_COUNTING = '''
start = 0  # position of the first token of the pass that is run


def run(tokens, cache=None):
    """Run tokens that follow those in the cache."""
    global start
    start = 0 if cache is None else cache.get_seq_length()
    tokens = torch.tensor([tokens], device=DEVICE)
    with torch.no_grad():
        return model(tokens, use_cache=True, **{CACHE: cache})
'''

_GREEDY = '''

def generate():
    """Continue the prompt, each time by the likeliest token."""
    text, cache = list(prompt), None
    choose = torch.argmax
'''

_SAMPLED = '''

def generate():
    """Continue the prompt by tokens drawn from the nucleus (Holtzman et al., 2020).

    Drawn as LM-Debugger draws them. Where the last digits of the logits differ, by device or
    by version of torch, the same seed can still give another text.
    """
    text, cache = list(prompt), None
    random = torch.Generator().manual_seed(SEED)

    def choose(logits):
        logits = (logits.double() - logits.max()) / TEMPERATURE
        probs, ids = logits.softmax(dim=-1).sort(descending=True, stable=True)
        probs[probs.cumsum(dim=-1) - probs >= TOP_P] = 0
        return ids[torch.multinomial(probs, 1, generator=random)]

'''

_GENERATE = """\
    while len(text) < len(prompt) + MAX_NEW_TOKENS and len(text) <= CONTEXT:
        output = run(text if cache is None else text[-1:], cache)
        cache = output[CACHE]
        token = int(choose(output.logits[0, -1].float().cpu()))
        if token in END_OF_TEXT:
            break
        text.append(token)
    return tokenizer.decode(
        text, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
"""

_SHOW = '''

def show(title):
    """Print the ten likeliest tokens after POSITION, and the continuation of the prompt."""
    logits = run(prompt).logits[0, POSITION]
    probs, ids = logits.double().softmax(dim=-1).sort(descending=True, stable=True)
    print(f"{title} prediction")
    for prob, id in zip(probs[:10].tolist(), ids[:10].tolist()):
        print(f"  {prob:.8f} {tokenizer.decode([id])!r}")
    print(f"{title} text: {generate()!r}")

'''

_BOOSTS = '''
def boosts(layers):
    """c of some layers; "on" sets a coefficient to the activation of c.

    c = 0.01 + the largest |m_i| * ||v_i|| at the last position of the prompt, unedited.
    """
    found, handles = {}, []
    for layer in layers:
        block = blocks[layer]
        norms = %(matrix)s.float().norm(dim=1)

        def hook(module, args, layer=layer, norms=norms):
            found[layer] = float((args[0][0, -1].float().abs() * norms).max()) + 0.01

        handles.append(%(projection)s.register_forward_pre_hook(hook))
    run(prompt)
    for handle in handles:
        handle.remove()
    return found

'''

_IS_EDITED = '''
def is_edited(position, where, generated):
    """Whether an edit touches a position of the text."""
    if position >= len(prompt):
        return generated
    return where == "all" or position in [p % len(prompt) for p in where]

'''

_NEW = '''
def new(m, kind, value, layer):
    """What becomes of one coefficient m [1, t]."""
'''

_NEW_BLOCK = "    block = blocks[layer]\n"

_RULES = {
    "on": """\
    if kind == "on":
        return %(activation)s(torch.full_like(m, boost[layer]))
""",
    "off": """\
    if kind == "off":
        return %(activation)s(torch.zeros_like(m))
""",
    "set": """\
    if kind == "set":
        return torch.full_like(m, value)
""",
    "scale": """\
    if kind == "scale":
        return value * m
""",
    "add": """\
    if kind == "add":
        return m + value
""",
}

_HOOK = '''

def edit(layer):
    """A hook that edits the coefficients m [1, t, F] of a layer."""

    def hook(module, args):
        m = args[0]
        edited = m.clone()
        for at, i, kind, value in EDITS:
            if at == layer:
                edited[..., i] = new(m[..., i], kind, value, layer)
        return (edited,)

    return hook

'''

_HOOK_AT_POSITIONS = '''

def edit(layer):
    """A hook that edits the coefficients m [1, t, F] of a layer."""

    def hook(module, args):
        m = args[0]
        edited = m.clone()
        for at, i, kind, value, where, generated in EDITS:
            if at != layer:
                continue
            for column in range(m.shape[1]):
                if is_edited(start + column, where, generated):
                    edited[:, column, i] = new(m[:, column, i], kind, value, layer)
        return (edited,)

    return hook

'''

_BOOST = "boost = boosts(%s)\n"

_ATTACH = """\
for layer in {layer for layer, *_ in EDITS}:
    block = blocks[layer]
    %s.register_forward_pre_hook(edit(layer))
show("edited")
"""
