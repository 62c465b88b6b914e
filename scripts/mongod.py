"""One mongod process: which program it is, how it is started and how it is ended."""

import asyncio
import importlib.util
import os
import shutil
import signal
from pathlib import Path

from scripts.mongod_reasons import why_mongod_ended
from scripts.processes import CannotStart, free_port, keep_one_previous, port_is_free, start_process, stop_process

REPLICA_SET = "kabao"
START_SECONDS = 60.0  # a folder that was not closed cleanly replays its journal first
STOP_SECONDS = 15.0

_POLL_SECONDS = 0.02
_CACHE_GB = "0.25"  # the smallest WiredTiger takes; the default is half of the machine's memory for each member
_OPLOG_MB = "512"  # the default is 5 % of the disk


def find_mongod() -> Path:
    """The mongod to run: KABAO_MONGOD, else the one inside the installed wheel, else the one on PATH."""
    if named := os.environ.get("KABAO_MONGOD"):
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise CannotStart(f"KABAO_MONGOD names {named}, which is not a program; correct it or unset it")
        return Path(named)
    wheel = importlib.util.find_spec("fiftyone")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        if (program := Path(folder, "db", "bin", "mongod")).exists():
            return program
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    raise CannotStart("no mongod found: put one on PATH or name it in KABAO_MONGOD (6.0 or newer), or set MONGODB_URI")


class Mongod:
    """A member of the replica set, with its folder `<data>/<name>` and its log beside that folder."""

    def __init__(self, data: Path, name: str, port: int | None = None) -> None:
        self.name = name
        self.port = port if port and port_is_free(port) else free_port()
        self.folder = data / name
        self.log = data / f"{name}.log"
        self._output = data / f"{name}.out"  # what is said before there is a log, e.g. by the dynamic linker
        self._process: asyncio.subprocess.Process | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def used_before(self) -> bool:
        return (self.folder / "WiredTiger").exists()

    async def start(self) -> None:
        """Start it and return as soon as it takes connections; raises CannotStart with the reason."""
        program = find_mongod()
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_one_previous(self.log)
        # SIGKILL, not SIGTERM, when we are gone: nobody is left to wait, and what was acknowledged is in the journal.
        self._process = await start_process(self._command(program), output=self._output, death_signal=signal.SIGKILL)
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await self._takes_connections():
            if not self.running:
                raise CannotStart(f"MongoDB did not start: {self.why_it_ended()}")
            if asyncio.get_running_loop().time() > deadline:
                await self.stop()
                raise CannotStart(f"MongoDB took no connection within {START_SECONDS:.0f} s; read {self.log}")
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        if self._process is not None:
            await stop_process(self._process, STOP_SECONDS)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()

    async def wait(self) -> None:
        """Return when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    def why_it_ended(self) -> str:
        code = self._process.returncode if self._process else None
        return why_mongod_ended(
            log=self.log, output=self._output, folder=self.folder, port=self.port, return_code=code or 0
        )

    async def _takes_connections(self) -> bool:
        if "Waiting for connections" not in (self.log.read_text("utf-8", "replace") if self.log.exists() else ""):
            return False  # not by connecting: when our port was taken meanwhile, another program would answer
        return self.running

    def _command(self, program: Path) -> tuple[str, ...]:
        return (
            *(str(program), "--dbpath", str(self.folder), "--logpath", str(self.log), "--quiet"),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket"),
            *("--replSet", REPLICA_SET, "--oplogSize", _OPLOG_MB, "--wiredTigerCacheSizeGB", _CACHE_GB),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            # What a killed gateway had open keeps its locks for so long; the longest transaction of ours takes one.
            *("--setParameter", "transactionLifetimeLimitSeconds=15"),
            # A primary told to stop would otherwise wait up to 15 s for its clients to go.
            *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
        )
