"""The Dockerfile, taken apart."""

from __future__ import annotations

import shlex

from tests.packaging.conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()


def stages() -> list[list[tuple[str, str]]]:
    """(instruction, rest) of each stage, with lines joined and comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if not line.lstrip().startswith("#")]
    found: list[list[tuple[str, str]]] = [[]]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            found.append([])
        if name:
            found[-1].append((name, rest.strip()))
    return found[1:]


BUILD, FINAL = stages()


def rest_of(stage: list[tuple[str, str]], name: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def environment() -> dict[str, str]:
    """What ENV of the final stage sets."""
    words = shlex.split(" ".join(rest_of(FINAL, "ENV")))
    return dict(word.split("=", 1) for word in words)


def arguments(stage: list[tuple[str, str]]) -> dict[str, str]:
    """The build arguments that have a default."""
    pairs = [rest.partition("=") for rest in rest_of(stage, "ARG")]
    return {name: value for name, equals, value in pairs if equals}
