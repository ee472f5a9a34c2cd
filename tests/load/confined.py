"""Commands that run a program short of something: disk, a folder to write to, memory."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

_DISK = 'mount -t tmpfs -o "$0" tmpfs "$1" && {} && shift && exec "$@"'
_LIMIT = """
import os, resource, sys
kind = getattr(resource, sys.argv[1])
resource.setrlimit(kind, (int(sys.argv[2]), resource.getrlimit(kind)[1]))
os.execvp(sys.argv[3], sys.argv[3:])
"""

NO_FOLDER = Path("/sys/lm-debugger")
"""Nobody can make a folder there, not even root."""


@cache
def may_mount() -> bool:
    """May programs have file systems of their own here? Not in every container."""
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /proc"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def on_a_disk(folder: Path, options: str, first: str = "true") -> list[str]:
    """With a small disk of its own at `folder`, which ends with the program.

    Args:
        first: what a shell does there before; "$1" is the folder.
    """
    return ["unshare", "-rm", "sh", "-c", _DISK.format(first), options, str(folder)]


def limited(kind: str, value: int) -> list[str]:
    """With a limit of `resource`, such as RLIMIT_AS; it can be lifted from outside."""
    return [sys.executable, "-c", _LIMIT, kind, str(value)]
