"""Enough file descriptors for the connections that the settings allow."""

from __future__ import annotations

import logging

from lm_debugger.errors import SettingsError
from lm_debugger.settings import Settings

log = logging.getLogger(__name__)

_OF_A_CONNECTION = 2
"""Its socket, and a file of the page that is sent on it."""

_OTHERS = 128
"""Models, indexes, the log, the loop, and what libraries open while they load."""

FEWEST = 10
"""Connections without which a browser does not get the page."""


def connections(settings: Settings) -> int:
    """How many connections at a time there are descriptors for, at most `max_connections`. Raises
    what the system allows this process, as far as it may.

    Raises:
        SettingsError: there are not enough for `FEWEST`.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return settings.max_connections
    needed = _OF_A_CONNECTION * settings.max_connections + settings.threads + _OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = needed if hard == unlimited else min(needed, hard)
    if soft != unlimited and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):  # macOS has a limit below what it names
            log.debug("The soft limit of open files stays at %d.", soft)
    if soft == unlimited or soft >= needed:
        return settings.max_connections
    room = (soft - settings.threads - _OTHERS) // _OF_A_CONNECTION
    if room < FEWEST:
        raise SettingsError(
            f"The system allows this process {soft} open files (ulimit -n), too few for "
            f"{settings.threads} threads and {FEWEST} connections: {_OF_A_CONNECTION} for each "
            f"connection, one for each thread (the setting threads) and {_OTHERS} for all else.",
            name="max_connections",
        )
    log.warning(
        "The system allows this process %d open files (ulimit -n): %d connections at a time "
        "instead of %d (the setting max_connections).",
        soft,
        room,
        settings.max_connections,
    )
    return room
