"""What models can be asked."""

from __future__ import annotations

from typing import Final

OF_EVERY_MODEL: Final = ("trace", "grid", "follow", "sub_updates", "attribute", "values", "explore",
                         "generate", "bake")  # fmt: skip

OF_SOME: Final = {
    "bake_adds": "to bake on, set and add: its FFNs have no bias that could hold what these add",
}
"""And what a model without it cannot be asked, as `doctor` says it."""
