"""Whether a database fits this version, told from the error with which it refused a statement. Pure.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from sqlalchemy.exc import DBAPIError

_CLASSES = ("0A", "28", "3D", "3F", "42")
"""SQLSTATE classes: not supported, not authorized, or no object of this name; `42` also covers a missing right."""

_CODES = ("23502", "25006")
"""SQLSTATE codes: a required column without a value, a read-only server."""


def is_misfit(error: DBAPIError) -> bool:
    """Return whether schema, rights or server do not fit this version, so that the statement can do nothing there."""
    code = sqlstate(error) or ""
    return code.startswith(_CLASSES) or code in _CODES


def sqlstate(error: DBAPIError) -> str | None:
    """Return the server's code for an error; None if the error is not the server's, or its reply was cut off."""
    code = getattr(error.orig, "pgcode", None)
    return code if isinstance(code, str) else None
