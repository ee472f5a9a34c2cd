"""The OpenAPI document as something to read: plain data for the template `docs.html`."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from flask import render_template
from markupsafe import Markup, escape

from lm_debugger.api.openapi import document

_PREFIX = "#/components/schemas/"


@cache
def page() -> str:
    """The HTML of `/docs`; the same for every server of this version."""
    described = document()
    return render_template(
        "docs.html", info=described["info"], sections=sections(described), code=_code
    )


def _code(text: str) -> Markup:
    """`words` between backticks as code; everything is escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def sections(document: dict[str, Any]) -> list[dict[str, Any]]:
    """One section per tag, each with its operations in the document's order."""
    found: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            described = _operation(path, method.upper(), operation, schemas)
            found[operation["tags"][0]].append(described)
    return [{"name": name, "operations": operations} for name, operations in found.items()]


def _operation(
    path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return {
        "id": operation["operationId"],
        "method": method,
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [
            {
                "name": item["name"],
                "type": _type(item["schema"]),
                "required": item["required"],
                "default": item["schema"].get("default"),
                "description": f"{item['description']} ({item['in']})",
            }
            for item in operation.get("parameters", [])
        ],
        "tables": _tables(body["schema"], schemas) if body else [],
        "replies": [
            {
                "status": status,
                "description": reply["description"],
                "tables": _reply_tables(status, reply, schemas),
                "note": _media_note(reply),
            }
            for status, reply in operation["responses"].items()
        ],
        "curl": _curl(path, method, body),
    }


def _reply_tables(
    status: str, reply: dict[str, Any], schemas: dict[str, Any]
) -> list[dict[str, Any]]:
    schema = reply.get("content", {}).get("application/json", {}).get("schema")
    return _tables(schema, schemas) if status == "200" and schema else []


def _media_note(reply: dict[str, Any]) -> str:
    """What a body that is not JSON holds."""
    for media, content in reply.get("content", {}).items():
        if media != "application/json":
            return f"{media}. {content['schema'].get('description', '')}".strip()
    return ""


def _tables(schema: dict[str, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a schema, and of the schemas it refers to, outermost first."""
    tables = []
    queue = list(_references(schema))
    for name in queue:  # grows while it is walked
        definition = schemas[name]
        fields = definition.get("properties", {})
        required = definition.get("required", [])
        tables.append(
            {
                "name": name,
                "description": definition.get("description", ""),
                "fields": [
                    {
                        "name": field,
                        "type": _type(value),
                        "required": field in required,
                        "default": value.get("default"),
                        "description": value.get("description", ""),
                    }
                    for field, value in fields.items()
                ],
            }
        )
        queue.extend(inner for inner in _references(fields) if inner not in queue)
    return tables


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"].removeprefix(_PREFIX)] if "$ref" in value else []
    return list(dict.fromkeys([*own, *(n for item in value.values() for n in _references(item))]))


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].removeprefix(_PREFIX))
    if "anyOf" in schema:
        return " or ".join(_type(item) for item in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(item) for item in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _curl(path: str, method: str, body: dict[str, Any] | None) -> str:
    address = f"http://127.0.0.1:8000{path.replace('{layer}', '7').replace('{dim}', '44')}"
    if method == "GET" or body is None:
        return f"curl {address}"
    return (
        f"curl {'-N ' if path.endswith('stream') else ''}{address} \\\n"
        f"  -H 'Content-Type: application/json' \\\n"
        f"  -d '{json.dumps(body['example'])}'"
    )
