"""A mongod that does not start says why in one line that tells what to do."""

import json
import signal
from pathlib import Path

import pytest

from scripts.mongod_reasons import why_mongod_ended

OTHER_VERSION = "was written by another version of MongoDB; start that version"


def log_line(severity: str, text: str, /, **attributes: object) -> str:
    return json.dumps({"s": severity, "msg": text, "attr": attributes})


CASES = {
    "the port is taken": (
        [log_line("E", "Error setting up listener", error={"code": 9001, "errmsg": "Address already in use"})],
        "port 27017 is taken by another program",
    ),
    "the folder is in use": (
        [log_line("E", "DBException in initAndListen", error="DBPathInUse: Unable to lock the lock file: x")],
        "in use by another mongod (pid 42); stop that one first",
    ),
    "the files are of a newer storage engine": (
        [
            log_line(
                "E", "WiredTiger error message", message={"msg": "an unsupported WiredTiger source file version 9"}
            ),
            log_line("F", "Terminating.", reason="13: Permission denied"),
        ],
        OTHER_VERSION,
    ),
    "the data are of a newer MongoDB": (
        [log_line("F", "Wrong mongod version", error="UPGRADE PROBLEM: Found an invalid document")],
        OTHER_VERSION,
    ),
    "the disk is full": (
        [log_line("E", "WiredTiger error message", message={"msg": "write: No space left on device"})],
        "is full; make room",
    ),
    "something else": (
        [log_line("I", "fine"), log_line("E", "Odd thing", error="of an unknown kind"), '{"s": "F", "msg'],
        "Odd thing: of an unknown kind; read ",
    ),
}


@pytest.mark.parametrize(("lines", "reason"), CASES.values(), ids=CASES.keys())
def test_the_reason_is_read_from_the_log(tmp_path: Path, lines: list[str], reason: str) -> None:
    (tmp_path / "mongod.lock").write_text("42\n")
    (tmp_path / "log").write_text("\n".join(lines))
    told = why(tmp_path)
    assert reason in told
    assert "\n" not in told


def test_a_missing_library_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text(
        "mongod: error while loading shared libraries: libcrypto.so.3: cannot open shared object file: No such file\n"
    )
    assert why(tmp_path, 127).startswith("this system lacks libcrypto.so.3, which mongod needs; install it")


def test_a_processor_that_is_too_old_is_named(tmp_path: Path) -> None:
    assert "AVX" in why(tmp_path, -signal.SIGILL)


def test_without_a_word_the_signal_is_named(tmp_path: Path) -> None:
    assert why(tmp_path, -signal.SIGKILL) == f"signal SIGKILL; read {tmp_path / 'log'}"


def why(folder: Path, return_code: int = 1) -> str:
    return why_mongod_ended(
        log=folder / "log", output=folder / "out", folder=folder, port=27017, return_code=return_code
    )
