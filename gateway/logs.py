"""Structured logs: one JSON object a line, and never a token, code, password or phone number."""

import json
import logging
import re
import secrets
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
# A last line of defence; what logs is written so that none of these should reach it.
_SECRETS = re.compile(
    r"(eyJ[\w-]+\.[\w-]+\.[\w-]+)"  # access tokens
    r"|(ses_\w+\.\d+\.\w+)"  # refresh tokens
    r"|((?<!\d)1[3-9]\d{9}(?!\d))"  # phone numbers
    r"|((?<!\d)88\d{16}(?!\d))"  # till codes
    r"|((?i:secret|access_token|js_code|code)=[^&\s\"']+)"  # platform URLs
)


def new_request_id() -> str:
    """An id that ties an answer to its log lines."""
    return secrets.token_hex(8)


def without_secrets(text: str) -> str:
    """The text with everything that looks like a secret struck out."""
    return _SECRETS.sub("[removed]", text)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update({name: value for name, value in vars(record).items() if name not in _STANDARD})
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        try:
            line = orjson.dumps(fields, default=str).decode()
        except TypeError:  # half a surrogate pair, a number of more than 64 bits: the logs take what clients made up
            line = json.dumps(fields, default=str)
        return without_secrets(line)


def set_up_logs(level: str) -> None:
    """Send every log of the process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in ("uvicorn.access", "websockets.server", "pymongo"):
        logging.getLogger(name).setLevel("WARNING")
