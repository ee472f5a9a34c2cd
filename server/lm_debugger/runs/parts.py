"""The program for plain `transformers` in parts; `with_transformers` puts together those that a run
needs."""

from __future__ import annotations

HEAD = '''\
"""A run of LM-Debugger with plain transformers: what a model predicts, without and with edits.

Needs torch and transformers.
"""

import inspect
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

'''

EDITS = """
# An FFN adds the sum of m_i * v_i to the residual: m_i, the coefficients, are the input of
# its last projection, the value vectors v_i its rows. These coefficients are edited; of two
# edits of the same one the later one counts.
EDITS = [
"""

LOAD = """
tokenizer = %(tokenizer)s
%(note)smodel = %(model)s
model = model.to(DEVICE).eval()
prompt = %(prompt)s
"""

HALF = "# LM-Debugger reads the last state in float32: the last digits may differ.\n"

BLOCKS = "blocks = %s\n"

CACHE = """
# What this version of transformers calls the keys and values of the text so far.
names = inspect.signature(model.forward).parameters
CACHE = "cache" if "cache" in names else "past_key_values"
"""

RUN = '''

def run(tokens, cache=None):
    """Run tokens that follow those in the cache."""
    tokens = torch.tensor([tokens], device=DEVICE)
    with torch.no_grad():
        return model(tokens, use_cache=True, **{CACHE: cache})
'''

RUN_COUNTING = '''
start = 0  # position of the first token of the pass that is run


def run(tokens, cache=None):
    """Run tokens that follow those in the cache."""
    global start
    start = 0 if cache is None else cache.get_seq_length()
    tokens = torch.tensor([tokens], device=DEVICE)
    with torch.no_grad():
        return model(tokens, use_cache=True, **{CACHE: cache})
'''

GREEDY = '''

def generate():
    """Continue the prompt, each time by the likeliest token."""
    text, cache = list(prompt), None
    choose = torch.argmax
'''

SAMPLED = '''

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

GENERATE = """\
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

SHOW = '''

def show(title):
    """Print the ten likeliest tokens after POSITION, and the continuation of the prompt."""
    logits = run(prompt).logits[0, POSITION]
    probs, ids = logits.double().softmax(dim=-1).sort(descending=True, stable=True)
    print(f"{title} prediction")
    for prob, id in zip(probs[:10].tolist(), ids[:10].tolist()):
        print(f"  {prob:.8f} {tokenizer.decode([id])!r}")
    print(f"{title} text: {generate()!r}")

'''

BOOSTS = '''
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

GATED_BOOSTS = '''
def boosts(layers):
    """What "on" sets the coefficients of some layers to: [F] each.

    m_i := s * c / ||v_i|| makes its score c = 0.01 + the largest |m_j| * ||v_j|| of the layer, at
    the last position of the prompt, unedited; s is the sign of m_i there.%(note)s
    """
    found, handles = {}, []
    for layer in layers:
        block = blocks[layer]

        def hook(module, args, output, layer=layer, block=block):
            m, vectors = args[0][0, -1].float(), %(matrix)s.float()
%(scale)s            norms = vectors.norm(dim=1)
            c = (m.abs() * norms).max() + 0.01
            found[layer] = torch.where(m < 0, -1.0, 1.0) * c / norms

        handles.append(%(projection)s.register_forward_hook(hook))
    run(prompt)
    for handle in handles:
        handle.remove()
    return found

'''

POST_NORM_NOTE = """

    A norm stands between the FFN and the residual: what a vector adds is what it leaves of it."""

POST_NORM_SCALE = """\
            vectors = vectors * (%(post_norm)s(output)[0, -1] / output[0, -1]).float()
"""

IS_EDITED = '''
def is_edited(position, where, generated):
    """Whether an edit touches a position of the text."""
    if position >= len(prompt):
        return generated
    return where == "all" or position in [p % len(prompt) for p in where]

'''

NEW = '''
def new(m, kind, value, layer, i):
    """What becomes of one coefficient m [1, t], number i of its layer."""
'''

NEW_BLOCK = "    block = blocks[layer]\n"

RULES = {
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

GATED_RULES = {
    "on": """\
    if kind == "on":
        return torch.full_like(m, float(boost[layer][i]))
""",
    "off": """\
    if kind == "off":
        return torch.zeros_like(m)
""",
}

HOOK = '''

def edit(layer):
    """A hook that edits the coefficients m [1, t, F] of a layer."""

    def hook(module, args):
        m = args[0]
        edited = m.clone()
        for at, i, kind, value in EDITS:
            if at == layer:
                edited[..., i] = new(m[..., i], kind, value, layer, i)
        return (edited,)

    return hook

'''

HOOK_AT_POSITIONS = '''

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
                    old = m[:, column, i]
                    edited[:, column, i] = new(old, kind, value, layer, i)
        return (edited,)

    return hook

'''

BOOST = "boost = boosts(%s)\n"

ATTACH = """\
for layer in {layer for layer, *_ in EDITS}:
    block = blocks[layer]
    %s.register_forward_pre_hook(edit(layer))
show("edited")
"""
