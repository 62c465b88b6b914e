"""`python -m scripts.simulator`: serves the simulated platforms until it is told to stop."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import orjson

from scripts.simulator.app import open_world, serving
from scripts.simulator.world import KEY_MODES


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder for keys, payments and gateway-settings.json")
    parser.add_argument("--key-mode", choices=KEY_MODES, default="public_key", help="what WeChat Pay signs with")
    parser.add_argument("--speed", type=float, default=1.0, help="divides the waits between notifications")
    chosen = parser.parse_args()
    if chosen.speed <= 0:
        parser.error("--speed must be above 0")
    return chosen


async def main(chosen: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(open_world(chosen.data, chosen.key_mode, chosen.speed), chosen.data, chosen.port) as simulator:
        sys.stdout.write(f"ready {orjson.dumps({'url': simulator.url}).decode()}\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(arguments()))
