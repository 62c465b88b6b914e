"""`scripts/torture`: kills the database's primary and the gateway under load, then checks the books; exits 0 or 1."""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from pathlib import Path

from scripts.processes import CannotStart
from scripts.tortures.report import report
from scripts.tortures.run import Plan, dump, torture


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=60, help="of traffic and kills (default: 60)")
    parser.add_argument("--clients", type=int, default=32, help="half in WeChat, half in QQ (default: 32)")
    parser.add_argument("--kill-every", type=float, default=5, metavar="SECONDS", help="the primary (default: 5)")
    parser.add_argument("--gateways", type=int, default=1, help="processes, one killed at a time (default: 1)")
    parser.add_argument("--faults", action="store_true", help="let the providers err, too")
    parser.add_argument("--seed", type=int, help="of what clients do and when things die (default: by chance)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep data, logs and what the clients were told here")
    given = parser.parse_args()
    if given.seconds <= 0 or given.kill_every <= 0:
        parser.error("--seconds and --kill-every must be above 0")
    if given.clients < 2:
        parser.error("--clients must be at least 2, one for each app")
    if given.gateways < 1:
        parser.error("--gateways must be at least 1")
    return given


def main() -> int:
    """Torture, report, 0 when the books are right."""
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop all that was started then, too
    seed = given.seed if given.seed is not None else random.randrange(10**6)
    plan = Plan(given.seconds, given.clients, given.kill_every, seed, gateways=given.gateways, faults=given.faults)
    with tempfile.TemporaryDirectory(prefix="kabao-torture-") as temporary:
        folder = given.keep or Path(temporary)
        try:
            outcome = asyncio.run(torture(plan, folder))
        except KeyboardInterrupt:
            print("scripts/torture: stopped before the end, nothing was checked", file=sys.stderr)
            return 1
        except CannotStart as error:
            print(f"scripts/torture: {error}", file=sys.stderr)
            return 1
        if given.keep:
            dump(outcome, folder / "told.jsonl")
    print(report(outcome), flush=True)
    return 1 if outcome.breaches else 0


if __name__ == "__main__":
    sys.exit(main())
