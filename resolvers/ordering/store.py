"""Menus and orders in MongoDB."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.ordering.menu import Menu
from resolvers.ordering.model import OPEN, Order, OrderRefund, OrderStatus
from resolvers.paging import Page, PageRequest

MAXIMUM_KNOWN = 200  # menus kept by one process; each takes some 100 KB
MENU_INDEXES = [IndexModel([("sections.dishes.id", ASCENDING)])]
ORDER_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("placed_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel(
        [("shares.payer_id", ASCENDING), ("placed_at", DESCENDING), ("_id", DESCENDING)],
        name="orders_of_payers",
        partialFilterExpression={"shares.payer_id": {"$exists": True}},
    ),
    IndexModel(
        [("earners.customer_id", ASCENDING)],
        name="orders_of_earners",
        partialFilterExpression={"earners.customer_id": {"$exists": True}},
    ),
    IndexModel([("store_id", ASCENDING), ("placed_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("store_id", ASCENDING), ("changed_at", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("pay_before", ASCENDING)]),
    IndexModel(
        [("store_id", ASCENDING), ("verification_code", ASCENDING)],
        name="open_verification_codes",
        unique=True,
        partialFilterExpression={"open": True},
    ),
]


# What lapses at payBefore: nothing of it is paid in cash, and nothing open at a provider.
_UNPAID: dict[str, Any] = {"status": OrderStatus.AWAITING_PAYMENT.value, "awaits_provider": False, "cash_fen": 0}


class MenuStore:
    """Reads and writes menus."""

    def __init__(self, connection: Connection) -> None:
        self._menus = connection.collection("menus")
        self._known: OrderedDict[str, tuple[str | None, Menu]] = OrderedDict()

    async def ensure_indexes(self) -> None:
        """Declare the indexes of menus."""
        await ensure_indexes(self._menus, MENU_INDEXES)

    async def menu(self, store_id: str, session: Session | None = None) -> Menu | None:
        """A store's menu: read whole only when its stamp is not the one this process knows."""
        found = await self._menus.find_one({"_id": store_id}, projection={"stamp": 1}, session=session)
        known = self._known.get(store_id)
        if found is None:
            return None
        if known is not None and known[0] == found.get("stamp"):
            return known[1]
        document = await self._menus.find_one({"_id": store_id}, session=session)
        if document is None:
            return None
        menu = from_document(Menu, document)
        self._known[store_id] = (document.get("stamp"), menu)
        if len(self._known) > MAXIMUM_KNOWN:
            self._known.popitem(last=False)
        return menu

    async def menus_with_dishes(self, dish_ids: Sequence[str], session: Session | None = None) -> list[Menu]:
        """The menus on which any of these dishes stand."""
        found = self._menus.find({"sections.dishes.id": {"$in": list(dish_ids)}}, session=session)
        return [from_document(Menu, document) for document in await found.to_list(None)]

    async def put(self, menu: Menu) -> None:
        """Write a menu as given, with a stamp of all its content: of stock too, which the version leaves out."""
        document = to_document(menu)
        document["stamp"] = hashlib.sha256(repr(document).encode()).hexdigest()
        await self._menus.replace_one({"_id": menu.id}, document, upsert=True)


class OrderStore:
    """Reads orders; writes them only against the revision that was read."""

    def __init__(self, connection: Connection) -> None:
        self._orders = connection.collection("orders")
        self._refunds = connection.collection("order_refunds")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of orders."""
        await ensure_indexes(self._orders, ORDER_INDEXES)
        await ensure_indexes(self._refunds, [IndexModel([("order_id", ASCENDING)])])

    async def order(self, order_id: str, session: Session | None = None) -> Order | None:
        """An order by id."""
        document = await self._orders.find_one({"_id": order_id}, session=session)
        return from_document(Order, document) if document else None

    async def orders(self, order_ids: Sequence[str], session: Session | None = None) -> list[Order]:
        """Orders by id, those that exist."""
        found = self._orders.find({"_id": {"$in": list(order_ids)}}, session=session)
        return [from_document(Order, document) for document in await found.to_list(None)]

    async def insert(self, session: Session, order: Order) -> None:
        """Write a new order; a verification code that another open order of the store has kills its transaction."""
        await self._orders.insert_one(_document(order), session=session)

    async def replace(self, session: Session, order: Order, seen_revision: int) -> bool:
        """Write an order that was read at a revision; False when it has changed since."""
        replaced = await self._orders.replace_one(
            {"_id": order.id, "revision": seen_revision}, _document(order), session=session
        )
        return replaced.modified_count == 1

    async def insert_refund(self, session: Session, refund: OrderRefund) -> None:
        """Write a refund of an order."""
        await self._refunds.insert_one(to_document(refund), session=session)

    async def refund(self, refund_id: str) -> OrderRefund | None:
        """A refund of an order by id."""
        document = await self._refunds.find_one({"_id": refund_id})
        return from_document(OrderRefund, document) if document else None

    async def page_of_customer(
        self,
        customer_ids: tuple[str, ...],
        request: PageRequest,
        brand_id: str | None,
        statuses: Sequence[OrderStatus] | None,
        now: datetime,
        session: Session | None = None,
    ) -> Page[Order]:
        """A customer's orders, and those of which they have a share, newest first."""
        whose = {"$in": list(customer_ids)}
        query: dict[str, Any] = {"$or": [{"customer_id": whose}, {"shares.payer_id": whose}]}
        if brand_id is not None:
            query["brand_id"] = brand_id
        return await self._page(query, request, statuses, now, session)

    async def any_open(self, customer_ids: tuple[str, ...], session: Session) -> bool:
        """Whether an order that a customer placed, or has a share of, is not over."""
        whose = {"$in": list(customer_ids)}
        query = {"$or": [{"customer_id": whose}, {"shares.payer_id": whose}], "open": True}
        return await self._orders.find_one(query, projection={"_id": 1}, session=session) is not None

    async def page_of_store(
        self,
        store_id: str,
        request: PageRequest,
        statuses: Sequence[OrderStatus] | None,
        now: datetime,
        session: Session | None = None,
    ) -> Page[Order]:
        """A store's orders, newest first."""
        return await self._page({"store_id": store_id}, request, statuses, now, session)

    async def _page(
        self,
        query: dict[str, Any],
        request: PageRequest,
        statuses: Sequence[OrderStatus] | None,
        now: datetime,
        session: Session | None,
    ) -> Page[Order]:
        if statuses is not None:
            query = {"$and": [query, _status_query(statuses, now)]}
        read = partial(from_document, Order)
        return await newest_first(self._orders, query, request, "placed_at", read, session)

    async def by_verification_code(self, store_id: str, code: str, session: Session | None = None) -> Order | None:
        """The open order of a store that has this code."""
        query = {"store_id": store_id, "verification_code": code, "open": True}
        document = await self._orders.find_one(query, session=session)
        return from_document(Order, document) if document else None

    async def handed_over(
        self, store_id: str, code: str, since: datetime, session: Session | None = None
    ) -> Order | None:
        """The order of a store that had this code and was completed since a moment."""
        query = {
            "store_id": store_id,
            "changed_at": {"$gte": since},
            "verification_code": code,
            "status": OrderStatus.COMPLETED.value,
        }
        document = await self._orders.find_one(query, session=session)
        return from_document(Order, document) if document else None

    async def lapsed(self, now: datetime, limit: int, customer_ids: tuple[str, ...] | None = None) -> list[Order]:
        """Orders not paid in time, which wait to be tidied: all of them, or those one has placed or paid a share of."""
        waiting = _UNPAID | {"pay_before": {"$lte": now}}
        if customer_ids is not None:
            whose = {"$in": list(customer_ids)}
            waiting |= {"$or": [{"customer_id": whose}, {"shares.payer_id": whose}]}
        found = self._orders.find(waiting).sort("pay_before", ASCENDING)
        return [from_document(Order, document) for document in await found.limit(limit).to_list(limit)]

    async def changed_since(self, store_id: str, moment: datetime, limit: int) -> list[Order]:
        """A store's orders that changed at or after a moment, in the order of their change."""
        found = self._orders.find({"store_id": store_id, "changed_at": {"$gte": moment}})
        found = found.sort("changed_at", ASCENDING).limit(limit)
        return [from_document(Order, document) for document in await found.to_list(limit)]


def _document(order: Order) -> dict[str, Any]:
    return to_document(order) | {"open": order.status in (OrderStatus.AWAITING_PAYMENT, *OPEN)}


def _status_query(statuses: Sequence[OrderStatus], now: datetime) -> dict[str, Any]:
    """A filter on the state as it is now: an order unpaid past its time counts as cancelled."""
    stored = [status.value for status in statuses if status is not OrderStatus.AWAITING_PAYMENT]
    waiting = OrderStatus.AWAITING_PAYMENT.value
    options: list[dict[str, Any]] = [{"status": {"$in": stored}}]
    if OrderStatus.AWAITING_PAYMENT in statuses:
        still = [{"pay_before": {"$gt": now}}, {"awaits_provider": True}, {"cash_fen": {"$gt": 0}}]
        options.append({"status": waiting, "$or": still})
    if OrderStatus.CANCELLED in statuses:
        options.append(_UNPAID | {"pay_before": {"$lte": now}})
    return {"$or": options}
