"""Models as the engine's tests open them."""

from __future__ import annotations

from tests.engine.conftest import demo, open_case, tied

__all__ = ["demo", "open_case", "tied"]
