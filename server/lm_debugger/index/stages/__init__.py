"""What an index is made of, in the order in which it is built.

One line of `STAGES` is all that a further stage needs beside its own file.
"""

from __future__ import annotations

from typing import Any

from lm_debugger.index.stages.base import Stage
from lm_debugger.index.stages.clustering import Clustering
from lm_debugger.index.stages.projections import Projections

STAGES: tuple[type[Stage[Any]], ...] = (Projections, Clustering)
