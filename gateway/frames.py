"""The frames of graphql-transport-ws that come in: their shape, checked before anything is done."""

from typing import Any

import orjson

MAXIMUM_ID = 128  # characters of an operation's id


class Close(Exception):
    """End the socket with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def read_frame(text: str) -> dict[str, Any]:
    """A frame with a type. Raises Close."""
    try:
        frame = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Close(4400, "A message is JSON") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        raise Close(4400, "A message is an object with a type")
    return frame


def check_payload(payload: Any) -> None:
    """Raise Close unless it is an object or nothing."""
    if not isinstance(payload, dict | None):
        raise Close(4400, "payload is an object")


def authorization_of(payload: Any) -> str | None:
    """The authorization in the payload of `connection_init`. Raises Close."""
    check_payload(payload)
    authorization = (payload or {}).get("authorization")
    if not isinstance(authorization, str | None):
        raise Close(4400, "authorization is a text")
    return authorization


def check_subscribe(payload: Any) -> None:
    """Raise Close unless it can be the payload of `subscribe`; whether its operation can run is another question."""
    if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
        raise Close(4400, "subscribe has a payload with a query")
    for name in ("variables", "extensions"):
        if not isinstance(payload.get(name), dict | None):
            raise Close(4400, f"{name} is an object")
    if not isinstance(payload.get("operationName"), str | None):
        raise Close(4400, "operationName is a text")


def id_of(frame: dict[str, Any]) -> str:
    """The id of a frame's operation. Raises Close."""
    operation_id = frame.get("id")
    if not isinstance(operation_id, str) or not 1 <= len(operation_id) <= MAXIMUM_ID:
        raise Close(4400, "id is a text")
    return operation_id
