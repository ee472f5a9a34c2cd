"""`lm_debugger.Debugger`: the engine's, with results that show themselves, and `serve`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, SupportsIndex, overload

import click

from lm_debugger.engine import debugger as engine
from lm_debugger.engine.core import PositionsLike
from lm_debugger.engine.types import GREEDY, InterventionsLike, Sampling
from lm_debugger.notebook.results import Attribution, Following, Generation, Grid, Trace

if TYPE_CHECKING:
    from lm_debugger.notebook.serving import Served


class Debugger(engine.Debugger):
    """A model under the debugger. Safe to call from any number of threads at once.

    >>> debugger = Debugger.load("demo")
    >>> debugger.trace("My wife is working as a", [Intervention.off("L7D341")])
    >>> debugger.trace("My wife is working as a").to_pandas()
    >>> served = debugger.serve(background=True)
    """

    def trace(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        positions: PositionsLike = "last",
        top_k: int = 10,
    ) -> Trace:
        """How each layer's FFN changes the prediction; see `engine.debugger.Debugger.trace`."""
        return Trace.of(super().trace(prompt, interventions, positions, top_k))

    def generate(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        max_new_tokens: int = 10,
        sampling: Sampling = GREEDY,
        alternatives: int = 5,
    ) -> Generation:
        """Continue the prompt; see `engine.debugger.Debugger.stream`."""
        found = super().generate(prompt, interventions, max_new_tokens, sampling, alternatives)
        return Generation.of(found)

    def grid(
        self,
        prompt: str,
        interventions: InterventionsLike = (),
        positions: PositionsLike = "all",
    ) -> Grid:
        """What every state predicts, positions x layers; see `engine.why.Why.grid`."""
        return Grid.of(super().grid(prompt, interventions, positions), model=self.info.id)

    def follow(
        self,
        prompt: str,
        tokens: SupportsIndex | Iterable[SupportsIndex],
        interventions: InterventionsLike = (),
        position: int = -1,
    ) -> Following:
        """Some tokens through all states; see `engine.why.Why.follow`."""
        found = super().follow(prompt, tokens, interventions, position)
        return Following.of(found, model=self.info.id)

    def attribute(
        self,
        prompt: str,
        token: int,
        against: int | None = None,
        interventions: InterventionsLike = (),
        position: int = -1,
        top_k: int = 10,
    ) -> Attribution:
        """What every part adds to a token's logit; see `engine.why.Why.attribute`."""
        found = super().attribute(prompt, token, against, interventions, position, top_k)
        return Attribution.of(found, model=self.info.id)

    @overload
    def serve(self, *, background: Literal[True], host: str = ..., port: int = ...) -> Served: ...

    @overload
    def serve(
        self, *, background: Literal[False] = ..., host: str = ..., port: int = ...
    ) -> None: ...

    def serve(
        self, *, background: bool = False, host: str = "127.0.0.1", port: int = 0
    ) -> Served | None:
        """Serve the page and the API for this model, under the settings of the environment.

        Args:
            background: return at once with a handle (`url`, `stop()`, a context manager);
                otherwise print the address and serve until Ctrl-C.
            port: 0 takes a free one. One that an earlier call in this process serves in the
                background is taken over: that server stops.

        Raises:
            AddressUnavailable: the port is taken by something else, or host or port cannot be used
                here.
            SettingsError: one in the environment is unknown or wrong.
        """
        from lm_debugger.notebook.serving import Served

        served = Served(self, host, port)
        if background:
            served.start()
            return served
        click.echo(f"{served.url}  (Ctrl-C stops)")
        served.run()
        return None
