"""Checkpoints: from a name or folder to a model, a tokenizer and an adapter.

Everything goes through transformers' own `from_pretrained`; what is added are refusals.
transformers fills missing weights with random numbers and ignores config keys it does not know,
both with a warning at most; a debugger that showed the predictions of such a model would lie.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers

from lm_debugger.engine.adapters import Adapter, adapter_for
from lm_debugger.engine.adapters.configs import ATTENTION_KEYS
from lm_debugger.engine.attention import NAME
from lm_debugger.engine.equalities import SelfCheck
from lm_debugger.engine.explained import explained, first_line
from lm_debugger.engine.files import is_mask, look, no_tokenizer, some
from lm_debugger.engine.given import shown
from lm_debugger.engine.places import fetch, find
from lm_debugger.engine.selfcheck import TEXT, self_check
from lm_debugger.errors import InvalidCheckpoint, InvalidInput, LoadError, OutOfRange

log = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model in memory, ready to be debugged.

    `options` are what `from_pretrained` was told beyond the usual, `revision` is the hub's,
    `unread_keys` are those of its config.json that transformers' class for it does not have,
    `self_check` is what `selfcheck` found.
    """

    id: str
    adapter: Adapter
    tokenizer: Any
    eos_token_ids: frozenset[int]
    n_parameters: int
    tied_unembedding: bool
    model_type: str
    revision: str | None
    options: Mapping[str, Any]
    unread_keys: tuple[str, ...]
    self_check: SelfCheck


@dataclass(frozen=True, slots=True)
class Source:
    """What `from_pretrained` gave, on the CPU; `adapter` looks at `model`."""

    model: Any
    tokenizer: Any
    adapter: Adapter
    revision: str | None
    options: Mapping[str, Any]
    unread_keys: tuple[str, ...]


def load(
    name_or_path: str | os.PathLike[str],
    device: torch.device,
    dtype: str | torch.dtype,
    revision: str | None,
) -> Checkpoint:
    """Load a checkpoint, safetensors only, no code from the checkpoint.

    Args:
        name_or_path: "demo", a folder, or a hub id such as "gpt2-medium".
        dtype: a key of `DTYPES`, or one of its values.
        revision: branch, tag or commit of a hub id.

    Raises:
        ModelNotFound: neither a folder nor in the local cache nor on the hub.
        UnsupportedModel: no adapter for the architecture, or a config switch it cannot honour.
        InvalidCheckpoint: no safetensors, missing or misshapen weights, no tokenizer.
    """
    name = _name(name_or_path)
    source = read(name, dtype, revision)
    with explained(name):
        model = source.model.to(device)
        adapter_class = type(source.adapter)
        adapter_class.pack(model)
        adapter = adapter_class(model)
        found = self_check(adapter, model, _short_text(source.tokenizer, adapter))
    return Checkpoint(
        id=name,
        adapter=adapter,
        tokenizer=source.tokenizer,
        eos_token_ids=_eos(model, source.tokenizer),
        n_parameters=sum(p.numel() for p in model.parameters()),
        tied_unembedding=_is_tied(model),
        model_type=model.config.model_type,
        revision=source.revision,
        options=source.options,
        unread_keys=source.unread_keys,
        self_check=found,
    )


def _short_text(tokenizer: Any, adapter: Adapter) -> list[int]:
    """Ids for the self-check; a tokenizer that cannot read English has others."""
    rows, longest = len(adapter.unembedding), min(16, adapter.n_positions)
    try:
        ids = [id for id in tokenizer(TEXT)["input_ids"] if id < rows]
    except Exception:  # a vocabulary without a token for the unknown
        ids = []
    return (ids if len(ids) > 1 else [id % rows for id in range(1, 17)])[:longest]


def read(name: str, dtype: str | torch.dtype | None, revision: str | None) -> Source:
    """The model and the tokenizer of a checkpoint, as transformers reads them.

    Args:
        dtype: a key of `DTYPES`; None: that of the checkpoint.

    Raises: as `load` does.
    """
    torch_dtype = "auto" if dtype is None else _dtype(dtype)
    if revision is not None and not isinstance(revision, str):
        raise InvalidInput(f"revision must be text or None, not {shown(revision)}.")
    place = find(name, revision)
    folder = fetch(place)
    look(name, folder, place.words)
    with explained(name, "config.json"):
        values, _ = transformers.PretrainedConfig.get_config_dict(str(folder))
        adapter_class = adapter_for(values.get("model_type"))
        adapter_class.check(values)
        options = adapter_class.load_options(values)
        unread = adapter_class.unread(values)
        config = _config(values, options)
    if unread:
        log.debug("%s: not read of config.json: %s", name, ", ".join(unread))
    with explained(name):
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
            str(folder),
            config=config,
            dtype=torch_dtype,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # _check_report refuses them, and says which
        )
        model, report = loaded
        _check_report(name, report, adapter_class.parts.blocks)
    tokenizer = _tokenizer(name, folder, place.words)
    with explained(name):
        model = model.eval().requires_grad_(False)
        return Source(model, tokenizer, adapter_class(model), place.revision, options, unread)


def _name(given: str | os.PathLike[str]) -> str:
    """A name or path as text."""
    try:
        path = os.fspath(given)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise InvalidInput(
            "A model is given by its name or folder (text or a path), not as "
            f"{type(given).__name__}; save_pretrained writes a folder."
        )
    return path


def _dtype(given: str | torch.dtype) -> torch.dtype:
    for name, dtype in DTYPES.items():
        if given is dtype or (isinstance(given, str) and given == name):
            return dtype
    raise OutOfRange(f"dtype must be one of {', '.join(DTYPES)}, not {shown(given)}.")


def choose_device(device: str | torch.device | None) -> torch.device:
    """`auto` and None take CUDA, then Apple's MPS, then the CPU.

    Raises:
        LoadError: torch does not know the device or cannot reach it.
    """
    if device is None or device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        if not isinstance(device, str | torch.device):
            raise TypeError("it is neither a name nor a torch.device")
        chosen = torch.device(device)
        torch.zeros(1, device=chosen).item()  # what has no memory cannot give it back
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise LoadError(
            f"Device {shown(device)} cannot be used here ({first_line(error)}); "
            "allowed are auto, cpu, cuda, cuda:N and mps, where present.",
            device=str(device),
        ) from error
    return chosen


def _config(values: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The config of a checkpoint as the options want it. Given to `from_pretrained` as arguments,
    they lose to what config.json says of the attention kernel."""
    kept = {key: value for key, value in values.items() if key not in ATTENTION_KEYS}
    settings = dict(options)
    settings.pop("attn_implementation", None)  # for other programs: ours does what it can do
    config = transformers.AutoConfig.for_model(**{**kept, **settings})
    config._attn_implementation = NAME
    return config


def _check_report(name: str, report: dict[str, Any], blocks: str) -> None:
    """Refuse a model that transformers made otherwise than its checkpoint has it.

    Args:
        report: what `from_pretrained` tells of keys.
        blocks: name of the list of blocks among the model's parts.

    Raises:
        InvalidCheckpoint: weights are missing, misshapen, or left over from a block.
    """
    missing = sorted(str(key) for key in report["missing_keys"])
    misshapen = sorted(str(key[0]) for key in report["mismatched_keys"])
    unexpected = sorted(str(key) for key in report["unexpected_keys"])
    if missing or misshapen:
        raise InvalidCheckpoint(
            f"{name} lacks weights, or has them in another shape than its config says: "
            f"{some([*missing, *misshapen])}.{_under_another_name(missing, unexpected)}",
            missing=missing,
            misshapen=misshapen,
        )
    # Weights of a block that the config does not have, or of something added to one: computing
    # without them would show another model. Heads for other tasks lie outside the blocks.
    in_a_block = re.compile(rf"(^|\.){re.escape(blocks)}\.\d+\.")
    leftover = [key for key in unexpected if in_a_block.search(key) and not is_mask(key)]
    if leftover:
        raise InvalidCheckpoint(
            f"{name} has weights that its config gives no place: {some(leftover)}.",
            leftover=leftover,
        )


def _under_another_name(missing: list[str], unexpected: list[str]) -> str:
    """That weights are there with something before their names, as wrappers save them."""
    there = set(unexpected)
    prefixes = {
        key.removesuffix(name) for name in missing for key in unexpected if key.endswith(name)
    }
    for prefix in sorted(prefixes, key=len):
        found = [name for name in missing if prefix + name in there]
        if len(found) > len(missing) / 2:
            return (
                f" {len(found)} of {len(missing)} are there under names that begin with "
                f"{prefix!r}, as a wrapper saves them; save the model inside it."
            )
    return ""


def _tokenizer(name: str, folder: Path, where: str) -> Any:
    """The checkpoint's own tokenizer.

    Raises:
        InvalidCheckpoint: there is none, or none that can be read.
    """
    try:
        tokenizer: Any = transformers.AutoTokenizer.from_pretrained(
            str(folder), trust_remote_code=False
        )
        # Without its files transformers makes one that knows nothing but special tokens.
        known = set(tokenizer.get_vocab().values()) - set(tokenizer.all_special_ids)
    except Exception as error:  # as open-ended as what config and weights lead to
        raise no_tokenizer(name, folder, where) or InvalidCheckpoint(
            f"transformers cannot read the tokenizer of {name}: {first_line(error)}", model=name
        ) from error
    if not known:
        raise no_tokenizer(name, folder, where) or InvalidCheckpoint(
            f"transformers finds no tokens in the tokenizer of {name}.", model=name
        )
    return tokenizer


def _is_tied(model: Any) -> bool:
    """Whether the unembedding is the embedding matrix, whatever the config says."""
    embedding, unembedding = model.get_input_embeddings(), model.get_output_embeddings()
    return embedding.weight is unembedding.weight or torch.equal(
        embedding.weight, unembedding.weight
    )


def _eos(model: Any, tokenizer: Any) -> frozenset[int]:
    """The end-of-text ids (rule 14): the generation config's, else the tokenizer's."""
    ids = model.generation_config.eos_token_id
    if ids is None:
        ids = tokenizer.eos_token_id
    return frozenset() if ids is None else frozenset([ids] if isinstance(ids, int) else ids)
