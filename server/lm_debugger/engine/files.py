"""What is wrong with the files of a checkpoint: each is looked at before a sentence says it.

Reads names, first bytes and headers, so it takes no time and imports neither torch nor
transformers. What it finds sound may still fail in transformers, which then says so itself.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lm_debugger.errors import InvalidCheckpoint

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"

SENTENCEPIECE_FILES = ("spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    *SENTENCEPIECE_FILES,
    "chat_template.jinja",
)
"""What the tokenizers of transformers are read from, as far as a checkpoint has them."""

_VOCABULARIES = ("tokenizer.json", "vocab.json", "vocab.txt", *SENTENCEPIECE_FILES)
"""Without one of these there is no tokenizer."""

_LFS = b"version https://git-lfs"
_ZIP = b"PK\x03\x04"
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_OTHER_FORMATS = {".h5": "TensorFlow", ".msgpack": "Flax", ".onnx": "ONNX", ".gguf": "GGUF"}


def look(name: str, folder: Path, where: str) -> None:
    """Refuse a folder whose files cannot make a model, and say which file and why.

    Args:
        name: of the model.
        where: the folder, in words.

    Raises:
        InvalidCheckpoint: naming the file that is missing, or what is in its place.
    """
    config = _json(name, folder / CONFIG) if _there(name, folder / CONFIG) else None
    whole = _there(name, folder / WEIGHTS)
    index = _there(name, folder / INDEX)
    if (folder / ADAPTER).is_file() and not (config is not None and (whole or index)):
        raise InvalidCheckpoint(
            f"{name} is a PEFT adapter, not a whole model: in {where} there is {ADAPTER}, but "
            f"{'no weights of the model' if config is not None else f'no {CONFIG}'}. "
            f"{merge_advice(_json(name, folder / ADAPTER))}",
            model=name,
        )
    if config is None:
        raise InvalidCheckpoint(
            f"There is no {CONFIG} in {where}, so it is no checkpoint as save_pretrained writes "
            f"them.{_found_there(folder)}",
            model=name,
        )
    if whole:
        _look_at_weights(name, folder / WEIGHTS)
    elif index:
        _look_at_shards(name, folder, where)
    else:
        raise InvalidCheckpoint(
            f"The weights of {name} are missing: there is neither {WEIGHTS} nor {INDEX} in "
            f"{where}.{_found_there(folder)}",
            model=name,
        )
    if (folder / ADAPTER).is_file() and _importable("peft"):
        raise InvalidCheckpoint(
            f"{name} is a whole model with a PEFT adapter beside it ({ADAPTER} in {where}), and as "
            "peft is installed, transformers would put the adapter into the model. Merge it, or "
            f"load a copy of the folder without {ADAPTER}.",
            model=name,
        )
    for file in TOKENIZER_FILES:
        is_json = file.endswith(".json")
        if _there(name, folder / file, may_be_empty=not is_json) and is_json:
            _json(name, folder / file)


def no_tokenizer(name: str, folder: Path, where: str) -> InvalidCheckpoint | None:
    """Why a folder gives no tokenizer, as far as its files tell; None: they do not."""
    found = [file for file in _VOCABULARIES if (folder / file).is_file()]
    if not found:
        return InvalidCheckpoint(
            f"The tokenizer of {name} is missing: there is none of {', '.join(_VOCABULARIES)} in "
            f"{where}.",
            model=name,
        )
    packages = {"sentencepiece": "sentencepiece", "protobuf": "google.protobuf"}
    missing = [package for package, module in packages.items() if not _importable(module)]
    if missing and found[0] in SENTENCEPIECE_FILES:
        return InvalidCheckpoint(
            f"The tokenizer of {name} is a SentencePiece file ({found[0]}), and reading it needs "
            f"{' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            'pip install "lm-debugger[sentencepiece]"',
            model=name,
        )
    return None


def merge_advice(adapter: Mapping[str, Any]) -> str:
    """What to do with a PEFT adapter, from its config."""
    base = adapter.get("base_model_name_or_path")
    kind = adapter.get("peft_type")
    what = f"a {kind} adapter" if isinstance(kind, str) else "an adapter"
    onto = f" onto {base}" if isinstance(base, str) and base else ""
    return (
        f"It has {what}{onto}; merge it with peft and load the result: "
        'AutoPeftModelForCausalLM.from_pretrained(…).merge_and_unload().save_pretrained("merged"), '
        "and save the tokenizer there, too."
    )


def _there(name: str, file: Path, *, may_be_empty: bool = False) -> bool:
    """Is there such a file? One that is only named, or is something else, is refused.

    Raises:
        InvalidCheckpoint: a link to nothing, a git-lfs pointer, a web page, an empty file.
    """
    if not file.is_file():
        if file.is_symlink():
            raise InvalidCheckpoint(
                f"{file.name} of {name} is a link to {file.readlink()}, which is not there "
                f"(in {file.parent}); the download may have been interrupted, or cleaned up.",
                model=name,
            )
        return False
    try:
        with file.open("rb") as opened:
            first = opened.read(256)
    except OSError as error:
        raise InvalidCheckpoint(
            f"{file.name} of {name} cannot be read: {error.strerror or error} ({file}).", model=name
        ) from error
    what = _instead(first)
    if what and (first or not may_be_empty):
        raise InvalidCheckpoint(f"{file.name} of {name} is {what} ({file}).", model=name)
    return True


def _instead(first: bytes) -> str:
    """What a file is that should hold weights or JSON, by its first bytes; empty where it may be
    what it should."""
    if not first:
        return "empty"
    if first.startswith(_LFS):
        return "a git-lfs pointer, not the file itself; `git lfs pull` in the clone fetches it"
    if first.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a web page, not the file itself; download it anew"
    return ""


def _json(name: str, file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text("utf-8"))
    except ValueError as error:  # not JSON, or not UTF-8
        raise InvalidCheckpoint(
            f"{file.name} of {name} is not valid JSON: {error} ({file}).", model=name
        ) from error
    if not isinstance(value, dict):
        raise InvalidCheckpoint(f"{file.name} of {name} holds no JSON object ({file}).", model=name)
    return value


def _look_at_shards(name: str, folder: Path, where: str) -> None:
    index = _json(name, folder / INDEX)
    weight_map = index.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise InvalidCheckpoint(
            f"{INDEX} of {name} does not say which file holds which weight (weight_map).",
            model=name,
        )
    parts = sorted(set(map(str, weight_map.values())))
    missing = [part for part in parts if not _there(name, folder / part)]
    if missing:
        raise InvalidCheckpoint(
            f"{len(missing)} of the {len(parts)} files of weights that {INDEX} of {name} names "
            f"{'is' if len(missing) == 1 else 'are'} not in {where}: {some(missing)}.",
            model=name,
            missing=missing,
        )
    for part in parts:
        _look_at_weights(name, folder / part)


def _look_at_weights(name: str, file: Path) -> None:
    """The header of a safetensors file: 8 bytes with its length, then JSON with each tensor's place
    in what follows (https://huggingface.co/docs/safetensors)."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        start = opened.read(8)
        if start.startswith(_ZIP):
            raise InvalidCheckpoint(
                f"{file.name} of {name} is a zip archive, as torch.save writes, not safetensors. "
                f"Pickled weights can run code and are not loaded. ({file})",
                model=name,
            )
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= size - 8:
            raise InvalidCheckpoint(
                f"{file.name} of {name} is not a whole safetensors file: its header should have "
                f"{length:,} bytes, the file has {size:,} ({file}).",
                model=name,
            )
        header = opened.read(length)
    try:
        tensors = json.loads(header)
        ends = [
            int(entry["data_offsets"][1]) for key, entry in tensors.items() if key != "__metadata__"
        ]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidCheckpoint(
            f"{file.name} of {name} has no header of a safetensors file ({file}).", model=name
        ) from error
    whole = 8 + length + max(ends, default=0)
    if size < whole:
        raise InvalidCheckpoint(
            f"{file.name} of {name} is cut off: its header speaks of {whole:,} bytes, the file has "
            f"{size:,} ({file}).",
            model=name,
        )


def _found_there(folder: Path) -> str:
    """What of another kind lies in a folder, as a sentence with a blank before it, or nothing."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    pickled = [name for name in names if name.endswith(_PICKLED)]
    if pickled:
        return (
            f" There is {some(pickled)}: pickled weights can run code and are not loaded. Convert "
            "them once: AutoModelForCausalLM.from_pretrained(…).save_pretrained(…) writes "
            "safetensors."
        )
    others = [name for name in names if name.endswith(tuple(_OTHER_FORMATS))]
    if others:
        kind = _OTHER_FORMATS[Path(others[0]).suffix]
        return f" There is {some(others)} ({kind}), which is not loaded."
    unread = [name for name in names if name.endswith(".safetensors")]
    if unread:
        return f" There is {some(unread)}, a name that transformers does not read."
    return ""


def is_mask(key: str) -> bool:
    """A constant that old versions of transformers saved with the weights; it is not loaded."""
    return key.endswith((".attn.bias", ".attn.masked_bias"))


def some(names: list[str]) -> str:
    """Up to five names, and how many more there are."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # its parent is not there
        return False
