"""What the C library is told about memory. Nothing else in this package calls into it."""

from __future__ import annotations

import ctypes
import mmap
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_M_ARENA_MAX = -8
"""From glibc's malloc.h."""

_MADV_COLD = 20
"""From Linux's mman-common.h."""

_ARENAS = 2

_MAPS = Path("/proc/self/smaps")
_OWN = re.compile(r"^(Anonymous|Swap|Private_Hugetlb): +(\d+) kB", re.MULTILINE)
"""What of a mapping is nowhere but in this process, and so would be lost."""


def share_arenas() -> None:
    """Let all threads take memory from two heaps instead of up to eight per core: each keeps the
    most that its threads ever needed at once, for a server's many threads hundreds of megabytes.
    One request computes at a time, so nobody waits for a heap. Does nothing where the C library is
    another than glibc."""
    if _is_glibc():
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def trim() -> None:
    """Give freed memory back to the system, which glibc keeps otherwise: 700 MB after the weights
    of GPT-2 medium were packed."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def let_go(addresses: Iterable[int]) -> None:
    """Take the pages of mapped files off this process, which brings back those that it reads again.

    They stay in the system's cache of files, as the first that it gives up, so nothing is read from
    disk as long as there is room. A mapping that was written to is left as it is: its pages are
    nowhere else. Nobody else may write to these addresses meanwhile. Does nothing where the system
    does not tell what is mapped, as Linux does.

    Args:
        addresses: within the mappings of the files; others are passed over.
    """
    wanted = list(addresses)
    for start, end in _clean_mappings():
        if any(start <= address < end for address in wanted):
            advise = ctypes.CDLL(None).madvise
            advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
            for advice in (_MADV_COLD, mmap.MADV_DONTNEED):
                advise(start, end - start, advice)


def _clean_mappings() -> Iterator[tuple[int, int]]:
    """Mappings of which everything is in a file: (first address, last + 1)."""
    try:
        parts = re.split(r"^(?=[0-9a-f]+-)", _MAPS.read_text(), flags=re.MULTILINE)
    except OSError:
        return
    for part in filter(None, parts):
        own = dict(_OWN.findall(part))
        if len(own) == 3 and set(own.values()) == {"0"}:
            start, end = part.split(maxsplit=1)[0].split("-")
            yield int(start, 16), int(end, 16)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
