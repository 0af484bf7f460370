"""The declaration of a view for the documents: what cannot be read from its route and its guards."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from common.contract.errors import ErrorCode

AnyView = TypeVar("AnyView", bound=Callable[..., object])

JSON = "application/json"
_DOCUMENTATION = "documentation"


@dataclass(frozen=True)
class ResponseDoc:
    """A successful response. `body` is the type of its body, or None; `headers` are those that are documented."""

    status: int
    description: str
    body: Any = None
    headers: Sequence[str] = ()
    media_type: str = JSON


@dataclass(frozen=True)
class Documentation:
    """The declaration of a view. `errors` are the codes that it raises itself, apart from guards and parsing."""

    operation_id: str
    summary: str
    description: str
    answers: Sequence[ResponseDoc]
    errors: Sequence[ErrorCode] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    headers: Sequence[str] = ()


def documented(
    operation_id: str,
    summary: str,
    *,
    answers: Sequence[ResponseDoc],
    description: str = "",
    errors: Sequence[ErrorCode] = (),
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    headers: Sequence[str] = (),
) -> Callable[[AnyView], AnyView]:
    """Declare a view's part of the document. `headers` are those of the request that it heeds."""
    said = Documentation(operation_id, summary, description, answers, errors, body, query, headers)

    def declare(view: AnyView) -> AnyView:
        setattr(view, _DOCUMENTATION, said)
        return view

    return declare


def documentation_of(view: Callable[..., object]) -> Documentation | None:
    """Return what a view declares for the documents, or None."""
    said: Documentation | None = getattr(view, _DOCUMENTATION, None)
    return said
