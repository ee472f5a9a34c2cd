"""Checkpoints: from a name or folder to a model, a tokenizer and an adapter.

Everything goes through transformers' own `from_pretrained`; what is added are refusals.
transformers fills missing weights with random numbers and ignores config keys it does not know,
both with a warning at most; a debugger that showed the predictions of such a model would lie.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import nn

from lm_debugger.engine.adapters import Adapter, adapter_for
from lm_debugger.errors import (
    DebuggerError,
    InvalidCheckpoint,
    LoadError,
    ModelNotFound,
    OutOfRange,
)

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
BUNDLED = ("demo",)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model in memory, ready to be debugged.

    `options` are what `from_pretrained` was told beyond the usual, `revision` is the hub's.
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


@dataclass(frozen=True, slots=True)
class Source:
    """What `from_pretrained` gave, on the CPU; `adapter` looks at `model`."""

    model: Any
    tokenizer: Any
    adapter: Adapter
    options: Mapping[str, Any]


def load(name_or_path: str, device: torch.device, dtype: str, revision: str | None) -> Checkpoint:
    """Load a checkpoint, safetensors only, no code from the checkpoint.

    Args:
        name_or_path: "demo", a folder, or a hub id such as "gpt2-medium".
        dtype: a key of `DTYPES`.
        revision: branch, tag or commit of a hub id.

    Raises:
        ModelNotFound: neither a folder nor in the local cache nor on the hub.
        UnsupportedModel: no adapter for the architecture, or a config switch it cannot honour.
        InvalidCheckpoint: no safetensors, missing or misshapen weights, no tokenizer.
    """
    source = read(name_or_path, dtype, revision)
    with _readable_errors(name_or_path):
        model = source.model.to(device)
        adapter_class = type(source.adapter)
        adapter_class.pack(model)
        adapter = adapter_class(model)
    return Checkpoint(
        id=name_or_path,
        adapter=adapter,
        tokenizer=source.tokenizer,
        eos_token_ids=_eos(model, source.tokenizer),
        n_parameters=sum(p.numel() for p in model.parameters()),
        tied_unembedding=bool(model.config.tie_word_embeddings),
        model_type=model.config.model_type,
        revision=revision,
        options=source.options,
    )


def read(name_or_path: str, dtype: str | None, revision: str | None) -> Source:
    """The model and the tokenizer of a checkpoint, as transformers reads them.

    Args:
        dtype: a key of `DTYPES`; None: that of the checkpoint.

    Raises: as `load` does.
    """
    if dtype is not None and dtype not in DTYPES:
        raise OutOfRange(f"dtype must be one of {', '.join(DTYPES)}, not {dtype!r}.")
    source = _source(name_or_path)
    with _readable_errors(name_or_path):
        values, _ = transformers.PretrainedConfig.get_config_dict(source, revision=revision)
        adapter_class = adapter_for(str(values.get("model_type")))
        adapter_class.check(values)
        options = adapter_class.load_options(values)
        loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
            source,
            revision=revision,
            dtype="auto" if dtype is None else DTYPES[dtype],
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # _check_report refuses them, and says which
            **options,
        )
        model, report = loaded
        _check_report(name_or_path, report)
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, revision=revision)
        _check_tokenizer(name_or_path, tokenizer, model)
        model = model.eval().requires_grad_(False)
        return Source(model, tokenizer, adapter_class(model), options)


def choose_device(device: str) -> torch.device:
    """`auto` takes CUDA, then Apple's MPS, then the CPU.

    Raises:
        LoadError: torch does not know the device or cannot reach it.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise LoadError(
            f"Device {device!r} cannot be used here ({_first_line(error)}); "
            "allowed are auto, cpu, cuda, cuda:N and mps, where present.",
            device=device,
        ) from error
    return chosen


def _source(name_or_path: str) -> str:
    """Bundled model -> its folder; folder -> itself; anything else must look like a hub id.

    A path that does not exist is an error, never a download.
    """
    if name_or_path in BUNDLED:
        return str(resources.files("lm_debugger.demo") / "model")
    path = Path(name_or_path).expanduser()
    if name_or_path.strip() and path.is_dir():
        if not (path / "config.json").is_file():
            raise InvalidCheckpoint(
                f"The folder {name_or_path} has no config.json; it is not a checkpoint that "
                "save_pretrained wrote.",
                model=name_or_path,
            )
        if not any(path.glob("*.safetensors")):
            raise InvalidCheckpoint(
                f"The folder {name_or_path} has no weights in safetensors format. Pickled weights "
                "can run code and are not loaded; convert them with "
                "save_pretrained(..., safe_serialization=True).",
                model=name_or_path,
            )
        return str(path)
    looks_like_path = (
        name_or_path.startswith((".", "/", "~", os.sep))
        or name_or_path.count("/") > 1
        or (os.sep != "/" and os.sep in name_or_path)
    )
    if looks_like_path or not name_or_path.strip():
        raise ModelNotFound(f"There is no folder {name_or_path!r}.", model=name_or_path)
    return name_or_path


class _readable_errors:
    """Turns what transformers and the hub raise into one sentence each."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        match error:
            case OSError() if "safetensors" in str(error):
                raise InvalidCheckpoint(
                    f"{self._name} has no weights in safetensors format; other formats are not "
                    "loaded.",
                    model=self._name,
                ) from error
            case OSError() if Path(self._name).expanduser().is_dir() or self._name in BUNDLED:
                raise InvalidCheckpoint(
                    f"{self._name} cannot be read: {_first_line(error)}", model=self._name
                ) from error
            case OSError():
                raise ModelNotFound(
                    f"{self._name!r} is neither a folder nor a model in the local Hugging Face "
                    f"cache, and it could not be fetched from the hub ({_first_line(error)})",
                    model=self._name,
                ) from error
            case None | DebuggerError():
                return
            case MemoryError() | torch.OutOfMemoryError():
                raise LoadError(
                    f"There is not enough memory for {self._name}: {_first_line(error)}",
                    model=self._name,
                ) from error
            case Exception():  # what a config or weights that make no sense lead to is open-ended
                raise InvalidCheckpoint(
                    f"{self._name} is not a sound checkpoint: {_first_line(error)}",
                    model=self._name,
                ) from error


# Constant masks that old versions of transformers saved with the weights.
_OLD_MASKS = (".attn.bias", ".attn.masked_bias")


def _check_report(name: str, report: dict[str, Any]) -> None:
    missing = sorted(str(key) for key in report["missing_keys"])
    misshapen = sorted(str(key[0]) for key in report["mismatched_keys"])
    if missing or misshapen:
        raise InvalidCheckpoint(
            f"{name} lacks weights, or has them in another shape than its config says: "
            f"{_some([*missing, *misshapen])}.",
            missing=missing,
            misshapen=misshapen,
        )
    # Weights of a block that the config does not have, or of something added to one: computing
    # without them would show another model. Heads for other tasks lie outside the blocks.
    leftover = sorted(
        str(key)
        for key in report["unexpected_keys"]
        if any(part.isdigit() for part in str(key).split(".")) and not key.endswith(_OLD_MASKS)
    )
    if leftover:
        raise InvalidCheckpoint(
            f"{name} has weights that its config gives no place: {_some(leftover)}.",
            leftover=leftover,
        )


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:5]) + (f" and {len(keys) - 5} more" if len(keys) > 5 else "")


def _check_tokenizer(name: str, tokenizer: Any, model: nn.Module) -> None:
    rows: int = model.get_input_embeddings().weight.shape[0]  # type: ignore[operator]
    if not tokenizer("a", add_special_tokens=False)["input_ids"]:
        raise InvalidCheckpoint(
            f"{name} has no tokenizer files (tokenizer.json, or vocab.json and merges.txt).",
            model=name,
        )
    if len(tokenizer) > rows:
        raise InvalidCheckpoint(
            f"The tokenizer of {name} has {len(tokenizer)} tokens, its embedding {rows} rows.",
            model=name,
        )


def _eos(model: Any, tokenizer: Any) -> frozenset[int]:
    """The end-of-text ids (rule 14): the generation config's, else the tokenizer's."""
    ids = model.generation_config.eos_token_id
    if ids is None:
        ids = tokenizer.eos_token_id
    return frozenset() if ids is None else frozenset([ids] if isinstance(ids, int) else ids)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
