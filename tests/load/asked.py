"""What clients ask in these tests, a mixture of everything that the page and LM-Debugger's own
client send, and the right answers to it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask.testing import FlaskClient

from tests.compare import differences

WORDS = (
    "My wife is working as a", "In the month of", "the weather is going to be", "It was",
    "She plays the", "Two of the men", "He said that", "1984 was", "Möwe und", " the end\n",
)  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """One request.

    Attributes:
        cut: of a stream, after so many events the client hangs up.
        status, reply: the right answer; of a stream its events.
    """

    kind: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    cut: int | None = None
    status: int = 0
    reply: Any = None

    @property
    def content(self) -> bytes | None:
        return None if self.body is None else json.dumps(self.body).encode()

    def faults(self, status: int, text: str) -> Iterator[str]:
        """What is wrong with an answer."""
        if status != self.status:
            yield f"status {status} instead of {self.status}: {text[:300]}"
            return
        got = parsed(self, text)
        if self.cut is not None:
            got, expected = got[: self.cut], self.reply[: self.cut]
        else:
            expected = self.reply
        yield from differences(expected, got)


def parsed(ask: Ask, text: str) -> Any:
    """A reply without what is new every time; of a stream, name and data of its events."""
    if text.startswith("event: "):
        events = [event.split("\n", 1) for event in text.strip().split("\n\n")]
        return [
            [name.removeprefix("event: "), json.loads(data.removeprefix("data: "))]
            for name, data in events
        ]
    reply = json.loads(text)
    if "error" in reply:
        del reply["error"]["request_id"]
    return reply


def answered(asks: Sequence[Ask], alone: FlaskClient) -> list[Ask]:
    """The same with the answers of an application that nobody else asks anything."""
    found = []
    for ask in asks:
        response = alone.open(
            ask.path, method=ask.method, data=ask.content, content_type="application/json"
        )
        text = response.get_data(as_text=True)
        found.append(replace(ask, status=response.status_code, reply=parsed(ask, text)))
    return found


def mixture(model: str, n: int, shape: tuple[int, int], seed: int) -> list[Ask]:
    """n requests of all kinds, shuffled; the same for the same seed.

    Args:
        shape: layers and FFN width of the model.
    """
    dice = random.Random(f"{model} {seed}")
    makers = [*_debugging(dice, model, shape), *_exploring(dice, model, shape)]
    asks = [makers[number % len(makers)](number) for number in range(n)]
    dice.shuffle(asks)
    return asks


def edits(dice: random.Random, shape: tuple[int, int], most: int = 4) -> list[dict[str, Any]]:
    """1 to `most` interventions of any kind."""
    layers, width = shape
    made: list[dict[str, Any]] = []
    for _ in range(dice.randint(1, most)):
        kind = dice.choice(("on", "off", "set", "scale", "add"))
        edit = {"layer": dice.randrange(layers), "dim": dice.randrange(width), "kind": kind}
        if kind in ("set", "scale", "add"):
            edit["value"] = round(dice.uniform(-6, 6), 2)
        if dice.random() < 0.2:
            edit["positions"] = dice.choice(("last", [0], [-1, 0]))
        made.append(edit)
    return made


def _debugging(dice: random.Random, model: str, shape: tuple[int, int]) -> list[Any]:
    layers = shape[0]

    def prompt(number: int) -> str:
        return f"{dice.choice(WORDS)} {dice.choice(WORDS).strip()} {number % 40}"

    def post(kind: str, path: str, number: int, **more: Any) -> Ask:
        body = {"model": model, "prompt": prompt(number), **more}
        return Ask(kind, "POST", f"/api/v1/{path}", body)

    def edited() -> list[dict[str, Any]]:
        return edits(dice, shape)

    def slid(number: int) -> Ask:
        """One prompt, the same vector, another value: a slider that is moved."""
        edit = {"layer": layers - 1, "dim": 3, "kind": "set", "value": number / 8}
        return replace(
            post("edit", "trace", number, interventions=[edit]),
            body={"model": model, "prompt": WORDS[number % 3], "interventions": [edit]},
        )

    def stream(number: int, cut: int | None) -> Ask:
        ask = post("stream", "generate/stream", number, max_new_tokens=12, alternatives=3)
        return replace(ask, cut=cut, kind="stream" if cut is None else "stream, cut off")

    sampling = {"temperature": 0.8, "top_p": 0.9, "seed": 5}
    return [
        lambda n: post("trace", "trace", n),
        lambda n: post("trace", "trace", n, top_k=5),
        lambda n: post("trace", "trace", n, positions="all", top_k=3),
        lambda n: post("edit", "trace", n, interventions=edited()),
        lambda n: post("edit", "trace", n, interventions=edited(), positions=[0, -1], top_k=4),
        slid,
        slid,
        lambda n: post("generate", "generate", n, max_new_tokens=6),
        lambda n: post("generate", "generate", n, max_new_tokens=6, interventions=edited()),
        lambda n: post("generate", "generate", n, max_new_tokens=5, sampling=sampling),
        lambda n: stream(n, None),
        lambda n: stream(n, 1 + n % 6),
        lambda n: post("grid", "grid", n),
        lambda n: post("grid", "grid", n, interventions=edited()),
        lambda n: post("why", "follow", n, tokens=[300 + n % 5, 400], interventions=edited()),
        lambda n: post("why", "attribute", n, token=300, against=301, top_k=5),
        lambda n: post("why", "sub_updates", n, layer=n % layers, top_k=8, token=300),
        lambda n: post("refused", "trace", n, interventions=[{"layer": layers, "dim": 0,
                                                             "kind": "off"}]),
        lambda n: post("refused", "generate", n, max_new_tokens=0),
    ]  # fmt: skip


def _exploring(dice: random.Random, model: str, shape: tuple[int, int]) -> list[Any]:
    layers, width = shape

    def get(kind: str, path: str) -> Ask:
        sign = "&" if "?" in path else "?"
        return Ask(kind, "GET", f"/api/v1/{path}{sign}model={model}")

    def vector(number: int) -> str:
        return f"{number % layers}/{number * 7 % width}"

    return [
        lambda n: get("search", f"search/keywords?q={('and', 'the', 'in', 'was', 'she')[n % 5]}"),
        lambda n: get("search", f"search/concepts?q=music,-time&n={5 + n % 7}"),
        lambda n: get("search", f"values/{vector(n)}/neighbours?n=5"),
        lambda n: get("projection", f"values/{vector(n)}?top_k=20"),
        lambda n: get("search", f"values/{vector(n)}/place"),
        lambda n: get("search", f"clusters/{n % 9}?seed={n % 3}"),
        lambda n: get("search", "tokens?q=nurse&n=4"),
        lambda n: get("refused", f"values/{layers}/0"),
    ]


def legacy(n: int, shape: tuple[int, int], seed: int) -> list[Ask]:
    """n requests of LM-Debugger's own client, which speak of the default model."""
    dice = random.Random(f"legacy {seed}")
    layers, width = shape

    def classic() -> list[dict[str, Any]]:
        return [
            {"layer": dice.randrange(layers), "dim": dice.randrange(width), "desc": "x",
             "coeff": dice.choice((0, 1))}
            for _ in range(dice.randrange(3))
        ]  # fmt: skip

    def prompt() -> str:
        return f"{dice.choice(WORDS)} {dice.randrange(30)}"

    makers = [
        lambda: Ask("LM-Debugger's", "GET", "/get_projections/layer/"
                    f"{dice.randrange(layers)}/dim/{dice.randrange(width)}"),
        lambda: Ask("LM-Debugger's", "POST", "/get_data",
                    {"prompt": prompt(), "interventions": classic()}),
        lambda: Ask("LM-Debugger's", "POST", "/generate",
                    {"prompt": prompt(), "generate_k": 5, "interventions": classic()}),
    ]  # fmt: skip
    return [makers[number % 3]() for number in range(n)]
