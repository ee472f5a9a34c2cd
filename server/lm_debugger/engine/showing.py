"""What people at a notebook want of a debugger and of its answers, and the engine cannot do: JSON
as the API writes it, data frames, the page beside the notebook.

Those who can, packages above the engine, say so here (`lm_debugger.notebook` does, which comes with
`from lm_debugger import Debugger`), so that no import points back.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.engine.questions.base import Answer


class Serving(Protocol):
    """The page beside the notebook. It takes its port over from an earlier one of this process."""

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""

    @property
    def port(self) -> int:
        """That of the address."""

    def stop(self) -> None:
        """End the server; the model stays loaded. Stopping twice is stopping once."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Way(Protocol):
    """How it is done."""

    def json(self, answer: Answer) -> str:
        """What the API would reply."""

    def frame(self, answer: Answer, **options: Any) -> Any:
        """A data frame; raises ModuleNotFoundError, TypeError."""

    def html(self, answer: Answer) -> str:
        """A piece of HTML that needs nothing but itself."""

    def serve(
        self, debugger: Debugger, *, background: bool, host: str, port: int
    ) -> Serving | None:
        """See `Debugger.serve`."""


_way: list[Way] = []


def register(way: Way) -> None:
    """From now on it is done this way."""
    _way[:] = [way]


def way() -> Way:
    """The one that is registered.

    Raises:
        NotImplementedError: there is none.
    """
    if not _way:
        raise NotImplementedError("The engine alone has no such form: import lm_debugger.notebook.")
    return _way[0]
