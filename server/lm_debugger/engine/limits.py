"""What one request may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may ask for; None: no limit but the model's own."""

    max_interventions: int = 256
    max_top_k: int = 200
    max_new_tokens: int = 256
    max_positions: int = 256
    max_prompt_tokens: int | None = None
    max_waiting: int = 64
    max_reply_mb: int | None = None


LIMITS = Limits()
