"""The AsyncAPI 3 document of the live socket. The server is the application: it sends, and receives from viewers."""

from typing import Any

from common.contract.live_messages import FROM_SERVER, FROM_VIEWER
from common.contract.requests import LiveQuery
from web.reference import prose
from web.reference.examples import example_of
from web.reference.json_schemas import Schema, Schemas
from web.reference.openapi import API_VERSION, parameters_of

CHANNEL = "scoreboard"
_MESSAGES = "#/components/messages"


def document(address: str) -> Schema:
    """Return the whole document of the socket at this address."""
    schemas = Schemas([*FROM_SERVER, *FROM_VIEWER])
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"{prose.TITLE}, live", "version": API_VERSION, "description": prose.LIVE},
        "defaultContentType": "application/json",
        "servers": {"here": _server()},
        "channels": {CHANNEL: _channel(address)},
        "operations": {
            "tellViewers": _operation("send", "Tell a viewer what the board looks like and what changes.", FROM_SERVER),
            "hearViewers": _operation("receive", "Hear that a viewer has lost the thread.", FROM_VIEWER),
        },
        "components": {
            "messages": {_name(kind): _message(kind, schemas) for kind in (*FROM_SERVER, *FROM_VIEWER)},
            "schemas": schemas.components,
        },
    }


def _server() -> Schema:
    host = {"default": "localhost:8000", "description": "Where this document came from."}
    return {"host": "{host}", "protocol": "ws", "description": "`wss` behind TLS.", "variables": {"host": host}}


def _channel(address: str) -> Schema:
    query = {parameter["name"]: _with_sentence(parameter) for parameter in parameters_of(LiveQuery)}
    return {
        "address": address,
        "title": "The head of one board in one period",
        "messages": {_name(kind): {"$ref": f"{_MESSAGES}/{_name(kind)}"} for kind in (*FROM_SERVER, *FROM_VIEWER)},
        "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": query}}},
    }


def _with_sentence(parameter: Schema) -> Schema:
    return {**parameter["schema"], "description": parameter["description"], "examples": [parameter["example"]]}


def _operation(action: str, summary: str, kinds: tuple[Any, ...]) -> Schema:
    channel = f"#/channels/{CHANNEL}"
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{_name(kind)}"} for kind in kinds],
    }


def _message(kind: Any, schemas: Schemas) -> Schema:  # noqa: ANN401 - a TypedDict class, which no type names
    example = example_of(schemas.of(kind), schemas)
    return {
        "name": _name(kind),
        "title": kind.__name__,
        "summary": kind.__doc__.partition("\n")[0],
        "payload": schemas.of(kind),
        "examples": [{"name": "example", "payload": example}],
    }


def _name(kind: Any) -> str:  # noqa: ANN401 - as above
    """Return the `type` of a message."""
    (name,) = kind.__annotations__["type"].__args__
    return str(name)
