"""`/openapi.json`, `/asyncapi.json` and `/docs`: made once for each process."""

from functools import cached_property
from typing import Annotated, Any

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, render_template, request
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


class Reference:
    """Both documents of an application, and the page of them. Each is made once: the page takes a tenth of a second."""

    def __init__(self, app: Flask) -> None:
        self._routes = list(documented_routes(app))

    @cached_property
    def http(self) -> Schema:
        return openapi.document(self._routes)

    @cached_property
    def live(self) -> Schema:
        (socket,) = (route.path for route in self._routes if route.group == LIVE)
        return asyncapi.document(socket)

    @cached_property
    def page(self) -> str:
        return render_template("reference.html", http=self.http, live=self.live, page=page)


def reference() -> Reference:
    """That of the application that handles this request."""
    extensions = current_app.extensions
    if "reference" not in extensions:
        extensions["reference"] = Reference(current_app)
    made: Reference = extensions["reference"]
    return made


def prepare(app: Flask) -> None:
    """Make everything before the first request, so that no viewer has to wait for it."""
    with app.test_request_context():
        _ = reference().page


@blueprint.get("/openapi.json")
@documented(
    "readOpenApi",
    "Read this document",
    headers=["If-None-Match"],
    answers=[Answer(200, "OpenAPI 3.1.", OpenApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def http_document() -> Response:
    return _revalidated(jsonify(reference().http))


@blueprint.get("/asyncapi.json")
@documented(
    "readAsyncApi",
    "Read the document of the live socket",
    headers=["If-None-Match"],
    answers=[Answer(200, "AsyncAPI 3.", AsyncApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def live_document() -> Response:
    return _revalidated(jsonify(reference().live))


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
    response = make_response(reference().page)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return _revalidated(response)


def _revalidated(response: Response) -> Response:
    response.add_etag()
    response.cache_control.public = True
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response
