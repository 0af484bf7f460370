"""The HTML of parts of the documents on the page at `/docs`."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from markupsafe import Markup, escape

from common.contract.errors import SENTENCES, ErrorCode
from web.guards.errors import STATUS_OF
from web.reference.json_schemas import Schema
from web.reference.refusals import ALWAYS

_CODE = re.compile(r"`([^`]+)`")
_BOUNDS = (
    ("minimum", "≥ {}"),
    ("maximum", "≤ {}"),
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("pattern", "{}"),
)

ON_ANY_REQUEST = frozenset(str(STATUS_OF[code]) for code in ALWAYS)
"""Statuses that every route lists; the page says them once."""


def paragraphs(text: str) -> Markup:
    """Return text with `code` in it as HTML."""
    return Markup("\n").join(Markup("<p>{}</p>").format(sentence(part)) for part in text.split("\n\n"))


def sentence(text: str) -> Markup:
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


def pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def anchor(name: str) -> str:
    """Return the id of a part of the page for any name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()


def kind(schema: Mapping[str, Any]) -> Markup:
    """Return the type of a value, with links to what it refers to."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return Markup('<a href="#schema-{}">{}</a>').format(anchor(name), name)
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return Markup(" or ").join(kind(each) for each in schema[choice])
    if "const" in schema:
        return Markup("<code>{}</code>").format(json.dumps(schema["const"]))
    listed = schema.get("enum", schema.get("x-extensible-enum"))
    if listed is not None:
        return Markup(", ").join(Markup("<code>{}</code>").format(value) for value in listed)
    if schema.get("type") == "array":
        return Markup("list of {}").format(kind(schema["items"]))
    return escape(schema.get("format", schema.get("type", "any")))


def bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the bounds of a value. The pattern is left out where a format says more."""
    for choice in schema.get("anyOf", (schema,)):
        for name, text in _BOUNDS:
            if name in choice and not (name == "pattern" and "format" in choice):
                yield text.format(choice[name])


def errors(http: Schema) -> Iterator[tuple[ErrorCode, int, str, list[str]]]:
    """Yield every code with its status, a sentence, and the operations that can answer with it."""
    for code in ErrorCode:
        status = STATUS_OF[code]
        can = [operation["summary"] for operation in operations(http) if code in _codes(operation, status)]
        yield code, status, SENTENCES[code], can


def operations(http: Schema, tag: str | None = None) -> Iterator[Schema]:
    """Yield the operations of a group, or all of them, each with its `path` and `method`."""
    for path, methods in http["paths"].items():
        for method, operation in methods.items():
            if tag is None or tag in operation["tags"]:
                yield {**operation, "path": path, "method": method}


def resolved(document: Schema, part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference refers to, or the part itself."""
    if "$ref" not in part:
        return part
    found = document
    for step in str(part["$ref"]).removeprefix("#/").split("/"):
        found = found[step]
    return found


def _codes(operation: Schema, status: int) -> Mapping[str, Any]:
    content: Mapping[str, Any] = operation["responses"].get(str(status), {}).get("content", {})
    examples: Mapping[str, Any] = content.get("application/json", {}).get("examples", {})
    return examples
