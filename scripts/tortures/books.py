"""The books as they are at one moment: plain documents, read from the database, and the provider's own view."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from resolvers.audit.model import Finding, ProviderRow
from resolvers.audit.run import audit
from resolvers.mongo import Connection
from scripts.client import Json

_BY_ID = ("payments", "orders", "refunds", "order_refunds", "gifts", "cards")


@dataclass(slots=True)
class Books:
    """Documents by id; `keys` by idempotency key, every row that has it; `journal` in the order it was written."""

    keys: dict[str, list[Json]]
    payments: dict[str, Json]
    orders: dict[str, Json]
    refunds: dict[str, Json]
    order_refunds: dict[str, Json]
    gifts: dict[str, Json]
    cards: dict[str, Json]
    journal: list[Json]
    counters: dict[str, Json]
    stocks: dict[str, int]  # of a dish, each day
    provider: dict[str, ProviderRow]
    findings: list[Finding]


def keyed(rows: Iterable[Json]) -> dict[str, list[Json]]:
    """Idempotency rows by the key that the client chose; a row's id is `whose:key`."""
    found: dict[str, list[Json]] = defaultdict(list)
    for row in rows:
        found[row["_id"].partition(":")[2]].append(row)
    return dict(found)


async def read_books(connection: Connection, provider: list[ProviderRow]) -> Books:
    """Everything that money moved through, and what the audit finds."""

    async def every(name: str) -> list[Json]:
        return [document async for document in connection.collection(name).find({}).sort("_id", 1)]

    by_id = {name: {document["_id"]: document for document in await every(name)} for name in _BY_ID}
    return Books(
        keys=keyed(await every("idempotency")),
        journal=await every("journal"),
        counters={document["_id"]: document for document in await every("counters")},
        stocks={
            dish["id"]: dish["daily_stock"]
            for menu in await every("menus")
            for section in menu["sections"]
            for dish in section["dishes"]
            if dish["daily_stock"] is not None
        },
        provider={row.number: row for row in provider},
        findings=await audit(connection, provider),
        **by_id,
    )
