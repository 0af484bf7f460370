"""The path below its host at which a proxy serves the service: `SCOREBOARD_ROOT_PATH`.

The page and the documents use relative addresses, which need no setting. A whole path, such as `statusUrl`, needs the
prefix that clients see, whether or not the proxy removes it before it forwards a request.
"""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import request


class RootPath:
    """WSGI middleware that tells the application its prefix, as `SCRIPT_NAME` (PEP 3333)."""

    def __init__(self, application: WSGIApplication, root_path: str) -> None:
        self._application = application
        self._root_path = root_path

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        environ["SCRIPT_NAME"] = self._root_path
        if path == self._root_path or path.startswith(f"{self._root_path}/"):
            environ["PATH_INFO"] = path[len(self._root_path) :] or "/"
        return self._application(environ, start_response)


def public_path(path: str) -> str:
    """Return a path of the service with the prefix that clients see."""
    return f"{request.script_root}{path}"


def sent_target(target: str) -> str:
    """The path and query that the client of this request has called, of those that have arrived here.

    They differ where a proxy has taken the prefix off, and a client signs what it calls.
    """
    prefix = request.script_root
    has_prefix = target == prefix or target.startswith((f"{prefix}/", f"{prefix}?"))
    return target if has_prefix else f"{prefix}{target}"


def relative_root() -> str:
    """Return the relative address of the service's root as seen from this request: `./`, `../`, `../../` and so on."""
    return "../" * (request.path.count("/") - 1) or "./"
