"""Names of nodes, as tests/nodes.json lists them for the engine and for the page."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lm_debugger.engine.nodes import Node, Shape, ValueId, value_in
from lm_debugger.errors import (
    DebuggerError,
    InvalidIntervention,
    InvalidNode,
    UnknownDimension,
    UnknownLayer,
)

TABLE = json.loads((Path(__file__).parents[1] / "nodes.json").read_text("utf-8"))
SHAPE = Shape(**TABLE["shape"])
PARTS = ("kind", "layer", "index", "position", "source", "dictionary")


@pytest.mark.parametrize("case", TABLE["valid"], ids=lambda case: repr(case["text"]))
def test_names(case: dict[str, Any]) -> None:
    node = Node.parse(case["text"])
    assert {part: getattr(node, part) for part in PARTS} == {part: case.get(part) for part in PARTS}
    assert str(node) == case.get("name", case["text"])
    assert Node.parse(str(node)) == node
    assert hash(Node.parse(str(node))) == hash(node)


@pytest.mark.parametrize("case", TABLE["invalid"], ids=lambda case: repr(case["text"]))
def test_what_names_nothing(case: dict[str, str]) -> None:
    with pytest.raises(InvalidNode) as failure:
        Node.parse(case["text"])
    assert case["says"] in failure.value.message


@pytest.mark.parametrize("given", [None, 3, b"L1D2", ["L1D2"]])
def test_what_is_no_text(given: Any) -> None:
    with pytest.raises(InvalidNode, match="names no node"):
        Node.parse(given)
    with pytest.raises(InvalidIntervention, match="does not name a value vector"):
        ValueId.parse(given)


@pytest.mark.parametrize("case", TABLE["valid"], ids=lambda case: repr(case["text"]))
def test_value_vectors_are_the_nodes_of_this_kind(case: dict[str, Any]) -> None:
    if case["kind"] != "value" or "position" in case:
        with pytest.raises(InvalidIntervention, match="does not name a value vector"):
            ValueId.parse(case["text"])
        return
    at = ValueId.parse(case["text"])
    assert (at.layer, at.dim) == (case["layer"], case["index"])
    assert str(at) == case.get("name", case["text"])
    assert ValueId.of(Node.parse(case["text"])) == at


@pytest.mark.parametrize("case", TABLE["invalid"], ids=lambda case: repr(case["text"]))
def test_what_names_nothing_names_no_value_vector(case: dict[str, str]) -> None:
    with pytest.raises(InvalidIntervention) as failure:
        ValueId.parse(case["text"])
    assert failure.value.details == {"value": case["text"]}


def test_other_nodes_are_no_value_vectors() -> None:
    assert ValueId.of(Node.parse("L3D7@4")) == ValueId(3, 7)
    for name in ("L3H7", "L3S7", "L3F", "E"):
        with pytest.raises(InvalidNode, match=f"{name} is no value vector"):
            ValueId.of(Node.parse(name))


def test_they_are_sorted_as_the_forward_pass_writes() -> None:
    nodes = [Node.parse(name) for name in TABLE["ascending"]]
    mixed = random.Random(0).sample(nodes, len(nodes))
    assert [str(node) for node in sorted(mixed, key=lambda node: node.order)] == TABLE["ascending"]


@pytest.mark.parametrize("case", TABLE["shapes"], ids=lambda case: case["text"])
def test_what_a_model_has_not(case: dict[str, str | None]) -> None:
    node = Node.parse(str(case["text"]))
    if case["says"] is None:
        node.check(SHAPE)
        return
    with pytest.raises(DebuggerError) as failure:
        node.check(SHAPE)
    assert failure.value.message == case["says"]


def test_what_is_not_known_refuses_nothing() -> None:
    for name in ("L1H99", "L1S99", "E@99"):
        Node.parse(name).check(Shape(2, 16))


@pytest.mark.parametrize("case", TABLE["shapes"], ids=lambda case: case["text"])
def test_numbers_are_refused_as_names_are(case: dict[str, str | None]) -> None:
    node = Node.parse(str(case["text"]))
    if node.kind != "value" or node.position is not None:
        return
    if case["says"] is None:
        assert value_in(SHAPE, node.layer, node.index) == ValueId.of(node)
        return
    with pytest.raises(DebuggerError) as failure:
        value_in(SHAPE, node.layer, node.index)
    assert failure.value.message == case["says"]


@pytest.mark.parametrize("given", [-1, 1.5, "1", True, None, 2**70])
def test_whatever_is_no_layer_is_refused_as_one(given: Any) -> None:
    with pytest.raises(UnknownLayer, match="There is no layer") as failure:
        value_in(SHAPE, given, 0)
    assert (failure.value.details["minimum"], failure.value.details["maximum"]) == (0, 1)
    with pytest.raises(UnknownDimension, match="There is no dimension"):
        value_in(SHAPE, np.int64(1), given)


def test_codes_of_refusals() -> None:
    with pytest.raises(UnknownLayer):
        Node.parse("L9D0").check(SHAPE)
    with pytest.raises(UnknownDimension) as failure:
        Node.parse("L1D99").check(SHAPE)
    assert failure.value.details == {"layer": 1, "dim": 99, "minimum": 0, "maximum": 15}


def test_parts_of_any_integer_type() -> None:
    parts: list[Any] = [np.int64(3), np.int32(7)]
    node = Node("value", *parts)
    assert str(node) == "L3D7"
    assert type(node.layer) is int
    assert node == Node.parse("L3D7")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"kind": "neuron", "layer": 1, "index": 2}, "no kind of node 'neuron'"),
        ({"kind": "value", "index": 2}, "has a layer"),
        ({"kind": "embedding", "layer": 1}, "has no layer"),
        ({"kind": "head", "layer": 1}, "has an index"),
        ({"kind": "ffn", "layer": 1, "index": 2}, "has no index"),
        ({"kind": "value", "layer": -1, "index": 2}, "layer of a node is an integer from 0"),
        ({"kind": "value", "layer": 1, "index": True}, "index of a node is an integer from 0"),
        ({"kind": "value", "layer": 1, "index": 1.5}, "index of a node is an integer from 0"),
        ({"kind": "head", "layer": 1, "index": 2, "source": 3}, "not <3"),
        ({"kind": "latent", "layer": 1, "index": 2, "dictionary": "a:b"}, "dictionary's name"),
        ({"kind": "latent", "layer": 1, "index": 2, "dictionary": ""}, "dictionary's name"),
        ({"kind": "value", "layer": 1, "index": 2, "dictionary": "a"}, "Only a latent"),
    ],
)
def test_parts_that_make_no_node(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidNode) as failure:
        Node(**parts)
    assert says in failure.value.message
