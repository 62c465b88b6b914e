"""GraphQL requests as they come: their shape, checked before anything is parsed."""

from dataclasses import dataclass
from typing import Any

from schema.limits import MAXIMUM_QUERY


class OperationRefused(Exception):
    """The operation does not run at all; `errors` say why, formatted."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("refused")
        self.errors = errors


class NoRequest(OperationRefused):
    """What came is not a GraphQL request at all: a parameter is missing or has the wrong type."""

    def __init__(self, message: str) -> None:
        super().__init__([bad_request(message)])


@dataclass(frozen=True, slots=True)
class Request:
    """A GraphQL request, its shape checked."""

    query: str
    operation_name: str | None
    variables: dict[str, Any]


def read_request(content: Any) -> Request:
    """A request from decoded JSON. Raises NoRequest for any other shape, OperationRefused for one too long."""
    if not isinstance(content, dict):
        raise NoRequest("The body must be a JSON object.")
    query, name, variables = content.get("query"), content.get("operationName"), content.get("variables")
    if not isinstance(query, str):
        raise NoRequest("query must be a text.")
    if not isinstance(name, str | None):
        raise NoRequest("operationName must be a text or null.")
    if not isinstance(variables, dict | None):
        raise NoRequest("variables must be an object or null.")
    if not isinstance(content.get("extensions"), dict | None):
        raise NoRequest("extensions must be an object or null.")
    if len(query) > MAXIMUM_QUERY:
        raise OperationRefused([bad_request(f"query must have at most {MAXIMUM_QUERY} characters.")])
    return Request(query, name, variables or {})


def bad_request(message: str) -> dict[str, Any]:
    """A formatted error about the request's shape."""
    return {"message": message, "extensions": {"code": "BAD_USER_INPUT"}}
