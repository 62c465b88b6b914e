"""The reconciliation as a command: prints every difference, exits 1 if there are any, 2 if a bill is not to be had."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from gateway.clock import SystemClock
from gateway.settings import Settings, UnsafeSettings, load_settings
from gateway.wiring import wire
from resolvers.app import App
from resolvers.money import display
from resolvers.ports import OutsideFault
from resolvers.reconciliation.model import Difference, china_day
from resolvers.reconciliation.run import reconcile_day


def line(difference: Difference) -> str:
    """A difference in one line."""
    what = "refund" if difference.is_refund else "payment"
    here = _side(difference.here_fen, difference.here_status)
    there = _side(difference.there_fen, difference.there_status)
    head = f"{difference.kind.value} {difference.provider.value} {difference.day} {what} {difference.number}"
    return f"{head}: here {here}, there {there}"


def _side(fen: int | None, status: str | None) -> str:
    return "nothing" if fen is None else f"{display(fen)} {status}"


async def run(app: App, day: date) -> int:
    """Reconcile a day and print what came of it; answers the exit code."""
    try:
        differences = await reconcile_day(app, day)
    except OutsideFault as fault:
        print(f"scripts/reconcile: {day} is not reconciled: {fault}")
        return 2
    for difference in differences:
        print(line(difference))
    count = f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"
    print(count if differences else f"{day}: the bills and the books agree")
    return 1 if differences else 0


async def run_with(settings: Settings, day: date) -> int:
    """Reconcile a day with an application of these settings."""
    wired = wire(settings)
    try:
        return await run(wired.app, day)
    finally:
        await wired.close()


def settings_in(data: Path) -> Mapping[str, str]:
    """What runs from a data folder was told: its database and its platforms. Raises OSError, ValueError."""
    running = json.loads((data / "running.json").read_text("utf-8"))
    platforms = json.loads((data / "simulator" / "gateway-settings.json").read_text("utf-8"))
    names = ("MONGODB_URI", "KABAO_DATABASE", "KABAO_PUBLIC_URL")
    return {
        **platforms,
        **{name: running[name] for name in names},
        "KABAO_ENVIRONMENT": "development",
        "KABAO_SECRET_KEY": (data / "secret-key").read_text("utf-8"),
    }


def yesterday() -> date:
    """The last day whose bill there can be."""
    return china_day(SystemClock().now()) - timedelta(days=1)


def main() -> int:
    """Reconcile what the environment names, or what runs from a data folder."""
    parser = argparse.ArgumentParser(
        prog="scripts/reconcile", description="Compare the payment providers' bills of a day with our books."
    )
    parser.add_argument(
        "--date",
        type=date.fromisoformat,
        default=yesterday(),
        metavar="YYYY-MM-DD",
        help="of China; default: yesterday",
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder of a running scripts/run; default: .data, or MONGODB_URI"
    )
    arguments = parser.parse_args()
    if arguments.data is not None or "MONGODB_URI" not in os.environ:
        data = arguments.data or Path(".data")
        try:
            os.environ.update(settings_in(data))
        except (OSError, ValueError, KeyError):
            print(f"scripts/reconcile: nothing runs from {data};", end=" ")
            print("name the data folder of a running scripts/run with --data, or set MONGODB_URI and KABAO_…")
            return 2
    try:
        settings = load_settings()
    except UnsafeSettings as error:
        print(f"scripts/reconcile: {error}")
        return 2
    return asyncio.run(run_with(settings, arguments.date))


if __name__ == "__main__":
    sys.exit(main())
