"""The page's own files: one address for each version of them, compressed once, and kept by browsers for good.

All files share one version, a hash of everything that is served: modules import each other by relative addresses, so a
browser loads all files of one version. After a deployment a page of an older version gets the current file, and is
told not to cache it.
"""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import NotFound

from web.guards.access import public
from web.guards.root_path import relative_root
from web.revalidation import revalidated

FOLDER = Path(__file__).parent / "static"
ROUTE = "/static/<path:filename>"

CLASSIC_SCRIPTS = frozenset({"js/early.js", "js/reference.js"})
"""The scripts that are no modules: they run before what follows them is painted."""

_ELSEWHERE = ("js/vendor/", "js/admin/", "js/dashboard/", "js/chart", "js/past/")
"""How the paths of modules begin that no page of a board loads at once: for some browsers, admins, charts, the past."""

_VERSION_CHARACTERS = 12
_FOR_GOOD = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_SMALLEST_COMPRESSED_BYTES = 512
"""Below this the header fields cost more than compression saves."""

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True)
class Content:
    """The bytes of a response, also compressed where that is shorter, with their ETag."""

    raw: bytes
    mimetype: str
    compressed: bytes | None
    etag: str

    @classmethod
    def of(cls, raw: bytes, mimetype: str) -> "Content":
        compressed = gzip.compress(raw, compresslevel=9, mtime=0) if len(raw) >= _SMALLEST_COMPRESSED_BYTES else raw
        shorter = compressed if len(compressed) < len(raw) else None
        return cls(raw, mimetype, shorter, sha256(raw).hexdigest()[:32])

    def response(self) -> Response:
        """Return the response to this request: compressed if the client accepts that, 304 if it has it already."""
        takes_gzip = self.compressed is not None and request.accept_encodings["gzip"] > 0
        response = Response(self.compressed if takes_gzip else self.raw, mimetype=self.mimetype)
        response.vary.add("Accept-Encoding")
        if takes_gzip:
            response.content_encoding = "gzip"
        return revalidated(response, f"{self.etag}-gzip" if takes_gzip else self.etag)


class Assets:
    """Every file below a folder, read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def files(self) -> Mapping[str, Content]:
        """The contents of each file by its path below the folder."""
        paths = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {str(path.relative_to(self._folder)): Content.of(path.read_bytes(), _type_of(path)) for path in paths}

    @cached_property
    def version(self) -> str:
        """A text that changes whenever any of the files does."""
        names_and_contents = "\n".join(f"{name} {content.etag}" for name, content in self.files.items())
        return sha256(names_and_contents.encode()).hexdigest()[:_VERSION_CHARACTERS]

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The names of the modules of a board's page, so that a browser can load them in parallel."""
        return tuple(name for name in self.files if _is_always_loaded(name))

    def find(self, path: str) -> tuple[Content, bool] | None:
        """Return the file at a path with or without a version, and whether the version is the current one."""
        version, _, rest = path.partition("/")
        if rest in self.files:
            return self.files[rest], version == self.version
        return (self.files[path], False) if path in self.files else None


def assets() -> Assets:
    """Return the files of the application that handles this request."""
    found: Assets = current_app.extensions["assets"]
    return found


def asset_address(name: str) -> str:
    """Return the address of a file in the current version, relative to the address of this request."""
    return f"{relative_root()}{asset_path(name)}"


def asset_path(name: str) -> str:
    """Return the path of a file in the current version, below the service's root."""
    return f"static/{assets().version}/{name}"


@blueprint.record_once
def install(state: BlueprintSetupState) -> None:
    app = state.app
    app.extensions["assets"] = Assets(FOLDER)
    app.jinja_env.globals["asset"] = asset_address
    app.jinja_env.globals["modules"] = lambda: assets().modules


@blueprint.get(ROUTE, endpoint="static")
@public
def static(filename: str) -> Response:
    """Send one file. Raises NotFound."""
    found = assets().find(filename)
    if found is None:
        raise NotFound
    content, is_current = found
    response = content.response()
    if is_current:
        response.headers["Cache-Control"] = _FOR_GOOD
    return response


def _is_always_loaded(name: str) -> bool:
    """Return whether every visit of a board needs this file as a module."""
    return name.endswith(".js") and name not in CLASSIC_SCRIPTS and not name.startswith(_ELSEWHERE)


def _type_of(path: Path) -> str:
    return _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
