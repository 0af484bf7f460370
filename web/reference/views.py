"""`/openapi.json`, `/asyncapi.json` and `/docs`: made once for each process, when somebody first asks."""

from dataclasses import dataclass
from typing import Annotated, Any

from flask import Blueprint, Response, current_app, jsonify, make_response, render_template, request
from pydantic import Field

from web.access import public
from web.pages import CONTENT_SECURITY_POLICY
from web.reference import asyncapi, openapi, page
from web.reference.documented import Answer, documented
from web.reference.json_schemas import Schema
from web.reference.routes import LIVE, documented_routes

OpenApiDocument = Annotated[dict[str, Any], Field(examples=[{"openapi": "3.1.0"}])]
AsyncApiDocument = Annotated[dict[str, Any], Field(examples=[{"asyncapi": "3.0.0"}])]
Page = Annotated[str, Field(examples=["<!doctype html>"])]

_NOT_CHANGED = Answer(304, "It has not changed.", headers=["ETag", "Cache-Control"])

blueprint = Blueprint("reference", __name__)


@dataclass(frozen=True)
class Documents:
    """Both documents of an application."""

    http: Schema
    live: Schema


def documents() -> Documents:
    """Those of the application that handles this request."""
    app = current_app
    if "reference" not in app.extensions:
        routes = list(documented_routes(app))
        (socket,) = (route.path for route in routes if route.group == LIVE)
        app.extensions["reference"] = Documents(openapi.document(routes), asyncapi.document(socket))
    made: Documents = app.extensions["reference"]
    return made


@blueprint.get("/openapi.json")
@documented(
    "readOpenApi",
    "Read this document",
    headers=["If-None-Match"],
    answers=[Answer(200, "OpenAPI 3.1.", OpenApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def http_document() -> Response:
    return _revalidated(jsonify(documents().http))


@blueprint.get("/asyncapi.json")
@documented(
    "readAsyncApi",
    "Read the document of the live socket",
    headers=["If-None-Match"],
    answers=[Answer(200, "AsyncAPI 3.", AsyncApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def live_document() -> Response:
    return _revalidated(jsonify(documents().live))


@blueprint.get("/docs")
@documented(
    "readDocs",
    "Read both documents as a page",
    headers=["If-None-Match"],
    answers=[
        Answer(200, "A page.", Page, headers=["ETag", "Cache-Control"], media_type="text/html"),
        _NOT_CHANGED,
    ],
)
@public
def both_as_a_page() -> Response:
    made = documents()
    response = make_response(render_template("reference.html", http=made.http, live=made.live, page=page))
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return _revalidated(response)


def _revalidated(response: Response) -> Response:
    response.add_etag()
    response.cache_control.public = True
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
