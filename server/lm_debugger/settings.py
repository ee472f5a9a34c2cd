"""Every setting, once: name, type, default, description, flag, environment variable.

Settings come from a Jsonnet file (`--config FILE`), the environment (`LM_DEBUGGER_PORT=9000`) and
command-line flags; a later one of these three wins. The one model below feeds validation and, by
`settings_table.py`, the command line's help, `/api/v1/settings` and the table in docs/settings.md.
Nothing here knows HTTP, click or torch. Where values come from is in `settings_sources.py`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from lm_debugger.engine.types import LIMITS, Limits

PREFIX = "LM_DEBUGGER_"
BUILD_PREFIX = "LM_DEBUGGER_BUILD_"
"""Variables that begin so belong to the build of the package, not to the server."""

NameList = Annotated[list[str], NoDecode]
"""In the environment: names separated by commas."""

_DEVICE = r"^(auto|cpu|mps|cuda(:\d+)?)$"
_PATH_PART = re.compile(r"[A-Za-z0-9._~-]+")
_STORAGE = r"^(memory|rediss?)://"
PATTERNS = {
    _DEVICE: "must be one of auto, cpu, cuda, cuda:N, mps",
    _STORAGE: "must be memory:// or an address that begins with redis:// or rediss://",
}
"""What the patterns ask for, in words."""
_ORIGIN = re.compile(r"\*|https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?")


class Settings(BaseSettings):
    """What a server is told. `settings_sources.load` is the usual way to get one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    models: NameList = Field(
        ["demo"],
        min_length=1,
        description="models to serve: `demo`, a hub id or a folder; the first is the default",
        json_schema_extra={"flag": "MODEL …"},
    )
    revision: str | None = Field(
        None, description="branch, tag or commit of the models on the hub", min_length=1
    )
    device: str = Field(
        "auto", pattern=_DEVICE, description="where the models run: auto, cpu, cuda, cuda:N or mps"
    )
    dtype: Literal["float32", "float16", "bfloat16"] = Field(
        "float32", description="number format of the weights: float32, float16 or bfloat16"
    )
    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="address to listen on; the default can be reached from this machine only",
    )
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    listen_when_ready: bool = Field(
        False,
        description="refuse connections until the models are loaded, so that a reverse proxy turns "
        "to another server meanwhile",
    )
    explore_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="further port that leads to the page: where the links of LM-Debugger's own "
        "page to its exploration go (its streamlit_port)",
    )
    hosted: bool = Field(
        False,
        description="for a server that strangers reach: see Hosting for what this switches on",
    )
    base_url: str = Field(
        "/", description="path under which a reverse proxy shows the server, such as /lm/"
    )
    trusted_proxies: NameList = Field(
        [],
        description="addresses or networks (10.0.0.0/8) of the reverse proxies whose "
        "`X-Forwarded-*` headers are believed; `*` for all; nobody's if empty",
        json_schema_extra={"flag": "--trusted-proxy"},
    )
    memory_limit_mb: int | None = Field(
        None,
        ge=0,
        description="memory that the models may need together, in MB (10⁶ bytes); by default what "
        "the machine, its container or its GPU has free; 0 loads without looking",
    )
    allowed_hosts: NameList = Field(
        [],
        description="further names under which the server may be addressed (`Host` header); "
        "on a loopback address only loopback names are accepted otherwise, against DNS rebinding",
        json_schema_extra={"flag": "--allowed-host"},
    )
    cors_origins: NameList = Field(
        [],
        description="origins whose pages may call the API (http://localhost:3000); none if empty",
        json_schema_extra={"flag": "--cors-origin"},
    )
    threads: int = Field(
        80, ge=1, le=1024, description="requests that are worked on or wait at a time, all in all"
    )
    max_connections: int = Field(200, ge=10, le=10000, description="open connections at a time")
    max_body_bytes: int = Field(
        1_000_000, ge=1000, le=100_000_000, description="largest request body, in bytes"
    )
    max_prompt_chars: int = Field(
        50_000, ge=1, le=10_000_000, description="longest prompt, in characters"
    )
    max_interventions: int = Field(
        LIMITS.max_interventions, ge=0, le=100_000, description="interventions in one request"
    )
    max_top_k: int = Field(
        LIMITS.max_top_k, ge=50, le=10_000, description="largest top_k of a request"
    )
    max_new_tokens: int = Field(
        LIMITS.max_new_tokens,
        ge=10,
        le=100_000,
        description="tokens that one request may generate",
    )
    max_positions: int = Field(
        LIMITS.max_positions,
        ge=1,
        le=100_000,
        description="prompt positions that one request may trace",
    )
    max_waiting: int = Field(
        LIMITS.max_waiting,
        ge=0,
        le=10_000,
        description="requests that may wait for a model before a 503",
    )
    max_reply_mb: int | None = Field(
        32, ge=1, le=10_000, description="largest reply, in MB (10⁶ bytes), by what is asked for"
    )
    max_unread_mb: int = Field(
        256,
        ge=1,
        le=1_000_000,
        description="replies that wait in memory to be read, in MB (10⁶ bytes), all in all; for "
        "one address a quarter of that",
    )
    max_prompt_tokens: int | None = Field(
        None, ge=1, description="longest prompt, in tokens; by default as long as the model reads"
    )
    max_seconds: float = Field(
        120.0,
        gt=0,
        le=86_400,
        description="seconds that one request may take, waiting included; then its work ends",
    )
    max_requests_per_minute: int = Field(
        300, ge=1, le=1_000_000, description="requests of one client in a minute, when hosted"
    )
    max_requests_at_once: int = Field(
        16,
        ge=1,
        le=1024,
        description="requests of one client that are worked on or wait at a time, when hosted",
    )
    rate_limit_storage: str = Field(
        "memory://",
        pattern=_STORAGE,
        description="where requests are counted when hosted: memory://, or redis://HOST:PORT/N, "
        "which several servers can share",
        json_schema_extra={"private": True},
    )
    legacy_top_k: int = Field(
        10,
        ge=1,
        description="items per list in LM-Debugger's `/get_data`, within max_top_k",
    )
    legacy_projection_top_k: int = Field(
        50, ge=1, description="tokens in LM-Debugger's `/get_projections`, within max_top_k"
    )
    auto_index: bool = Field(
        True,
        description="build the index that Explore searches in the background, once per model",
    )
    cache_dir: Path | None = Field(
        None,
        description="folder of the indexes; by default the system's folder for caches",
        json_schema_extra={"private": True},
    )
    n_clusters: int | None = Field(
        None,
        ge=0,
        description="clusters of value vectors, 0 for none; by default about one per 32 vectors",
    )
    cluster_method: Literal["kmeans", "complete-linkage"] = Field(
        "kmeans",
        description="kmeans, or LM-Debugger's complete-linkage, which fits small models only",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="how much is logged: debug, info, warning or error"
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="how it is logged: text, or json, one object per line"
    )
    metrics: bool = Field(
        False, description="answer `/metrics` for Prometheus; needs the extra `ops`"
    )

    @property
    def limits(self) -> Limits:
        """What the engine is told to refuse."""
        return Limits(**{limit.name: getattr(self, limit.name) for limit in fields(Limits)})

    @field_validator("models", "allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]

    @field_validator("models", "allowed_hosts")
    @classmethod
    def _distinct(cls, value: list[str]) -> list[str]:
        if any(not name.strip() for name in value):
            raise ValueError("must not contain an empty name")
        return list(dict.fromkeys(value))

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is no origin; write scheme, host and port without a path, as in "
                    "http://localhost:3000, or * for all"
                )
        return value

    @field_validator("base_url")
    @classmethod
    def _base(cls, value: str) -> str:
        parts = [part for part in value.split("/") if part]
        if any(part in (".", "..") or not _PATH_PART.fullmatch(part) for part in parts):
            raise ValueError("must be a path such as /lm/, without scheme, host or query")
        return "/".join(["", *parts, ""])

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for proxy in value:
            try:
                proxy == "*" or ipaddress.ip_network(proxy)
            except ValueError as error:
                raise ValueError(
                    f"{proxy!r} is neither an address nor a network such as 10.0.0.0/8 nor *"
                ) from error
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings
