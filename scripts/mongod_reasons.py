"""Why a mongod ended, read from what it left behind, as one line that a person can act on."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from scripts.processes import how_it_ended

_OTHER_VERSION = (
    "{folder} was written by another version of MongoDB; start that version (KABAO_MONGOD), choose another --data, "
    "or discard the data with --fresh"
)
_KNOWN = (
    (r"Address already in use", "port {port} is taken by another program; stop that program or try again"),
    (r"DBPathInUse|Unable to lock", "{folder} is in use by another mongod (pid {holder}); stop that one first"),
    (r"unsupported WiredTiger .*version|unsupported upgrade or downgrade", _OTHER_VERSION),
    (r"featureCompatibilityVersion|UPGRADE PROBLEM|Wrong mongod version", _OTHER_VERSION),
    (r"No space left on device", "the disk that holds {folder} is full; make room and start again"),
    (
        r"Permission denied|Operation not permitted",
        "{folder} may not be written by this user; correct its owner or mode",
    ),
)
_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: (\S+):")


def why_mongod_ended(*, log: Path, output: Path, folder: Path, port: int, return_code: int) -> str:
    """The reason, from the log where one was written, else from what the dynamic linker said, else from the code."""
    if return_code == -signal.SIGILL:
        return "this mongod needs a processor with AVX; set KABAO_MONGOD to another build, or MONGODB_URI to a server"
    complaints = list(_complaints(log))
    for pattern, advice in _KNOWN:
        if any(re.search(pattern, complaint) for complaint in complaints):
            return advice.format(folder=folder, port=port, holder=_first_line(folder / "mongod.lock") or "unknown")
    if complaints:
        return f"{complaints[0]}; read {log}"
    if missing := _MISSING_LIBRARY.search(_text(output)):
        return (
            f"this system lacks {missing[1]}, which mongod needs; install it (Debian and Ubuntu: libssl3), "
            "or set KABAO_MONGOD to a mongod of this system, or MONGODB_URI to a server"
        )
    said = next((line for line in _text(output).splitlines() if not line.startswith("{")), "")
    return f"{said or how_it_ended(return_code)}; read {log}"


def _complaints(log: Path) -> Iterator[str]:
    """What the log reports as error or fatal, the cause before its consequences."""
    for line in _text(log).splitlines():
        try:
            entry = json.loads(line)
        except ValueError:  # the line that was being written when it ended
            continue
        if entry.get("s") in ("E", "F") or "unsupported upgrade or downgrade" in entry.get("msg", ""):
            yield f"{entry['msg']}: {_detail(entry.get('attr', {}))}".strip().rstrip(":")


def _detail(attributes: dict[str, object]) -> str:
    for name in ("message", "error", "reason"):
        match attributes.get(name):
            case {"msg": str(text)} | {"errmsg": str(text)} | str(text):
                return text
    return ""


def _first_line(path: Path) -> str:
    return next(iter(_text(path).splitlines()), "")


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""
