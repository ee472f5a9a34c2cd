"""`lm_debugger.Debugger`: the engine's, once it knows how its answers show themselves here, become
data frames or JSON, and how to `serve`.
"""

from __future__ import annotations

from lm_debugger.engine.debugger import Debugger
from lm_debugger.engine.showing import register
from lm_debugger.notebook.results import Notebook

__all__ = ["Debugger"]

register(Notebook())
