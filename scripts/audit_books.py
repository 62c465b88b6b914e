"""The audit as a command: prints every invariant with its count, exits 1 on any breach."""

import argparse
import asyncio
import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from resolvers.audit.model import Finding, ProviderRow
from resolvers.audit.run import audit
from resolvers.mongo import Connection, Driver


def provider_rows(payments: list[dict[str, Any]]) -> list[ProviderRow]:
    """The simulator's view of payments and refunds as the audit takes it."""
    rows = []
    for payment in payments:
        paid = payment["state"] == "SUCCESS"
        rows.append(ProviderRow(payment["out_trade_no"], payment["amount_fen"], paid, is_refund=False))
        for refund in payment["refunds"]:
            settled = refund["state"] == "SUCCESS"
            rows.append(ProviderRow(refund["out_refund_no"], refund["amount_fen"], settled, is_refund=True))
    return rows


def read_provider(simulator: str) -> list[ProviderRow]:
    """Ask the simulator for its own books."""
    with urllib.request.urlopen(f"{simulator}/_control/payments", timeout=10) as answer:
        content = json.load(answer)
    return provider_rows(content if isinstance(content, list) else content["payments"])


def show(findings: list[Finding]) -> int:
    """Print the findings; answers how many breaches there are."""
    for finding in findings:
        mark = "ok    " if not finding.breaches else "BREACH"
        print(f"  {mark} {finding.number}. {finding.rule} ({finding.checked} checked)")
        for breach in finding.breaches:
            print(f"         {breach}")
    return sum(len(finding.breaches) for finding in findings)


async def run(uri: str, database: str, simulator: str | None) -> int:
    """Audit a database; answers how many breaches there are."""
    connection = Connection(uri, database, Driver(os.environ.get("KABAO_DRIVER", Driver.MOTOR.value)))
    try:
        return show(await audit(connection, read_provider(simulator) if simulator else None))
    finally:
        await connection.close()


def main() -> int:
    """Audit what MONGODB_URI names, or what runs from a data folder."""
    parser = argparse.ArgumentParser(prog="scripts/audit", description="Check every invariant of the books.")
    parser.add_argument("--data", type=Path, default=Path(".data"), help="data folder of a running scripts/run")
    parser.add_argument("--simulator", help="base URL of the simulator, to compare with the provider's own view")
    arguments = parser.parse_args()
    uri, database = os.environ.get("MONGODB_URI"), os.environ.get("KABAO_DATABASE", "kabao")
    simulator = arguments.simulator
    if uri is None:
        try:
            running = json.loads((arguments.data / "running.json").read_text("utf-8"))
        except (OSError, ValueError):
            print(f"scripts/audit: nothing runs from {arguments.data};", end=" ")
            print("name the data folder of a running scripts/run with --data, or set MONGODB_URI")
            return 2
        uri, database = running["MONGODB_URI"], running["KABAO_DATABASE"]
        simulator = simulator or running["simulator"]
    breaches = asyncio.run(run(uri, database, simulator))
    print("the books are in order" if not breaches else f"{breaches} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
