"""Tokens for people to read where there is nothing but text."""

from __future__ import annotations

from collections.abc import Sequence


def shown(tokens: Sequence[str]) -> str:
    return " ".join(visible(token) for token in tokens)


def visible(text: str) -> str:
    """A token's text with its white space made visible."""
    for character, sign in ((" ", "·"), ("\n", "⏎"), ("\t", "⇥"), ("\r", "␍")):
        text = text.replace(character, sign)
    return "".join(character if character.isprintable() else "�" for character in text)
