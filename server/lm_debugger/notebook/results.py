"""What a notebook wants of the engine's answers: HTML (traces), data frames, the JSON that the API
would reply; and the page beside the notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from lm_debugger.api.wire import dumped
from lm_debugger.engine import types as engine
from lm_debugger.notebook import rows
from lm_debugger.notebook.html import trace_html

if TYPE_CHECKING:
    from pandas import DataFrame

    from lm_debugger.engine.debugger import Debugger
    from lm_debugger.engine.questions.base import Answer
    from lm_debugger.notebook.serving import Served

_ROWS: dict[type[Any], Callable[..., Iterable[rows.Record]]] = {
    engine.Trace: rows.trace,
    engine.Generation: rows.steps,
    engine.Grid: rows.cells,
    engine.Following: rows.followed,
    engine.Attribution: rows.parts,
    engine.SubUpdates: rows.details,
    engine.Projection: rows.ends,
}


class Notebook:
    """The `engine.showing.Way` of this package."""

    def json(self, answer: Answer) -> str:
        """What the API would reply."""
        return dumped(answer).decode()

    def frame(self, answer: Answer, **options: Any) -> DataFrame:
        """One row per number, or the few that belong together; see `rows` for the columns.

        Raises:
            ModuleNotFoundError: pandas is not installed; the sentence says how to get it.
            TypeError: there are no rows of this kind of answer.
        """
        found = _ROWS.get(type(answer))
        if found is None:
            raise TypeError(f"There is no data frame of {type(answer).__name__}.")
        return _frame(found(answer, **options))

    def html(self, answer: Answer) -> str:
        """A trace as a table."""
        assert isinstance(answer, engine.Trace)
        return trace_html(answer)

    def serve(self, debugger: Debugger, *, background: bool, host: str, port: int) -> Served | None:
        """See `Debugger.serve`."""
        from lm_debugger.notebook.serving import Served

        served = Served(debugger, host, port)
        if background:
            served.start()
            return served
        click.echo(f"{served.url}  (Ctrl-C stops)")
        served.run()
        return None


def _frame(records: Iterable[Mapping[str, Any]]) -> DataFrame:
    frame = _pandas().DataFrame.from_records(list(records))
    gaps = [name for name in ("layer", "dim", "rank") if name in frame and frame[name].hasnans]
    return frame.astype(dict.fromkeys(gaps, "Int64"))  # whole numbers, with gaps too


def _pandas() -> ModuleType:
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "Data frames need pandas: pip install 'lm-debugger[notebook]'", name="pandas"
        ) from error
    return pandas  # type: ignore[no-any-return]
