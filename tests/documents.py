"""What the documents promise, as checks: an answer or a message that they do not describe is a defect of one of both.

The documents let clients pass over fields that they do not know. Here nothing may be there that is not described.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any

from flask import Flask, Response, request
from jsonschema import Draft202012Validator

from common.core import settings
from common.core.settings import Settings
from web import create_app
from web.live import lane as live
from web.reference import asyncapi
from web.reference.documented import documentation_of
from web.reference.views import Reference, reference

Document = dict[str, Any]


@contextmanager
def detached_application() -> Iterator[Flask]:
    """An application that is connected to nothing."""
    environment = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "SCOREBOARD_JWT_SECRET": "of no server " * 3,
        "SCOREBOARD_SECRET_KEY": "of no other server " * 2,
    }
    application = create_app(settings.load(environment))
    yield application
    application.extensions["scoreboard"].close()


@cache
def served_documents() -> Reference:
    """Those that every application serves. Ask before there is another application: limiters know only the newest."""
    with detached_application() as application, application.app_context():
        return reference()


@cache
def described_api() -> "DocumentedApi":
    """What clients are promised. Ask before there is another application, too."""
    return DocumentedApi(served_documents().http)


@cache
def described_messages() -> "DocumentedMessages":
    """What viewers are promised."""
    return DocumentedMessages(asyncapi.document(live.PATH))


@contextmanager
def documented_application(given: Settings) -> Iterator[Flask]:
    """An application that is closed in the end, and each of whose answers has to be as documented."""
    described = described_api()
    application = create_app(given)
    try:
        with _as_documented(application, described):
            yield application
    finally:
        application.extensions["scoreboard"].close()


@contextmanager
def _as_documented(application: Flask, described: "DocumentedApi") -> Iterator[None]:
    problems: list[str] = []

    def compare(response: Response) -> Response:
        view = application.view_functions.get(request.endpoint or "")
        said = documentation_of(view) if view else None
        if said and request.method in {"GET", "POST"}:
            problems.extend(described.problems_of(said.operation_id, response))
        elif not view and response.status_code >= 400:
            problems.extend(described.problems_of_refusal(response))
        return response

    # Flask calls these in reverse: the first sees the answer as the client does.
    application.after_request_funcs.setdefault(None, []).insert(0, compare)
    yield
    assert problems == [], "say it in @documented, or mend the view"


class DocumentedApi:
    """The OpenAPI document, and what it says of an answer."""

    def __init__(self, document: Document) -> None:
        self._document = closed(document)
        methods = [operation for path in document["paths"].values() for operation in path.values()]
        self._operations = {operation["operationId"]: operation for operation in methods}

    def problems_of(self, operation_id: str, answer: Response) -> list[str]:
        """What the document does not say about this answer; nothing, if all is well."""
        operation = self._operations[operation_id]
        described = operation["responses"].get(str(answer.status_code))
        said = f"{operation_id} answered {answer.status_code}"
        if described is None:
            return [f"{said}, which is not documented: {answer.get_data(as_text=True)[:300]}"]
        return [
            f"{said}: {problem}"
            for problem in (*self._of_headers(described, answer), *self._of_body(described, answer))
        ]

    def problems_of_refusal(self, answer: Response) -> list[str]:
        """What is wrong with an error that no operation stands behind, since the address leads to none."""
        if answer.mimetype == "text/html":
            return []  # the page for a browser
        error = {"$ref": "#/components/schemas/Error"}
        return problems_of_value(self._document, error, answer.get_json())

    def _of_headers(self, described: Mapping[str, Any], answer: Response) -> list[str]:
        components = self._document["components"]["headers"]
        required = [name for name in described["headers"] if components[name].get("required")]
        return [f"the header {name} is missing" for name in required if name not in answer.headers]

    def _of_body(self, described: Mapping[str, Any], answer: Response) -> list[str]:
        content = described.get("content", {})
        if not content:
            return []
        if answer.mimetype not in content:
            return [f"the type {answer.mimetype} is not documented"]
        if answer.mimetype != "application/json":
            return []
        return problems_of_value(self._document, content[answer.mimetype]["schema"], json.loads(_body_of(answer)))


def _body_of(answer: Response) -> bytes:
    return gzip.decompress(answer.get_data()) if answer.content_encoding == "gzip" else answer.get_data()


class DocumentedMessages:
    """The AsyncAPI document, and what it says of a message of the server."""

    def __init__(self, document: Document) -> None:
        self._document = closed(document)

    @cached_property
    def names(self) -> set[str]:
        """The messages that the server sends, by `type`."""
        sends = [each for each in self._document["operations"].values() if each["action"] == "send"]
        return {message["$ref"].rpartition("/")[2] for operation in sends for message in operation["messages"]}

    def problems_of(self, message: Mapping[str, Any]) -> list[str]:
        name = message["type"]
        if name not in self.names:
            return [f"the message {name} is not documented"]
        described = self._document["components"]["messages"][name]
        return [f"{name}: {problem}" for problem in problems_of_value(self._document, described["payload"], message)]


def problems_of_value(document: Document, schema: Mapping[str, Any], value: object) -> list[str]:
    """Where a value does not fit a schema of the document."""
    validator = Draft202012Validator({**schema, "components": document["components"]})
    return [f"{error.json_path} {error.message}" for error in validator.iter_errors(value)]


def closed(document: Document) -> Document:
    """A copy of the document in which no object may hold more than is described, and no list is open."""
    copied: Document = json.loads(json.dumps(document).replace('"x-extensible-enum"', '"enum"'))
    for schema in copied["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return copied
