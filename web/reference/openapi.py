"""The OpenAPI 3.1 document of an application."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from common.contract import responses
from common.contract.requests import may_be_left_out
from web.reference import headers, prose
from web.reference.documented import JSON, ResponseDoc
from web.reference.examples import named_examples
from web.reference.json_schemas import Schema, Schemas
from web.reference.refusals import refusals_of
from web.reference.routes import Route

API_VERSION = "1.0.0"
BEARER = "accessToken"
API_KEY = "apiKey"
_SECURITY: dict[str, list[Schema]] = {
    "public": [],
    "by_visibility": [{}, {BEARER: []}, {API_KEY: []}],
    "authenticated": [{BEARER: []}],
    "admin": [{BEARER: []}],
    "manager": [{BEARER: []}, {API_KEY: []}],
    "insider": [{BEARER: []}, {API_KEY: []}],
    "by_api_key": [{API_KEY: []}],
    "public_or_by_api_key": [{}, {BEARER: []}, {API_KEY: []}],
    "authenticated_or_by_api_key": [{BEARER: []}, {API_KEY: []}],
}


def document(routes: Sequence[Route], root_path: str) -> Schema:
    """Return the whole document of a service at this path of its host."""
    schemas = Schemas(_types_in(routes))
    return {
        "openapi": "3.1.0",
        "info": {"title": prose.TITLE, "version": API_VERSION, "description": prose.HTTP, "license": prose.LICENSE},
        "servers": [{"url": root_path}],
        "tags": [{"name": name, "description": sentence} for name, sentence in prose.TAGS.values()],
        "paths": _paths(routes, schemas),
        "components": {
            "schemas": schemas.components,
            "parameters": headers.parameters(),
            "headers": headers.OF_ANSWERS,
            "securitySchemes": {
                BEARER: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The `accessToken` of a login: `Authorization: Bearer …`.",
                },
                API_KEY: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Api-Key",
                    "description": "The id of an API key. The request is signed with its secret: `X-Signature`.",
                },
            },
        },
    }


def parameters_of(model: type[BaseModel], place: str = "query") -> list[Schema]:
    """Return the fields of a query's model as `parameters`. One that may be left out is never sent as null."""
    shape = model.model_json_schema()
    required = shape.get("required", ())
    return [_parameter(name, place, _sent(schema), name in required) for name, schema in shape["properties"].items()]


def _types_in(routes: Iterable[Route]) -> Iterable[Any]:
    yield responses.Error
    for route in routes:
        yield from route.arguments.values()
        said = route.documentation
        yield from (answer.body for answer in said.answers if answer.body is not None)
        if said.body:
            yield said.body


def _paths(routes: Iterable[Route], schemas: Schemas) -> Schema:
    paths: Schema = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method] = _operation(route, schemas)
    return paths


def _operation(route: Route, schemas: Schemas) -> Schema:
    said = route.documentation
    in_path = [_parameter(name, "path", schemas.of(kind), True) for name, kind in route.arguments.items()]
    in_query = parameters_of(said.query) if said.query else []
    operation: Schema = {
        "operationId": said.operation_id,
        "tags": [prose.TAGS[route.group][0]],
        "summary": said.summary,
        "description": said.description,
        "security": _SECURITY[route.access],
        "parameters": [*in_path, *in_query, *headers.heeded(*said.headers)],
        "responses": _joined(_answers(said.answers, schemas), refusals_of(route, schemas)),
    }
    if said.body:
        operation["requestBody"] = {
            "required": not may_be_left_out(said.body),
            "content": {JSON: _content(schemas.of(said.body), schemas)},
        }
    return operation


def _parameter(name: str, place: str, schema: Mapping[str, Any], required: bool) -> Schema:
    described = dict(schema)
    examples = described.pop("examples", [described.get("default")])
    return {
        "name": name,
        "in": place,
        "required": required,
        "description": described.pop("description", ""),
        "schema": described,
        "example": examples[0],
    }


def _sent(schema: Mapping[str, Any]) -> Schema:
    """Return the schema of a field as a query can hold it."""
    outer = {key: value for key, value in schema.items() if key not in {"anyOf", "title"}}
    if "anyOf" not in schema:
        return outer
    (inner,) = (choice for choice in schema["anyOf"] if choice != {"type": "null"})
    outer.pop("default")
    return {**inner, **outer}


def _joined(answers: Schema, refusals: Schema) -> Schema:
    """Return all responses by status; one that is both an answer and a refusal has either body."""
    both = {status: _either(answers[status], refusals[status]) for status in answers.keys() & refusals.keys()}
    return answers | refusals | both


def _either(answer: Schema, refusal: Schema) -> Schema:
    (one,), (other,) = answer["content"].values(), refusal["content"].values()
    content = {
        "schema": {"anyOf": [one["schema"], other["schema"]]},
        "examples": one["examples"] | other["examples"],
    }
    return {
        "description": f"{answer['description']} Or: {refusal['description']}",
        "headers": answer["headers"] | refusal["headers"],
        "content": {JSON: content},
    }


def _answers(answers: Iterable[ResponseDoc], schemas: Schemas) -> Schema:
    """Return answers by status; several of one status are one in several media types."""
    told: Schema = {}
    for answer in answers:
        described = _answer(answer, schemas)
        first = told.setdefault(str(answer.status), described)
        if first is not described:
            first["content"].update(described["content"])
    return told


def _answer(answer: ResponseDoc, schemas: Schemas) -> Schema:
    response: Schema = {"description": answer.description, "headers": headers.sent(*answer.headers)}
    if answer.body is not None:
        response["content"] = {answer.media_type: _content(schemas.of(answer.body), schemas)}
    return response


def _content(schema: Schema, schemas: Schemas) -> Schema:
    return {"schema": schema, "examples": named_examples(schema, schemas)}
