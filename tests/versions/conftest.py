"""Models as the engine's tests open them, and no warning that a name is going away."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest
from transformers.utils import logging as of_transformers

from tests.engine.conftest import open_case

__all__ = ["open_case"]


class Kept(logging.Handler):
    """What was logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(autouse=True)
def nothing_is_deprecated() -> Iterator[None]:
    """Of what a test does: the next change of a name is seen here before it breaks anything.

    Python's own way to warn raises where it is used; transformers also warns in its log, there
    once in a process.
    """
    logger, kept = logging.getLogger("transformers"), Kept()
    level = logger.level
    logger.warning_once.cache_clear()  # type: ignore[attr-defined]
    logger.setLevel(logging.WARNING)
    logger.addHandler(kept)
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
                warnings.simplefilter("error", category)
            yield
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    assert [line for line in kept.lines if "deprecated" in line] == []


assert of_transformers.get_logger().name == "transformers", "the log that is looked at"
