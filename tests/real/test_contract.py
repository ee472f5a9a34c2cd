"""The contract of the families on real weights: the same tests, the same tolerances."""

from __future__ import annotations

import inspect

from tests.contract import test_edits, test_gradients, test_sums

for _module in (test_edits, test_gradients, test_sums):
    globals().update(
        (name, test)
        for name, test in vars(_module).items()
        if name.startswith("test_") and "model" in inspect.signature(test).parameters
    )
