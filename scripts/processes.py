"""Children of the local stack: started so that they never outlive us, stopped so that nothing of them is left."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_DIE_WITH_PARENT = Path(__file__).with_name("die_with_parent.py")


class CannotStart(Exception):
    """Something of the local stack did not start or did not stay; the message is one line and says what to do next."""


async def start_process(
    command: Sequence[str],
    *,
    output: Path | None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
) -> asyncio.subprocess.Process:
    """Start a command writing to `output` (None: where we do); it gets `death_signal` if we die without stopping it.

    It has a session of its own, so that ctrl-C in the terminal reaches only us and we decide the order of stopping.
    """
    if output is not None:
        keep_one_previous(output)
    with output.open("wb") if output is not None else contextlib.nullcontext() as sink:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_DIE_WITH_PARENT), str(os.getpid()), str(int(death_signal)), *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=asyncio.subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )


async def stop_process(process: asyncio.subprocess.Process, patience_seconds: float = 10.0) -> None:
    """Ask the process to end, then kill what is left of its session's group, helpers of its own included."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience_seconds)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


def keep_one_previous(log: Path) -> None:
    """Set the log of the last run aside, so that logs stay bounded and the newest holds one run only."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.previous"))


def last_line(log: Path) -> str:
    """The last line of a log that says something, for a failure message."""
    if not log.exists():
        return "it wrote nothing"
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    return next((line for line in reversed(lines) if line), "it wrote nothing")[:500]


def how_it_ended(return_code: int) -> str:
    """A return code in words."""
    if return_code >= 0:
        return f"exit code {return_code}"
    try:
        return f"signal {signal.Signals(-return_code).name}"
    except ValueError:
        return f"signal {-return_code}"


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def reserve_port(port: int) -> socket.socket:
    """Bind a port of 127.0.0.1 (0: any free one) without listening; raises OSError when it is taken.

    SO_REUSEADDR, which servers set too, so that lingering connections of the last run do not make it look taken.
    """
    holder = socket.socket()
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
    except OSError:
        holder.close()
        raise
    return holder


def port_is_free(port: int) -> bool:
    """Whether a server could bind this port of 127.0.0.1 now."""
    try:
        reserve_port(port).close()
    except OSError:
        return False
    return True
