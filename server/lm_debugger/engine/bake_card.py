"""The README.md of a baked checkpoint: what it is, for whoever finds the folder later."""

from __future__ import annotations

import json
from pathlib import Path

from lm_debugger.engine.baked import Baked, BakedEdit, formula
from lm_debugger.engine.places import BUNDLED

_TEXT = """\
---
{base}library_name: transformers
tags:
- lm-debugger
---

# {name}, edited

An ordinary checkpoint: {name} with interventions of LM-Debugger in its weights, so that they hold
at every position of every text. m_i is the coefficient of value vector i in the sum
FFN(x) = Σ m_i · v_i + b of a layer; nothing but these v_i and b has changed.

| value vector | intervention | m_i becomes | in the weights |
|---|---|---|---|
{rows}
"""

_BOOSTED = """
"on" sets m_i to act(c), c = 0.01 + the largest sub-update score of the layer at the end of a
prompt, without interventions. Here c is that of this prompt, whatever text the model reads:

```json
{prompt}
```
"""

_ROUNDED = """
The weights are {dtype}. The changed ones differ from their exact values by at most {rounding:.1e},
for rounding.
"""


def card(model: str, baked: Baked) -> str:
    """The text, Markdown.

    Args:
        model: id of the model that was edited. Of a folder only its name is told: a card travels.
    """
    folder = Path(model).expanduser()
    is_folder = folder.is_dir()
    name = folder.resolve().name if is_folder else model
    on_hub = not is_folder and model not in BUNDLED
    base = f"base_model: {json.dumps(model)}\n" if on_hub else ""
    text = _TEXT.format(base=base, name=_plain(name), rows="\n".join(map(_row, baked.edits)))
    if baked.prompt is not None:
        text += _BOOSTED.format(prompt=json.dumps(baked.prompt, ensure_ascii=False))
    return text + _ROUNDED.format(dtype=baked.dtype, rounding=baked.rounding)


def _row(edit: BakedEdit) -> str:
    item = edit.intervention
    kind = item.kind if item.value is None else f"{item.kind} {item.value:g}"
    row = formula(edit.factor, 0, "v_i")
    bias = f"b + {edit.shift:g} · v_i" if edit.shift else "b"
    becomes = formula(edit.factor, edit.shift, "m_i")
    return f"| {item.id} | {kind} | {becomes} | v_i := {row}, b := {bias} |"


def _plain(text: str) -> str:
    """A name as Markdown that is nothing but text."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return "".join(f"\\{c}" if c in "\\`*_[]<>#|&!~$" else c for c in line)
