"""`/openapi.json`, `/asyncapi.json` and `/docs`: made once for each process."""

from functools import cached_property
from typing import Annotated, Any

from flask import Blueprint, Flask, Response, current_app, render_template
from pydantic import Field

from web.guards.access import public
from web.pages.assets import Content
from web.pages.page_headers import CONTENT_SECURITY_POLICY
from web.reference import asyncapi, openapi, renderer
from web.reference.documented import ResponseDoc, documented
from web.reference.json_schemas import Schema
from web.reference.routes import LIVE, documented_routes

OpenApiDocument = Annotated[dict[str, Any], Field(examples=[{"openapi": "3.1.0"}])]
AsyncApiDocument = Annotated[dict[str, Any], Field(examples=[{"asyncapi": "3.0.0"}])]
Page = Annotated[str, Field(examples=["<!doctype html>"])]

_NOT_CHANGED = ResponseDoc(304, "It has not changed.", headers=["ETag", "Cache-Control"])

blueprint = Blueprint("reference", __name__)


class Reference:
    """Both documents of an application, and their page. Each is built once: the page takes a tenth of a second."""

    def __init__(self, app: Flask) -> None:
        self._routes = list(documented_routes(app))
        self._root_path: str = app.config["APPLICATION_ROOT"]

    def prepare(self) -> None:
        """Build both documents and the page."""
        _ = self.http_json, self.live_json, self.page

    @cached_property
    def http(self) -> Schema:
        return openapi.document(self._routes, self._root_path)

    @cached_property
    def live(self) -> Schema:
        (socket,) = (route.path for route in self._routes if route.group == LIVE)
        return asyncapi.document(socket)

    @cached_property
    def http_json(self) -> Content:
        """The OpenAPI document, as it is sent."""
        return Content.of(current_app.json.dumps(self.http).encode(), "application/json")

    @cached_property
    def live_json(self) -> Content:
        """The AsyncAPI document, as it is sent."""
        return Content.of(current_app.json.dumps(self.live).encode(), "application/json")

    @cached_property
    def page(self) -> Content:
        """Both documents as one page of HTML."""
        text = render_template("reference.html", http=self.http, live=self.live, page=renderer)
        return Content.of(text.encode(), "text/html")


def reference() -> Reference:
    """Return the documents of the application that handles this request."""
    extensions = current_app.extensions
    if "reference" not in extensions:
        extensions["reference"] = Reference(current_app)
    made: Reference = extensions["reference"]
    return made


def prepare(app: Flask) -> None:
    """Create the documents before the first request, so that nobody has to wait for them."""
    with app.test_request_context():
        reference().prepare()


@blueprint.get("/openapi.json")
@documented(
    "readOpenApi",
    "Read this document",
    headers=["If-None-Match"],
    answers=[ResponseDoc(200, "OpenAPI 3.1.", OpenApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def http_document() -> Response:
    return reference().http_json.response()


@blueprint.get("/asyncapi.json")
@documented(
    "readAsyncApi",
    "Read the document of the live socket",
    headers=["If-None-Match"],
    answers=[ResponseDoc(200, "AsyncAPI 3.", AsyncApiDocument, headers=["ETag", "Cache-Control"]), _NOT_CHANGED],
)
@public
def live_document() -> Response:
    return reference().live_json.response()


@blueprint.get("/docs")
@documented(
    "readDocs",
    "Read both documents as a page",
    headers=["If-None-Match"],
    answers=[
        ResponseDoc(200, "A page.", Page, headers=["ETag", "Cache-Control"], media_type="text/html"),
        _NOT_CHANGED,
    ],
)
@public
def both_as_a_page() -> Response:
    response = reference().page.response()
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
