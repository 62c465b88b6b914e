"""`python -m scripts.benchmarks`: one product on this machine, every row on both drivers, one table."""

import asyncio
import sys
import tempfile
from pathlib import Path

from resolvers.mongo import Driver
from scripts.benchmarks import callbacks, gifts, joining, live, payments, quotes, reads, scale, top_ups
from scripts.benchmarks.timing import HEADER
from scripts.embedded_mongo import EmbeddedMongo
from tests.support import gateway_process
from tests.support import world as worlds

CALLERS = 8


async def run(driver: Driver, uri: str, folder: Path) -> None:
    """All rows with one driver."""
    worlds.DRIVER = gateway_process.DRIVER = driver
    async with worlds.open_product(uri, folder / driver.value) as world:
        print(f"\n{driver.value}\n{HEADER}")
        people = [await world.person() for _ in range(CALLERS)]
        customer_ids = []
        for person in people:
            for key in ("welcome", "cash-50", "off-12", "free-dessert"):
                template_id = world.seeded["template_ids"][key]
                await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=key)
            customer_ids.append((await person.ask("{ me { id } }"))["me"]["id"])
        for line in (
            *await reads.menu(world),
            *await reads.wallet(world, people, customer_ids),
            *await payments.pay_from_stored_value(world),
            *await gifts.claims(world),
            *await top_ups.notifications(world),
            *await scale.one_brand(world),
            *await scale.statement(world),
            *await quotes.best_offer(world),
            *await joining.busy_accounts(world),
        ):
            print(line, flush=True)
    async for line in callbacks.callbacks(uri, folder / f"{driver.value}-callbacks"):
        print(line, flush=True)
    async for line in live.live(uri, folder / f"{driver.value}-live"):
        print(line, flush=True)


async def main() -> None:
    """Both drivers, one after the other, on one mongod."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with EmbeddedMongo(folder / "mongo", members=1) as mongo:
            for driver in Driver:
                await run(driver, mongo.uri, folder)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
