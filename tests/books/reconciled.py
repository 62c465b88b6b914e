"""A product of its own with a day on which money moved at both providers, and how to look at what came of it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from resolvers.documents import Document
from resolvers.payments.settle import request_refund
from resolvers.reconciliation.model import china_day
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work
from scripts.reconcile_bills import run
from tests.payments.money import topped_up, until
from tests.support.world import World, open_product

PROVIDERS = {"wechat": "WECHAT_PAY", "qq": "QQ_WALLET"}


@dataclass
class Day:
    """A product of its own with a day on which money moved at both providers, and how to look at it."""

    world: World
    folder: Path
    day: date
    payments: dict[str, str]  # by provider, one that nothing was refunded of
    refunds: dict[str, str]

    def collection(self, name: str) -> Any:
        return self.world.app.connection.collection(name)

    async def exit_code(self) -> int:
        return await run(self.world.app, self.day)

    async def differences(self, **query: Any) -> list[Document]:
        found: list[Document] = await self.collection("bill_differences").find(query).sort("_id", 1).to_list(None)
        return found

    async def open(self) -> list[tuple[str, str, str]]:
        """(provider, number, kind) of what is open."""
        return [(each["provider"], each["number"], each["kind"]) for each in await self.differences(resolved_at=None)]

    async def incidents(self) -> list[Document]:
        """What waits for staff."""
        query = {"kind": "RECONCILIATION", "resolved_at": None}
        found: list[Document] = await self.collection("incidents").find(query).sort("key", 1).to_list(None)
        return found

    def at_provider(self, change: str, *values: Any) -> None:
        """Change the provider's own books behind its back."""
        with sqlite3.connect(self.folder / "simulator.sqlite3") as books:
            books.execute(change, values)

    @asynccontextmanager
    async def lying(self, **lie: str) -> AsyncIterator[None]:
        await self.world.phone.control("bill_lies", **lie)
        try:
            yield
        finally:
            async with self.world.http.delete(f"{self.world.simulator}/_control/bill_lies"):
                pass


@asynccontextmanager
async def open_day(mongodb_uri: str, folder: Path) -> AsyncIterator[Day]:
    """Payments and refunds at both providers."""
    async with open_product(mongodb_uri, folder) as world:
        payments, refunds = {}, {}
        for platform, provider in (("WECHAT", "wechat"), ("QQ", "qq")):
            opened = await topped_up(world, await world.person(platform), amountFen=12_345)
            payments[provider] = opened["payment"]["id"]
            refunds[provider] = await _refunded(world, platform)
        yield Day(world, folder, china_day(world.clock.now()), payments, refunds)


async def _refunded(world: World, platform: str) -> str:
    """A payment of which part went back; answers the number of the refund, once it has arrived."""
    app = world.app
    opened = await topped_up(world, await world.person(platform), amountFen=20_000)
    payment_id: str = opened["payment"]["id"]

    async def steps(work: Work) -> Ids:
        paid = await app.payments.payment(payment_id, work.session)
        assert paid is not None
        await request_refund(app, work, paid, 5_800, "今日海鲜未到货", due=True)
        return {}

    await app.work.run(Call("refund", SYSTEM), steps)

    async def settled() -> str | None:
        refund = await app.connection.collection("refunds").find_one({"payment_id": payment_id})
        return str(refund["_id"]) if refund and refund["status"] == "SETTLED" else None

    return await until(settled, 15)
