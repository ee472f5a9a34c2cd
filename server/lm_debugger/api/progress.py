"""How far the loading of a model is: what `from_pretrained` and the hub's client tell of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

Stage = Literal["waiting", "starting", "downloading", "reading"]


@dataclass(frozen=True)
class Progress:
    """How far a model is that is loading.

    `waiting`: for the models before it. `starting`: libraries, configuration, memory.
    """

    stage: Stage
    done: Annotated[int, "bytes when downloading, tensors when reading, else 0"] = 0
    total: Annotated[int | None, "of the same; null where it is not known"] = None


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """For whoever does not want to know."""


@contextmanager
def tensors_reported(report: Report) -> Iterator[None]:
    """While it lasts, `from_pretrained` reports the tensors it has read. One model at a time: the
    hook of transformers is one for the whole process."""
    from transformers.utils import logging

    def hook(make: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if args and options.get("desc") == "Loading weights":
            return _counted(args[0], len(args[0]), report)
        return make(*args, **options)

    before = logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)


def _counted(items: Iterable[Any], total: int, report: Report) -> Iterator[Any]:
    for done, item in enumerate(items):
        report(Progress("reading", done, total))
        yield item
    report(Progress("reading", total, total))


def bytes_reported(report: Report, total: int) -> type[Any]:
    """A `tqdm_class` for the hub's downloads, one after the other, of `total` bytes together."""
    from huggingface_hub.utils.tqdm import tqdm

    done = 0

    class Bar(tqdm):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)  # type: ignore[no-untyped-call]
            count(int(options.get("initial") or 0))  # of a download that is taken up again

        def update(self, n: float | None = 1) -> bool | None:
            count(int(n or 0))
            shown: bool | None = super().update(n)
            return shown

    def count(n: int) -> None:
        nonlocal done
        done += n
        report(Progress("downloading", min(done, total), total))

    return Bar
