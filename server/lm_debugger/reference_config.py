"""LM-Debugger's own config files, their blanks filled in, as settings of this server.

{model_name: "gpt2-medium", device: "cpu", server_ip: "127.0.0.1", server_port: 8000, …}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

RENAMED = {
    "model_name": "models",
    "server_ip": "host",
    "server_port": "port",
    "top_k_tokens_for_ui": "legacy_top_k",
    "top_k_for_elastic": "legacy_projection_top_k",
    "num_clusters": "n_clusters",
    "server_files_dir": "cache_dir",
}
"""LM-Debugger's name of a setting -> ours."""

# Addresses of its three other servers, and the files that they exchanged: one process, no pickles.
_MEANINGLESS = re.compile(r"(elastic|react|streamlit)_\w+|create_cluster_files|num_layers")


def translate(values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Rename what has a meaning here. Returns the settings and the names that have none.

    A name that is in neither list is left as it is, for the caller to refuse. Our own name wins
    where a file has both.
    """
    translated: dict[str, Any] = {}
    ignored: list[str] = []
    for name, value in values.items():
        if name in RENAMED:
            translated.setdefault(RENAMED[name], value)
        elif _MEANINGLESS.fullmatch(name):
            ignored.append(name)
        else:
            translated[name] = value
    return translated, sorted(ignored)
