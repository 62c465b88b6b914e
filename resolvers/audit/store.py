"""The audit's reads: each invariant is an aggregation whose result must be empty."""

from collections.abc import Mapping, Sequence
from typing import Any

from resolvers.audit.gifts import OPEN_GIFTS, gifts_off_claims, gifts_off_uses, things_off_gifts
from resolvers.audit.members import (
    accounts_off_join,
    growth_off_orders,
    members_off_join,
    points_off_account,
    points_off_statement,
)
from resolvers.audit.pipelines import (
    against_entry,
    brand_sums,
    cards_off_newest_line,
    carts_off_orders,
    entries_without_action,
    holds_off_payments,
    logs_with_holes,
    lots_against_accounts,
    lots_over_held,
    orders_off_tenders,
    paid_sums,
    refunds_here,
)
from resolvers.audit.sold import (
    VOUCHERS,
    paid_for_vouchers,
    passes_off_accounts,
    taken_of_passes,
    templates_off_pieces,
)
from resolvers.documents import Document
from resolvers.ledger.model import BrandAccount
from resolvers.mongo import Connection
from resolvers.payments.model import PAID, Purpose, RefundStatus

MAXIMUM_BREACHES = 100  # named per invariant; more would not help whoever reads it
OUTSIDE = ["WECHAT_PAY", "QQ_WALLET"]
HERE = ["STORED_VALUE", "GIFT_CARD", "PASS", "CASH"]


class AuditStore:
    """Reads the whole database."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def count(self, collection: str, query: Mapping[str, Any] | None = None) -> int:
        """How many documents there are to check."""
        return await self._connection.collection(collection).count_documents(query or {})

    async def _find(
        self, collection: str, pipeline: Sequence[Mapping[str, Any]], most: int | None = MAXIMUM_BREACHES
    ) -> list[Document]:
        limited = [*pipeline, *([{"$limit": most}] if most is not None else [])]
        return await self._connection.aggregate(self._connection.collection(collection), limited)

    async def unbalanced_entries(self) -> list[Document]:
        """Journal entries that do not sum to zero in a currency."""
        return await self._find(
            "journal",
            [
                {"$unwind": "$lines"},
                {
                    "$group": {
                        "_id": {"entry": "$_id", "currency": {"$ifNull": ["$lines.currency", "CNY"]}},
                        "sum": {"$sum": "$lines.amount_fen"},
                    }
                },
                {"$match": {"sum": {"$ne": 0}}},
                {"$project": {"_id": "$_id.entry", "currency": "$_id.currency", "sum": 1}},
            ],
        )

    async def accounts_off_journal(self) -> list[Document]:
        """Customer-side accounts whose balance is below zero or not the sum of their journal lines."""
        in_journal: list[Mapping[str, Any]] = [
            {"$unwind": "$lines"},
            {"$match": {"lines.account": {"$not": {"$regex": "^brand:"}}}},
            {"$group": {"_id": "$lines.account", "journal_fen": {"$sum": "$lines.amount_fen"}}},
            {"$lookup": {"from": "accounts", "localField": "_id", "foreignField": "_id", "as": "account"}},
            {"$set": {"balance_fen": {"$ifNull": [{"$first": "$account.balance_fen"}, 0]}}},
            {"$match": {"$expr": {"$ne": ["$balance_fen", "$journal_fen"]}}},
        ]
        orphaned: list[Mapping[str, Any]] = [
            {"$lookup": {"from": "journal", "localField": "_id", "foreignField": "lines.account", "as": "entries"}},
            {"$match": {"$or": [{"entries": []}, {"balance_fen": {"$lt": 0}}]}},
            {"$project": {"balance_fen": 1}},
        ]
        return [*await self._find("journal", in_journal), *await self._find("accounts", orphaned)]

    async def cards_off_accounts(self) -> list[Document]:
        """Cards whose lots, principal and bonus each, or uses, are not what their accounts hold, or are below zero."""
        lots = await self._find("cards", lots_against_accounts("card:", "$lots", "left_fen"))
        return [*lots, *await self._find("cards", passes_off_accounts())]

    async def cards_off_statement(self) -> list[Document]:
        """Cards whose newest statement line does not end at what their lots hold."""
        return await self._find("cards", cards_off_newest_line())

    async def members_off_accounts(self) -> list[Document]:
        """Members whose points are not what their account holds, or below zero."""
        return await self._find("memberships", points_off_account())

    async def members_off_statement(self) -> list[Document]:
        """Members whose points statement does not add up to their points, or does not end at them."""
        return await self._find("memberships", points_off_statement())

    async def members_off_growth(self) -> list[Document]:
        """Members whose growth is not what their orders have earned by now."""
        return await self._find("memberships", growth_off_orders())

    async def accounts_off_join(self) -> list[Document]:
        """Joined accounts, and their memberships, that do not belong to the one account that goes on."""
        return [
            *await self._find("customers", accounts_off_join()),
            *await self._find("memberships", members_off_join()),
        ]

    async def gifts_off_accounts(self) -> list[Document]:
        """Gifts whose accounts do not hold exactly what still waits: what is left of it while open, nothing after."""
        pending = {"$cond": [{"$in": ["$status", OPEN_GIFTS]}, "$takes", []]}
        lots = await self._find("gifts", lots_against_accounts("gift:", pending, "amount_fen"))
        return [*lots, *await self._find("gifts", gifts_off_uses())]

    async def gifts_off_claims(self) -> list[Document]:
        """Gifts whose claims are not what their state says, or that gave more or less than was claimed or came back."""
        return await self._find("gifts", gifts_off_claims())

    async def things_off_gifts(self) -> list[Document]:
        """Cards and coupons that are being given by no open gift."""
        cards = await self._find("cards", things_off_gifts("card_id"))
        return [*cards, *await self._find("coupons", things_off_gifts("coupon_id"))]

    async def payments_off_journal(self) -> list[Document]:
        """Outside payments that are paid without exactly one capture of their amount, or unpaid with one."""
        account = {"$concat": ["brand:", "$brand_id", f":{BrandAccount.PSP_RECEIVABLE.value}"]}
        paid = {"$in": ["$status", [status.value for status in PAID]]}
        wanted = {"$cond": [paid, {"$multiply": ["$amount_fen", -1]}, 0]}
        return await self._find("payments", against_entry(OUTSIDE, "capture:", account, wanted))

    async def tenders_off_journal(self) -> list[Document]:
        """Payments by card or cash that are paid without exactly one entry of their amount, or unpaid with one."""
        paid = {"$in": ["$status", [status.value for status in PAID]]}
        sold = {"$concat": ["brand:", "$brand_id", f":{BrandAccount.SALES.value}"]}
        drawer = {"$concat": ["brand:", "$brand_id", f":{BrandAccount.CASH.value}"]}
        is_order = {"$eq": ["$purpose", Purpose.ORDER.value]}
        amount = {"$cond": [is_order, "$amount_fen", {"$multiply": ["$amount_fen", -1]}]}
        wanted = {"$cond": [paid, amount, 0]}
        return await self._find(
            "payments", against_entry(HERE, "capture:", {"$cond": [is_order, sold, drawer]}, wanted)
        )

    async def refunds_here_off_journal(self) -> list[Document]:
        """Payments by card or cash of which the journal says that another sum went back."""
        booked = {each["_id"]: each["back"] for each in await self._find("journal", refunds_here(), None)}
        query = {"method": {"$in": HERE}, "purpose": Purpose.ORDER.value}
        found = self._connection.collection("payments").find(query, projection={"refunded_fen": 1})
        said = {each["_id"]: each["refunded_fen"] for each in await found.to_list(None)}
        return [
            {"_id": each, "refunded_fen": said.get(each, 0), "booked": booked.get(each, 0)}
            for each in sorted(booked.keys() | said.keys())
            if booked.get(each, 0) != said.get(each, 0)
        ]

    async def brands_off_payments(self) -> list[Document]:
        """Brands whose money at the provider, or in the drawer, is not what their payments and refunds say."""
        found: list[Document] = []
        for name, methods in ((BrandAccount.PSP_RECEIVABLE, OUTSIDE), (BrandAccount.CASH, ["CASH"])):
            booked = {each["_id"]: each["sum"] for each in await self._find("journal", brand_sums(name.value), None)}
            pipeline = paid_sums(methods, "$refunded_fen")
            said = {each["_id"]: each["sum"] for each in await self._find("payments", pipeline, None)}
            found += [
                {"_id": f"brand:{each}:{name.value}", "booked": booked.get(each, 0), "paid": said.get(each, 0)}
                for each in sorted(booked.keys() | said.keys())
                if booked.get(each, 0) != said.get(each, 0)
            ]
        return found

    async def vouchers_off_payments(self) -> list[Document]:
        """Brands whose books say something else than their sales of coupons and passes, less uses that were taken."""
        booked = {each["_id"]: each["sum"] for each in await self._find("journal", brand_sums(VOUCHERS), None)}
        said = {each["_id"]: each["sum"] for each in await self._find("payments", paid_for_vouchers(), None)}
        for each in await self._find("cards", taken_of_passes(), None):
            said[each["_id"]] = said.get(each["_id"], 0) - each["sum"]
        return [
            {"_id": f"brand:{each}:{VOUCHERS}", "booked": booked.get(each, 0), "sold": said.get(each, 0)}
            for each in sorted(booked.keys() | said.keys())
            if booked.get(each, 0) != said.get(each, 0)
        ]

    async def holds_off_payments(self) -> list[Document]:
        """Card payments that wait without their hold, and cards held for more than they have."""
        return [*await self._find("payments", holds_off_payments()), *await self._find("cards", lots_over_held())]

    async def refunds_off_journal(self) -> list[Document]:
        """Refunds that are settled without exactly one entry of their amount, or not settled with one."""
        account = {"$concat": ["brand:", "$brand_id", f":{BrandAccount.PSP_RECEIVABLE.value}"]}
        wanted = {"$cond": [{"$eq": ["$status", RefundStatus.SETTLED.value]}, "$amount_fen", 0]}
        return await self._find("refunds", against_entry(None, "refund:", account, wanted))

    async def outside_payments(self) -> dict[str, Document]:
        """Every outside payment by id: what is compared with the provider's view."""
        found = self._connection.collection("payments").find(
            {"method": {"$in": OUTSIDE}}, projection={"status": 1, "amount_fen": 1, "prepay_id": 1}
        )
        return {document["_id"]: document for document in await found.to_list(None)}

    async def refunds(self) -> dict[str, Document]:
        """Every refund by id."""
        found = self._connection.collection("refunds").find({}, projection={"status": 1, "amount_fen": 1})
        return {document["_id"]: document for document in await found.to_list(None)}

    async def templates_over_limit(self) -> list[Document]:
        """Limited templates of which issued, left and reserved pieces do not add up to the limit."""
        return await self._find("templates", templates_off_pieces())

    async def customers_over_limit(self) -> list[Document]:
        """Counts of a customer's coupons of one template above what one may have."""
        return await self._find(
            "coupon_counts",
            [
                {"$set": {"template_id": {"$first": {"$split": ["$_id", ":"]}}}},
                {"$lookup": {"from": "templates", "localField": "template_id", "foreignField": "_id", "as": "of"}},
                {"$set": {"most": {"$max": [{"$first": "$of.per_customer"}, {"$first": "$of.per_customer_most"}]}}},
                {"$match": {"$expr": {"$gt": ["$count", "$most"]}}},
                {"$project": {"count": 1}},
            ],
        )

    async def held_without_order(self) -> list[Document]:
        """Coupons that are held by nothing: no order, or one that is not waiting to be paid."""
        return await self._find(
            "coupons",
            [
                {"$match": {"status": "HELD"}},
                {"$lookup": {"from": "orders", "localField": "order_id", "foreignField": "_id", "as": "order"}},
                {"$match": {"$expr": {"$ne": [{"$first": "$order.status"}, "AWAITING_PAYMENT"]}}},
                {"$project": {"order_id": 1}},
            ],
        )

    async def holds_without_payment(self) -> list[Document]:
        """Card holds whose payment does not wait to be paid."""
        return await self._find(
            "cards",
            [
                {"$match": {"holds": {"$ne": []}}},
                {"$unwind": "$holds"},
                {"$set": {"payment_id": "$holds.payment_id"}},
                {"$lookup": {"from": "payments", "localField": "payment_id", "foreignField": "_id", "as": "of"}},
                {"$match": {"$expr": {"$ne": [{"$first": "$of.status"}, "PENDING"]}}},
                {"$project": {"payment_id": 1}},
            ],
        )

    async def carts_without_order(self) -> list[Document]:
        """Carts of tables that nothing can be added to, and no order of which waits to be paid."""
        return await self._find("table_carts", carts_off_orders())

    async def logs_with_holes(self) -> list[Document]:
        """Customers whose event numbers have a hole above the lowest kept, or do not end at their sequence."""
        return await self._find("events", logs_with_holes())

    async def orders_off_books(self) -> list[Document]:
        """Orders whose lines or tenders do not add up, or that refund more than was paid."""
        return await self._find("orders", orders_off_tenders())

    async def staff_entries_without_action(self) -> list[Document]:
        """Journal entries made by staff without a staff action of the same person and moment."""
        return await self._find("journal", entries_without_action())
