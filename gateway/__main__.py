"""`python -m gateway`: N processes on one port."""

import argparse
import multiprocessing
import os
import signal
import socket
import sys
import time
from multiprocessing.process import BaseProcess
from types import FrameType

import uvicorn

from gateway.asgi import create_app
from gateway.logs import set_up_logs
from gateway.server import BACKLOG, server_config
from gateway.settings import Settings, UnsafeSettings, load_settings
from gateway.wiring import wire

RESTART_SECONDS = 0.5


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m gateway", description="Serve Kabao.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    try:
        settings = load_settings()
    except UnsafeSettings as error:
        print(f"gateway: {error}", file=sys.stderr)
        return 2
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # TCP named: else Nagle stays on
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((arguments.host, arguments.port))
    except OSError as error:
        print(f"gateway: cannot listen on port {arguments.port}: {error.strerror}", file=sys.stderr)
        return 1
    listener.listen(BACKLOG)
    listener.setblocking(False)
    if arguments.workers <= 1:
        serve(settings, listener)
        return 0
    return supervise(settings, listener, arguments.workers)


class Server(uvicorn.Server):
    """Ends at once when it is told to while it still starts: what it waits for, a primary say, may never come."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        if not self.started:
            os._exit(0)
        super().handle_exit(sig, frame)


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve from one process."""
    set_up_logs(settings.log_level)
    server = Server(server_config(create_app(wire(settings))))
    server.run(sockets=[listener])


def supervise(settings: Settings, listener: socket.socket, count: int) -> int:
    """Keep `count` processes serving; one that dies is replaced, all end together."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    fork = multiprocessing.get_context("fork")

    def start() -> BaseProcess:
        process = fork.Process(target=_worker, args=(settings, listener, os.getpid()), daemon=False)
        process.start()
        return process

    workers = [start() for _ in range(count)]
    while not stopping:
        for index, worker in enumerate(workers):
            if not worker.is_alive() and not stopping:
                workers[index] = start()
        time.sleep(RESTART_SECONDS)
    for worker in workers:
        worker.terminate()
    for worker in workers:
        worker.join(10)
        if worker.is_alive():
            worker.kill()
    return 0


def _worker(settings: Settings, listener: socket.socket, parent: int) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    _die_with(parent)
    serve(settings, listener)


def _die_with(parent: int) -> None:
    """End this process when its supervisor is killed (Linux), so that none is left behind on the port."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; one that is still starting heeds no SIGTERM
        if os.getppid() != parent:
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
