"""What a config.json may ask for: honoured, passed over or refused by name.

The forward pass is transformers' own, so a key that it does not read changes no number: such keys
are told (`unread`), not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import transformers

from lm_debugger.errors import UnsupportedModel

REQUIRED: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (False, None),
    "chunk_size_feed_forward": (0, None),
    "is_encoder_decoder": (False, None),
    "pruned_heads": ({}, None),
    "quantization_config": (None,),
    "use_bidirectional_attention": (False, None),
}
"""Config keys that change the computation of any architecture, and the only values at which they
are honoured."""

_MODEL_CODE = ("AutoModel", "AutoConfig")
"""Entries of `auto_map` that name code of the checkpoint's own in place of transformers'."""

ATTENTION_KEYS = ("_attn_implementation", "attn_implementation")
"""A kernel that was chosen for training on other hardware and may be missing here; it changes no
number, and is passed over."""

_READ_ELSEWHERE = (*ATTENTION_KEYS, "auto_map", "model_type", "torch_dtype", "_commit_hash",
                   "tokenizer_class")  # fmt: skip
"""What is read of a config, though it is no field of its class."""


def check(
    config: Mapping[str, Any], model_type: str, of_family: Mapping[str, tuple[Any, ...]]
) -> None:
    """Refuse what would be computed otherwise than the config says, in silence.

    Args:
        of_family: beside `REQUIRED`, what one architecture honours.

    Raises:
        UnsupportedModel: naming every key that is known to change the computation and has a value
            that is not honoured, and keys that contradict each other.
    """
    required = {**REQUIRED, **of_family}
    wrong = {
        key: config[key]
        for key, allowed in required.items()
        if key in config and config[key] not in allowed
    }
    if any(str(key).startswith(_MODEL_CODE) for key in config.get("auto_map") or ()):
        wrong["auto_map"] = config["auto_map"]
    at_odds = {
        alias: (config[alias], name, config[name])
        for alias, name in _config_class(model_type).attribute_map.items()
        if alias in config and name in config and config[alias] != config[name]
    }
    if not wrong and not at_odds:
        return
    parts = [f"{key} = {value!r} ({_honoured(required.get(key))})" for key, value in wrong.items()]
    parts += [
        f"{alias} = {value!r} and {name} = {other!r}, which are two names of one number"
        for alias, (value, name, other) in at_odds.items()
    ]
    raise UnsupportedModel(
        f"This checkpoint's config.json asks for something that the {model_type} adapter does not "
        f"know how to honour: {'; '.join(parts)}.",
        wrong={key: repr(value) for key, value in wrong.items()},
        at_odds={alias: name for alias, (_, name, _) in at_odds.items()},
    )


def unread(
    config: Mapping[str, Any], model_type: str, of_family: Mapping[str, tuple[Any, ...]]
) -> tuple[str, ...]:
    """The keys of a config.json that transformers' class for it does not have, sorted."""
    known = _config_class(model_type)
    read = {*vars(known()), *known.attribute_map, *_READ_ELSEWHERE, *REQUIRED, *of_family}
    return tuple(sorted(set(config) - read))


def _config_class(model_type: str) -> Any:
    return transformers.AutoConfig.for_model(model_type).__class__


def _honoured(values: tuple[Any, ...] | None) -> str:
    if values is None:
        return "code of the checkpoint's own is not run"
    return f"honoured: {' or '.join(repr(value) for value in values)}"
