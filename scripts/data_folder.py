"""The folder in which one local stack keeps everything: its lock, its secret key, its ports, its logs."""

import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from scripts.processes import CannotStart

_MARKER = ".kabao-data"
_MARKER_TEXT = (
    "Data of a local Kabao, made by scripts/run. `scripts/run --fresh` deletes everything beside this file.\n"
)


class DataFolder:
    """Held by at most one running stack: the lock is on the marker file and goes when the process does."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._marker = self.path / _MARKER
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder ours; raises CannotStart when it is in use or when it is not one of ours."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self._marker.exists() and any(self.path.iterdir()):
                raise CannotStart(f"{self.path} holds other files; name an empty or a new folder with --data")
            self._lock = self._marker.open("a+")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(
                f"{self.path} is in use by another scripts/run; stop that one or name another --data"
            ) from None
        except OSError as error:
            raise CannotStart(
                f"{self.path} cannot be used: {error.strerror}; name another folder with --data"
            ) from None
        if self._marker.stat().st_size == 0:
            self._marker.write_text(_MARKER_TEXT, "utf-8")

    def wipe(self) -> None:
        """Delete all but the marker, which is locked; only after `take`, so never a folder that is not ours."""
        for entry in self.path.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry != self._marker:
                entry.unlink()

    def release(self) -> None:
        if self._lock is not None:
            self._running.unlink(missing_ok=True)
            self._lock.close()

    def tell_running(self, values: Mapping[str, str]) -> None:
        """Leave a note for commands such as scripts/audit; for the owner's eyes only, as it names the database."""
        with os.fdopen(os.open(self._running, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(dict(values), file)

    @property
    def _running(self) -> Path:
        return self.path / "running.json"

    def secret_key(self) -> str:
        """The key of this folder's stored secrets, made at the first start and the same from then on."""
        path = self.path / "secret-key"
        if not path.exists():
            new = path.with_suffix(".new")  # renamed when whole, so that a crash leaves no half key
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(secrets.token_hex(32))
            new.replace(path)
        return path.read_text("utf-8")

    def log(self, name: str) -> Path:
        folder = self.path / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def remember_port(self, name: str, port: int) -> None:
        self._port_file(name).write_text(json.dumps(port), "utf-8")

    def remembered_port(self, name: str) -> int:
        """The port `name` had the last time, 0 when it never had one."""
        path = self._port_file(name)
        return int(json.loads(path.read_text("utf-8"))) if path.exists() else 0

    def _port_file(self, name: str) -> Path:
        return self.path / f"{name}-port"
