"""How a served model comes into memory: room is made sure of, weights are fetched, then read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lm_debugger.api import capacity
from lm_debugger.api.progress import Progress, Report, bytes_reported, silent, tensors_reported

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.settings import Settings

log = logging.getLogger(__name__)


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
        from lm_debugger.engine.loading import BUNDLED, choose_device

        settings = self._settings
        report(Progress("starting"))
        revision = None if name in BUNDLED else settings.revision
        device = str(choose_device(settings.device))
        files = capacity.weight_files(name, revision)
        stored = sum(file.stat().st_size for file in files)
        need = self._make_sure(name, capacity.count_parameters(files), device, stored)
        if not files:
            need = self._fetch(name, revision, device, report)
        with tensors_reported(report), _without_a_hub_that_is_away(name, revision, files):
            debugger = Debugger.load(
                name,
                device=device,
                dtype=settings.dtype,
                revision=revision,
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

    def _fetch(self, name: str, revision: str | None, device: str, report: Report) -> int:
        """Bring the weights of a hub id into the cache, if they fit into memory. Whatever else is
        in the way is said by the loading that follows."""
        if Path(name).expanduser().exists():
            return 0
        from huggingface_hub import HfApi, hf_hub_download

        try:
            described = HfApi().get_safetensors_metadata(name, revision=revision)
        except Exception:  # no such model, no network, no safetensors: open-ended
            return 0
        tensors = [
            (key, tensor)
            for file in described.files_metadata.values()
            for key, tensor in file.tensors.items()
        ]
        total = sum(tensor.data_offsets[1] - tensor.data_offsets[0] for _, tensor in tensors)
        counted = sum(t.parameter_count for key, t in tensors if not capacity.is_mask(key))
        need = self._make_sure(name, counted, device, total)
        bar = bytes_reported(report, total)
        for file in described.files_metadata:
            hf_hub_download(name, file, revision=revision, tqdm_class=bar)
        return need


@contextmanager
def _without_a_hub_that_is_away(
    name: str, revision: str | None, cached: list[Path]
) -> Iterator[None]:
    """Load what is in the cache from there alone if the hub cannot be reached: its client would try
    every small file again and again, for most of a minute."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    from lm_debugger.engine.loading import BUNDLED

    before = constants.HF_HUB_OFFLINE
    if cached and name not in BUNDLED and not Path(name).expanduser().exists() and not before:
        try:
            get_hf_file_metadata(hf_hub_url(name, "config.json", revision=revision), timeout=5)
        except HfHubHTTPError:
            pass  # it answered
        except Exception as error:  # however the network fails
            log.info("loading %s from the cache, as the hub cannot be reached: %s", name, error)
            constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before
