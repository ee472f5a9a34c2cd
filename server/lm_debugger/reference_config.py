"""LM-Debugger's own config files, their blanks filled in, as settings of this server.

{model_name: "gpt2-medium", device: "cpu", server_ip: "127.0.0.1", server_port: 8000, …}

Its server listened on every address and answered pages of any origin; `server_ip` was only what
browsers were told. Here each of these is decided, and what was decided is said.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from lm_debugger.errors import SettingsError

RENAMED = {
    "model_name": "models",
    "server_ip": "host",
    "server_port": "port",
    "streamlit_port": "explore_port",
    "top_k_tokens_for_ui": "legacy_top_k",
    "top_k_for_elastic": "legacy_projection_top_k",
    "num_clusters": "n_clusters",
    "server_files_dir": "cache_dir",
}
"""LM-Debugger's name of a setting -> ours."""

OTHERS = ("react_ip", "react_port", "create_cluster_files")
"""Those that are no setting of their own, but decide one."""

# Addresses of its other servers, and the files that they exchanged: one process, no pickles.
_MEANINGLESS = re.compile(r"(elastic|react|streamlit)_\w+|num_layers")

_HOST_NAME = re.compile(r"[A-Za-z0-9.-]+")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Translated:
    """What a config file comes to.

    Attributes:
        settings: by our names; one that is neither ours nor LM-Debugger's is left as it is, for the
            caller to refuse.
        names: our name -> LM-Debugger's, where that one was written.
        notices: what was decided, one sentence each, without its full stop.
        ignored: names without a meaning here.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def translate(values: Mapping[str, Any], decided: Collection[str] = ()) -> Translated:
    """Read a file, LM-Debugger's or ours. Our own name wins where it has both.

    Args:
        decided: settings that the environment or flags decide; nothing is derived for these.

    Raises:
        SettingsError: `create_cluster_files` is neither true nor false.
    """
    found = Translated()
    for name, value in values.items():
        if name in RENAMED:
            if RENAMED[name] not in values:
                found.settings[RENAMED[name]] = value
                found.names[RENAMED[name]] = name
        elif name not in OTHERS and _MEANINGLESS.fullmatch(name):
            found.ignored.append(name)
        elif name not in OTHERS:
            found.settings[name] = value
    is_open = {*RENAMED.values(), "allowed_hosts", "cors_origins"} - {*values, *decided}
    if "create_cluster_files" in values:
        _clusters(values["create_cluster_files"], found, is_open)
    _react(values, found, is_open)
    if "server_ip" in values and "host" in is_open:
        _listen(values, found, decided)
    found.ignored.sort()
    return found


def _clusters(wanted: Any, found: Translated, is_open: Collection[str]) -> None:
    if not isinstance(wanted, bool):
        raise SettingsError(
            f"The setting create_cluster_files must be true or false; it is {json.dumps(wanted)}.",
            name="create_cluster_files",
        )
    if not wanted and "n_clusters" in is_open:
        found.settings["n_clusters"] = 0
        found.notices.append(
            "create_cluster_files is false, so no clusters are built; --n-clusters N builds them"
        )


def _react(values: Mapping[str, Any], found: Translated, is_open: Collection[str]) -> None:
    """LM-Debugger's page comes from a server of its own, so its origin has to be allowed."""
    host, port = values.get("react_ip", "localhost"), values.get("react_port")
    if not (isinstance(host, str) and re.fullmatch(r"[1-9]\d{0,4}", str(port))):
        found.ignored.extend(name for name in ("react_ip", "react_port") if name in values)
        return
    if "cors_origins" not in is_open:
        return
    names = [host.lower().strip("[]")]
    if _is_this_machine(names[0]):
        # To a browser these are different origins, and people type either.
        names += [name for name in _LOOPBACK_NAMES[:2] if name != names[0]]
    if not all(_HOST_NAME.fullmatch(name) or _is_ipv6(name) for name in names):
        found.ignored.extend(name for name in ("react_ip", "react_port") if name in values)
        return
    suffix = "" if str(port) == "80" else f":{port}"  # as browsers write it
    origins = [f"http://{f'[{name}]' if _is_ipv6(name) else name}{suffix}" for name in names]
    found.settings["cors_origins"] = origins
    found.notices.append(f"pages of {' and '.join(origins)} may call this server (react_ip)")


def _listen(values: Mapping[str, Any], found: Translated, decided: Collection[str]) -> None:
    """Listen everywhere where `server_ip` is what browsers are told and nothing of this machine:
    the address outside of a router, a container or a cloud."""
    told = values["server_ip"]
    if not isinstance(told, str) or not told:
        return
    reason = _why_not(told.strip("[]"))
    if reason is None:
        return
    everywhere = "::" if _is_ipv6(told.strip("[]")) else "0.0.0.0"
    found.settings["host"] = everywhere
    notice = f"server_ip {told} cannot be listened on ({reason}), so it is all addresses of this "
    notice += f"machine ({everywhere})"
    if "allowed_hosts" not in decided:
        # Listening everywhere must not mean to answer under any name: see `_refuse_foreign_host`.
        names = [told, values.get("streamlit_ip"), *_LOOPBACK_NAMES]
        ours = [name.lower().strip("[]") for name in names if isinstance(name, str) and name]
        own = values.get("allowed_hosts", [])
        own = own.split(",") if isinstance(own, str) else list(own)
        found.settings["allowed_hosts"] = list(dict.fromkeys([*own, *ours]))
        notice += f", under the names {', '.join(found.settings['allowed_hosts'])}"
        notice += " (--allowed-host for others)"
    found.notices.append(notice)


def _why_not(host: str) -> str | None:
    """Why this machine cannot listen there; None if it can."""
    try:
        addresses = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(addresses, key=lambda item: item[0])
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return None


def _is_this_machine(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _is_ipv6(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).version == 6
    except ValueError:
        return False
