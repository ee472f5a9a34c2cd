"""A random model behind a real server, with the oracle of the same weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Locator
from tokenizers import Tokenizer

from tests.reference import Array, Edit, Oracle, States
from tests.web.conftest import Server


@dataclass(frozen=True)
class RandomServer:
    server: Server
    oracle: Oracle
    tokenizer: Tokenizer

    def encode(self, prompt: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(prompt).ids
        return ids

    def decode(self, token: int) -> str:
        text: str = self.tokenizer.decode([token], skip_special_tokens=False)
        return text

    def run(self, prompt: str, edits: list[Edit] | None = None) -> States:
        return self.oracle.run(self.encode(prompt), edits or [])


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[RandomServer]:
    server = Server(str(folder), "--auto-index", "false", *arguments)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    try:
        yield RandomServer(server, Oracle(folder), tokenizer)
    finally:
        server.stop()


def interleaved(states: States, position: int) -> list[Array]:
    """The 2 L states [D] at one position in their order: before 0, after 0, before 1, ..."""
    pairs = zip(states.before[:, position], states.after[:, position], strict=True)
    return [state for pair in pairs for state in pair]


def link(prompt: str, edits: list[Edit], **keys: str) -> str:
    """The page's address for a prompt and interventions at all positions."""
    items = [f"L{e['layer']}D{e['dim']}*{e['kind']}*{e.get('value') or ''}" for e in edits]
    known = {"v": "1", "p": prompt, "i": "_".join(items).replace("*_", "_").rstrip("*"), **keys}
    return f"/#/trace?{urlencode({key: value for key, value in known.items() if value})}"


def number(place: Locator) -> float:
    """The exact number in an element's title, such as "coefficient -0.0123"."""
    return float((place.get_attribute("title") or "").rsplit(" ", 1)[-1])
