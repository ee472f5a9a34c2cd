"""The settings as rows, for whoever explains them or reads them from somewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lm_debugger.settings import PREFIX, Settings


@dataclass(frozen=True)
class Setting:
    """One row of the table of settings."""

    name: str
    default: Any
    description: str
    flag: str
    environment: str
    is_private: bool
    """Its value is told to nobody who merely asks the server."""

    @property
    def is_list(self) -> bool:
        return isinstance(self.default, list)


def table() -> tuple[Setting, ...]:
    """All settings, in the order in which they are explained."""
    rows = []
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        known = extra if isinstance(extra, dict) else {}
        flag = known.get("flag")
        rows.append(
            Setting(
                name,
                field.default,
                field.description or "",
                str(flag or "--" + name.replace("_", "-")),
                PREFIX + name.upper(),
                is_private=bool(known.get("private")),
            )
        )
    return tuple(rows)


def markdown_table() -> str:
    """The table for docs/settings.md, between its markers `settings:begin` and `settings:end`."""
    lines = [
        "| setting (in a file) | flag of `serve` | environment | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for row in table():
        default = "" if row.default in (None, []) else f"`{_plain(row.default)}`"
        lines.append(
            f"| `{row.name}` | `{row.flag}` | `{row.environment}` | {default} | {row.description} |"
        )
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
