"""Two thousand traces in a row leave no hook behind."""

from __future__ import annotations

from collections.abc import Callable

from lm_debugger.engine.debugger import Debugger
from lm_debugger.runs.schema import InterventionIn
from tests.engine.case import Case
from tests.engine.test_isolation import count_hooks, untouched
from tests.load.series import N_TRACES, asked


def test_two_thousand_traces_leave_no_hook(open_case: Callable[[str], Case]) -> None:
    """The reference had 5 L + 1 hooks more after each of them."""
    case = open_case("untied")
    debugger = Debugger(case.debugger.checkpoint)
    with untouched(case):
        for number in range(N_TRACES):
            what = asked(number, n_layers=2)
            edits = [InterventionIn(**edit).checked() for edit in what["interventions"]]
            debugger.trace(what["prompt"], edits, top_k=3)
        assert count_hooks(debugger) == 0
