"""Files of an index: content-addressed, written at once or not at all, verified when opened.

The folder's name is a hash of the weights that the index speaks of, of the tokenizer and of the
format, so two models can never be mixed up and an old format is never read. Each file is
safetensors (no pickle), memory-mapped, and carries a hash of its tensors, its name and its model:
whatever is missing, truncated, altered, or sound but another file's (a copy, a rename, a backup put
back in the wrong place) is a miss and is built again. Servers that share a folder write the same
bytes under the same names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from lm_debugger.engine.adapters import Adapter
from lm_debugger.engine.vocabulary import Vocabulary
from lm_debugger.errors import IndexStorage

FORMAT = "2"
"""Part of a model's fingerprint, so that an index of another format is in another folder."""
_STALE_SECONDS = 3600


def fingerprint(adapter: Adapter, vocabulary: Vocabulary) -> str:
    """32 hex digits that change with anything an index depends on: E, value vectors, tokens."""
    digest = hashlib.blake2b(FORMAT.encode(), digest_size=16)
    matrices = (adapter.value_directions(layer) for layer in range(adapter.n_layers))
    for tensor in (adapter.unembedding, *matrices):
        digest.update(f"{tuple(tensor.shape)}{tensor.dtype}".encode())
        digest.update(_bytes(tensor))
    for id in range(adapter.unembedding.shape[0]):
        digest.update(vocabulary.piece(id).encode() + b"\0")
    return digest.hexdigest()


class Store:
    """One index's folder, made when first written to. The name of a file says what is in it: the
    stage and everything that the stage depends on beside the model, such as the layer or k.

    Args:
        cache_dir: in which each index has a folder of its own.
        model: its `fingerprint`.
    """

    def __init__(self, cache_dir: Path, model: str) -> None:
        self.folder = cache_dir / model
        self._model = model

    def load(self, name: str) -> dict[str, Tensor] | None:
        """Memory-mapped tensors of a file, or None if there is no sound one that was saved for this
        model under this name."""
        path = self._path(name)
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in sorted(file.keys())}
        except (OSError, SafetensorError):
            return None
        return tensors if metadata.get("blake2b") == self._hash(name, tensors) else None

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write a file under a temporary name, then rename it.

        Raises:
            IndexStorage: the disk is full or the folder cannot be written to.
        """
        path = self._path(name)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        content = {key: tensors[key].contiguous() for key in sorted(tensors)}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(save(content, metadata={"blake2b": self._hash(name, content)}))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise IndexStorage(_sentence(error), folder=str(self.folder)) from error

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove temporary files that a killed build left behind an hour ago or more."""
        for path in self.folder.glob(".*.tmp"):
            try:
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()
            except FileNotFoundError:  # another server swept it
                continue

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    def _hash(self, name: str, tensors: Mapping[str, Tensor]) -> str:
        digest = hashlib.blake2b(f"{self._model}\0{name}\0".encode(), digest_size=16)
        for key, tensor in tensors.items():
            digest.update(f"{key}{tuple(tensor.shape)}{tensor.dtype}".encode())
            digest.update(_bytes(tensor))
        return digest.hexdigest()


def _bytes(tensor: Tensor) -> memoryview:
    flat = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8)
    content: NDArray[np.uint8] = flat.numpy()
    return content.data


def _sentence(error: OSError) -> str:
    """Without the folder: whoever asks the server reads this, and where things are on its machine
    is for its log alone."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            "The disk is full: the index could not be written. Free some space or choose another "
            "folder with --cache-dir; everything that needs no index works on."
        )
    return (
        f"The index could not be written ({error.strerror}). Choose another folder "
        "with --cache-dir; everything that needs no index works on."
    )
