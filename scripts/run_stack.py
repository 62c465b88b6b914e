"""Runs the whole product on this machine until it is told to stop; `scripts/run` sets Python up and calls it."""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from scripts.data_folder import DataFolder
from scripts.processes import CannotStart
from scripts.stack import Options, Stack

_ROOT = Path(__file__).resolve().parents[1]
_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def arguments() -> Options:
    parser = argparse.ArgumentParser(
        prog="scripts/run",
        description="Start MongoDB, the simulated WeChat and QQ, a demo brand and the gateway; ctrl-C stops all of it.",
        epilog="Set MONGODB_URI to use a MongoDB replica set of your own instead of the embedded one.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=int, default=8000, help="of the gateway; 0 picks a free one (default: 8000)")
    parser.add_argument("--data", type=Path, default=_ROOT / ".data", metavar="DIR", help="default: .data")
    parser.add_argument("--fresh", action="store_true", help="delete what is in DIR first")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="gateway processes (default: 1)")
    parser.add_argument(
        "--members", type=int, choices=(1, 3), help="of MongoDB; 3 for fail-over (default: 1, or what DIR has)"
    )
    parser.add_argument(
        "--tour", action="store_true", help="play the whole story, then stop; exits 0 when it went well"
    )
    given = parser.parse_args()
    if not 0 <= given.port <= 65535:
        parser.error("--port must be between 0 and 65535")
    if given.workers < 1:
        parser.error("--workers must be at least 1")
    return Options(**vars(given), root=_ROOT, mongodb_uri=os.environ.get("MONGODB_URI"))


async def run(options: Options) -> int:
    """Run until a stop signal, the loss of a part or the end of the tour; returns the exit code."""
    told_to_stop = asyncio.Event()
    for number in _STOPPING:
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop.set)
    folder = DataFolder(options.data)
    folder.take()
    stack = Stack(options, folder)
    work, stop = asyncio.create_task(_work(stack, options)), asyncio.create_task(told_to_stop.wait())
    try:
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        return await work if work.done() else 0
    finally:
        stop.cancel()
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError, CannotStart):
            await work
        await stack.stop()
        folder.release()


async def _work(stack: Stack, options: Options) -> int:
    ready = await stack.start()
    print("ready", json.dumps(ready, ensure_ascii=False), flush=True)
    lost = asyncio.create_task(_fail_when_lost(stack))
    tasks = {lost, asyncio.create_task(stack.play_tour(ready))} if options.tour else {lost}
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return (lost if lost in done else done.pop()).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _fail_when_lost(stack: Stack) -> int:
    lost = await stack.until_lost()
    print(f"scripts/run: {lost}", file=sys.stderr, flush=True)  # now: stopping the others may take a while
    return 1


def main() -> int:
    try:
        return asyncio.run(run(arguments()))
    except CannotStart as error:
        print(f"scripts/run: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
