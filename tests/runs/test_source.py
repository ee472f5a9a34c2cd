"""Whatever a user typed: it stays text, and a formatter leaves it as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm_debugger.runs import source

RUFF = Path(sys.executable).parent / "ruff"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)
# Where quotes, escapes, wide and combining characters come thick, at lengths about a line's.
HARD_TEXT = st.text(st.sampled_from("ab'\"\\\n\t {}#é日😀\u202e\x00\u0301\u00a0"), max_size=95)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | HARD_TEXT,
    lambda inner: st.lists(inner, max_size=12).map(tuple),
    max_leaves=25,
)  # fmt: skip


def formatted(code: str) -> str:
    """By ruff, with its own defaults."""
    done = subprocess.run(
        [RUFF, "format", "--isolated", "-"], input=code, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@given(ANY_TEXT | HARD_TEXT)
def test_a_text_is_its_own_literal(value: str) -> None:
    found = source.text(value)
    assert ast.literal_eval(found) == value
    assert found.isprintable()


@given(VALUES)
def test_a_value_is_its_own_literal(value: Any) -> None:
    assert ast.literal_eval(source.literal(value)) == value


@given(ANY_TEXT | HARD_TEXT)
def test_a_comment_is_one_line_and_ends_with_it(value: str) -> None:
    found = source.comment(value)
    assert found.isprintable()
    assert len(found) <= 72
    assert ast.dump(ast.parse(f"a = 1  # {found}\nb = 2")) == ast.dump(ast.parse("a = 1\nb = 2"))


@given(st.lists(HARD_TEXT, max_size=8), st.lists(VALUES, max_size=8))
def test_formatters_leave_it_as_it_is(texts: list[str], values: list[Any]) -> None:
    lines = [source.assign("PROMPT", text) for text in texts]
    lines += [f"X = {source.literal(value, 0, 4)}" for value in values]
    arguments = [("", "L1D2"), *((f"key{n}", value) for n, value in enumerate(values))]
    lines.append(f"[\n    {source.call('Intervention.scale', arguments, 4, 5)},\n]")
    code = "".join(f"{line}\n" for line in lines)
    assert formatted(code) == code


@pytest.mark.parametrize("digits", range(60, 90))
def test_the_comma_after_an_item_counts(digits: int) -> None:
    """At some width the item fits its line, and with its comma it does not."""
    item = (int("7" * digits), ())
    code = f"X = {source.literal((item, 'a' * 80), 0, 4)}\n"
    assert formatted(code) == code


@pytest.mark.parametrize(
    ("value", "expected"),
    [("a", '"a"'), ('say "a"', "'say \"a\"'"), ("it's", '"it\'s"'), ("a\n", '"a\\n"')],
)
def test_quotes(value: str, expected: str) -> None:
    assert source.text(value) == expected
