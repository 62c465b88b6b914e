"""A copy of the launcher in a folder of its own, with tiny stand-ins for what it starts.

Starting and stopping is what these tests look at, so the parts do as little as they can and can be told to fail.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 30
_MARK = "KABAO_TEST_RUN"

SIMULATOR = """
import argparse, json, pathlib, signal, socket, sys
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--data", type=pathlib.Path)
given = parser.parse_args()
given.data.mkdir(parents=True, exist_ok=True)
settings = {"KABAO_WECHAT_APP_ID": "wx1", "KABAO_QQ_APP_ID": "qq1"}
(given.data / "gateway-settings.json").write_text(json.dumps(settings))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with socket.create_server(("127.0.0.1", given.port)) as server:
    print("ready", json.dumps({"url": f"http://127.0.0.1:{server.getsockname()[1]}"}), flush=True)
    signal.pause()
"""

SEED = """
import json, os, pymongo
if os.environ.get("STAND_IN_SEED_FAILS"):
    raise ValueError("the menu is empty")
with pymongo.MongoClient(os.environ["MONGODB_URI"]) as client:
    starts = client[os.environ["KABAO_DATABASE"]].starts
    starts.insert_one({"key": os.environ["KABAO_SECRET_KEY"]})
    keys = [start["key"] for start in starts.find()]
staff = {"username": "boss", "password": "pw"}
print(json.dumps({"brand_id": "brd_1", "store_id": "sto_1", "template_ids": {"keys": keys}, "staff": staff}))
"""

GATEWAY = """
import argparse, http.server, os, signal, sys
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--workers", type=int)
given = parser.parse_args()
if os.environ.get("STAND_IN_GATEWAY_FAILS"):
    sys.exit("KABAO_SECRET_KEY is too short")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Answer).serve_forever()
"""

TOUR = """
import json, os, sys
print("step 1:", json.loads(os.environ["KABAO_READY"])["brand_id"], flush=True)
sys.exit(3)
"""


def make_repository(root: Path) -> Path:
    """The launcher's own files, copied, and stand-ins for the rest."""
    (root / "scripts" / "simulator").mkdir(parents=True)
    (root / "gateway").mkdir()
    for module in (ROOT / "scripts").glob("*.py"):
        shutil.copy(module, root / "scripts")
    (root / "scripts" / "simulator" / "__main__.py").write_text(SIMULATOR, "utf-8")
    (root / "scripts" / "seed.py").write_text(SEED, "utf-8")
    (root / "scripts" / "tour.py").write_text(TOUR, "utf-8")
    (root / "gateway" / "__main__.py").write_text(GATEWAY, "utf-8")
    return root


class Launched:
    """A running supervisor; leaving the `with` block kills it if it still runs."""

    def __init__(self, root: Path, *arguments: str | Path, mark: Path | None = None, **environment: str) -> None:
        self._mark = mark or root
        kept = {name: value for name, value in os.environ.items() if name not in ("MONGODB_URI", "PYTHONPATH")}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "scripts.run_stack", *map(str, arguments)],
            env=kept | {"PYTHONPATH": str(root), _MARK: str(self._mark)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def ready(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        word, _, facts = self.process.stdout.readline().partition(" ")
        assert word == "ready", self.end()
        ready: dict[str, Any] = json.loads(facts)
        return ready

    def end(self, told: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send a signal, if one is given, and wait: exit code, the rest of its output, its errors."""
        if told is not None:
            self.process.send_signal(told)
        output, errors = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output, errors

    def children(self) -> dict[str, int]:
        """What runs on its behalf, itself left out: command line and pid."""
        return {line: pid for line, pid in processes_of(self._mark).items() if pid != self.process.pid}


def processes_of(mark: Path) -> dict[str, int]:
    """Every process that has the mark in its environment, which children hand on, by command line and pid."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{_MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found[(entry / "cmdline").read_bytes().replace(b"\0", b" ").decode() + entry.name] = int(entry.name)
        except OSError:  # it ended while we looked
            continue
    return found


def nothing_left_of(mark: Path, seconds: float = 5.0) -> bool:
    """Whether all processes with this mark are gone, or go within the time given."""
    deadline = time.monotonic() + seconds
    while left := processes_of(mark):
        if time.monotonic() > deadline:
            print("left:", left)
            return False
        time.sleep(0.05)
    return True
