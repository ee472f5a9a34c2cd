"""A real server in this process, whose models load when the test lets them and whose page may be
another build."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lm_debugger.api.app import create_app
from lm_debugger.api.loader import Loader
from lm_debugger.api.progress import Progress, Report
from lm_debugger.api.registry import ModelRegistry, indexer
from lm_debugger.api.server import Server
from lm_debugger.api.spa import WEB
from lm_debugger.engine.debugger import Debugger
from lm_debugger.settings import Settings
from tests.web.conftest import free_port


class Held:
    """Loads a model when it is let; until then it says that it has read 3 of 10 tensors."""

    def __init__(self, settings: Settings, held: str) -> None:
        self._loader = Loader(settings)
        self._held = held
        self.let = threading.Event()

    def __call__(self, name: str, report: Report) -> Debugger:
        if name == self._held:
            report(Progress("reading", 3, 10))
            assert self.let.wait(120)
        return self._loader(name, report)


@contextmanager
def running(
    settings: Settings,
    load: Callable[[str, Report], Debugger] | None = None,
    web: Path = WEB,
) -> Iterator[Server]:
    registry = ModelRegistry(settings.models, load or Loader(settings), indexer(settings))
    with Server(settings, registry, create_app(settings, registry, web)) as server:
        registry.start()
        try:
            yield server
        finally:
            registry.close()


class Restartable:
    """The bundled model at one address, from a thread of this process: stopped and started again
    within a second."""

    def __init__(self, cache_dir: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._settings = Settings(
            models=["demo"], port=self.port, auto_index=False, cache_dir=cache_dir
        )
        self._stack = ExitStack()

    def start(self, models: list[str] | None = None, web: Path = WEB) -> None:
        settings = self._settings.model_copy(update={"models": models} if models else {})
        self._stack.enter_context(running(settings, web=web))

    def stop(self) -> None:
        self._stack.close()


def other_build(folder: Path) -> Path:
    """The page as another build would have it: every part of it under another name."""
    copy = folder / "web"
    shutil.copytree(WEB, copy)
    names = {
        path.name: re.sub(r"-[\w-]{8}(\.\w+)$", r"-another1\1", path.name)
        for path in (copy / "assets").iterdir()
    }
    for path in [copy / "index.html", *(copy / "assets").iterdir()]:
        text = path.read_text("utf-8")
        for old, new in names.items():
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    for old, new in names.items():
        (copy / "assets" / old).rename(copy / "assets" / new)
    return copy
