"""`scripts/torture`: kills the database's primary and the gateway under load, then checks the books; exits 0 or 1.

`scripts/torture live` does so to clients that watch and keep losing their sockets, then checks what they were told;
`scripts/torture sockets` opens and ends sockets by the thousand and looks whether the gateway's memory comes back.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

from scripts.processes import CannotStart
from scripts.tortures.live import LivePlan, live_report, torture_live
from scripts.tortures.report import report
from scripts.tortures.run import Plan, dump, torture
from scripts.tortures.sockets import come_and_go


def arguments(asked: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=60, help="of traffic and kills (default: 60)")
    parser.add_argument("--clients", type=int, default=32, help="half in WeChat, half in QQ (default: 32)")
    parser.add_argument("--kill-every", type=float, default=5, metavar="SECONDS", help="the primary (default: 5)")
    parser.add_argument("--gateways", type=int, default=1, help="processes, one killed at a time (default: 1)")
    parser.add_argument("--faults", action="store_true", help="let the providers err, too")
    parser.add_argument("--seed", type=int, help="of what clients do and when things die (default: by chance)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data, logs and what the clients were told here")
    given = parser.parse_args(asked)
    if given.seconds <= 0 or given.kill_every <= 0:
        parser.error("--seconds and --kill-every must be above 0")
    if given.clients < 2:
        parser.error("--clients must be at least 2, one for each app")
    if given.gateways < 1:
        parser.error("--gateways must be at least 1")
    return given


def live_arguments(given: list[str]) -> argparse.Namespace:
    """What was asked for after `live`."""
    about = "Clients watch and lose their sockets, gateways and primaries die, then what they were told is checked."
    parser = argparse.ArgumentParser(prog="scripts/torture live", description=about, allow_abbrev=False)
    parser.add_argument("--disconnects", type=int, default=3_000, help="at least (default: 3000)")
    parser.add_argument("--clients", type=int, default=8, help="half in WeChat, half in QQ (default: 8)")
    parser.add_argument("--kill-every", type=float, default=8, metavar="SECONDS", help="something of ours (default: 8)")
    parser.add_argument("--gateways", type=int, default=2, help="processes, one killed at a time (default: 2)")
    parser.add_argument("--seed", type=int, help="of what clients do and when things die (default: by chance)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data and logs here")
    found = parser.parse_args(given)
    if found.disconnects < 1 or found.kill_every <= 0 or found.clients < 2 or found.gateways < 1:
        parser.error("at least 1 disconnect, 2 clients, one for each app, and 1 gateway; --kill-every above 0")
    return found


def socket_arguments(given: list[str]) -> argparse.Namespace:
    """What was asked for after `sockets`."""
    about = "Sockets come and go by the thousand; the gateway's resident memory is told and must not grow."
    parser = argparse.ArgumentParser(prog="scripts/torture sockets", description=about, allow_abbrev=False)
    parser.add_argument("--count", type=int, default=10_000, help="in all, by the thousand (default: 10000)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data and logs here")
    found = parser.parse_args(given)
    if found.count < 1_000:
        parser.error("--count must be at least 1000")
    return found


def main() -> int:
    """Torture, report, 0 when all is right."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop all that was started then, too
    kind = sys.argv[1] if sys.argv[1:2] in (["live"], ["sockets"]) else ""
    read, run = {"": (arguments, _money), "live": (live_arguments, _live), "sockets": (socket_arguments, _sockets)}[
        kind
    ]
    given = read(sys.argv[2 if kind else 1 :])
    with tempfile.TemporaryDirectory(prefix="kabao-torture-") as temporary:
        folder = given.keep or Path(temporary)
        try:
            text, breaches = asyncio.run(run(given, folder))
        except KeyboardInterrupt:
            print("scripts/torture: stopped before the end, nothing was checked", file=sys.stderr)
            return 1
        except CannotStart as error:
            print(f"scripts/torture: {error}", file=sys.stderr)
            return 1
    print(text, flush=True)
    return 1 if breaches else 0


async def _money(given: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    plan = Plan(
        given.seconds, given.clients, given.kill_every, _seed(given), gateways=given.gateways, faults=given.faults
    )
    outcome = await torture(plan, folder)
    if given.keep:
        dump(outcome, folder / "told.jsonl")
    return report(outcome), outcome.breaches


async def _live(given: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    plan = LivePlan(given.disconnects, given.clients, _seed(given), given.gateways, given.kill_every)
    outcome = await torture_live(plan, folder)
    return live_report(outcome), outcome.breaches


async def _sockets(given: argparse.Namespace, folder: Path) -> tuple[str, list[str]]:
    return await come_and_go(given.count, folder)


def _seed(given: argparse.Namespace) -> int:
    return given.seed if given.seed is not None else random.randrange(10**6)


if __name__ == "__main__":
    sys.exit(main())
