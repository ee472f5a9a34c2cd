"""How a served model comes into memory: room is made sure of, weights are fetched, then read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from lm_debugger.api import capacity
from lm_debugger.api.progress import Progress, Report, bytes_reported, silent, tensors_reported
from lm_debugger.engine.files import is_mask
from lm_debugger.engine.places import BUNDLED, Place, fetch, find, weight_files

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.settings import Settings


class Loader:
    """`Debugger.load` as the settings want it. torch is imported when the first model loads.

    Args:
        free: bytes of main memory that are free; None where that is not known.
    """

    def __init__(
        self, settings: Settings, free: Callable[[], int | None] = capacity.free_memory
    ) -> None:
        self._settings = settings
        self._free = free
        self._taken = 0
        """Bytes that the models loaded so far need."""
        self._at_first: int | None = None
        """Bytes that were free before the first."""

    def __call__(self, name: str, report: Report = silent) -> Debugger:
        """
        Raises:
            LoadError: too little memory, or one of its subclasses says what is wrong.
        """
        from lm_debugger.engine.debugger import Debugger
        from lm_debugger.engine.loading import choose_device

        settings = self._settings
        report(Progress("starting"))
        place = find(name, settings.revision)
        known = place.folder or place.cached
        files = weight_files(known) if known else []
        device = str(choose_device(settings.device))
        stored = sum(file.stat().st_size for file in files)
        need = self._make_sure(name, capacity.count_parameters(files), device, stored)
        if place.folder is None and not files:
            need = self._fetch(place, device, report)
        with tensors_reported(report):
            debugger = Debugger.load(
                name,
                device=device,
                dtype=settings.dtype,
                revision=None if name in BUNDLED else settings.revision,
                limits=settings.limits,
            )
        self._taken += need
        return debugger

    def _make_sure(
        self, name: str, n_parameters: int | None, device: str, stored_bytes: int
    ) -> int:
        """The bytes that it needs, 0 where that cannot be told; raises LoadError."""
        if n_parameters is None:
            return 0
        need = capacity.needed(n_parameters, self._settings.dtype, device, stored_bytes)
        limit = self._settings.memory_limit_mb
        if limit is None:
            capacity.check(name, need, self._still_free(device))
            capacity.check(
                name, need, capacity.free_on_gpu(device), f"{{}} MB are free on {device}"
            )
        elif limit > 0:
            left = "{} MB are left of memory_limit_mb"
            capacity.check(name, need, limit * 10**6 - self._taken, left)
        return need

    def _still_free(self, device: str) -> int | None:
        """Weights on the CPU stay in their files, mapped into memory: what the models before this
        one need counts as free as long as it has not been read, and may be taken from them."""
        free = self._free()
        if self._at_first is None:
            self._at_first = free
        if free is None or self._at_first is None or device != "cpu":
            return free
        return min(free, self._at_first - self._taken)

    def _fetch(self, place: Place, device: str, report: Report) -> int:
        """Bring the files of a hub id into the cache, if they fit into memory. Whatever else is in
        the way is said by the loading that follows."""
        from huggingface_hub import HfApi

        try:
            described = HfApi().get_safetensors_metadata(place.name, revision=place.revision)
        except Exception:  # no safetensors, the hub went away: open-ended
            return 0
        tensors = [
            (key, tensor)
            for file in described.files_metadata.values()
            for key, tensor in file.tensors.items()
        ]
        total = sum(tensor.data_offsets[1] - tensor.data_offsets[0] for _, tensor in tensors)
        counted = sum(t.parameter_count for key, t in tensors if not is_mask(key))
        need = self._make_sure(place.name, counted, device, total)
        fetch(place, bytes_reported(report, total))
        return need
