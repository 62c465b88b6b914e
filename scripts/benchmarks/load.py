"""A load of one request from a process of its own, so that the client's work is not counted as the server's."""

import asyncio
import json
import sys

import aiohttp

from scripts.benchmarks.timing import rate


async def main(url: str, body: bytes, callers: int, seconds: float) -> float:
    """Answers per second."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(auto_decompress=False, headers=headers) as http:

        async def ask(_: int) -> None:
            async with http.post(url, data=body) as response:
                await response.read()
                if response.status != 200:
                    raise RuntimeError(f"status {response.status}")

        return await rate(ask, callers, seconds)


async def from_outside(url: str, content: object, callers: int, seconds: float) -> float:
    """The same, run in a process of its own on this machine."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, str(callers), str(seconds), stdin=-1, stdout=-1
    )
    answer, _ = await child.communicate(json.dumps(content).encode())
    return float(answer)


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], sys.stdin.buffer.read(), int(sys.argv[2]), float(sys.argv[3]))))
