"""Aggregations that several of the audit's reads share."""

from collections.abc import Mapping
from typing import Any

from resolvers.ordering.model import REFUNDABLE, OrderStatus
from resolvers.payments.model import PAID


def lots_against_accounts(prefix: str, lots: object, amount: str) -> list[Mapping[str, Any]]:
    """Documents whose lots differ from their `<prefix><id>:principal|bonus` accounts, or are below zero."""

    def part(bonus: bool) -> dict[str, Any]:
        mine = {"$filter": {"input": "$parts", "cond": {"$eq": ["$$this.bonus", bonus]}}}
        return {"$sum": {"$map": {"input": mine, "in": f"$$this.{amount}"}}}

    def account(name: str) -> list[dict[str, Any]]:
        return [
            {"$set": {"account_id": {"$concat": [prefix, "$_id", f":{name}"]}}},
            {"$lookup": {"from": "accounts", "localField": "account_id", "foreignField": "_id", "as": name}},
            {"$set": {name: {"$ifNull": [{"$first": f"${name}.balance_fen"}, 0]}}},
        ]

    return [
        {"$set": {"parts": lots}},
        {"$set": {"lots_principal": part(False), "lots_bonus": part(True), "least": {"$min": f"$parts.{amount}"}}},
        *account("principal"),
        *account("bonus"),
        {
            "$match": {
                "$expr": {
                    "$or": [
                        {"$ne": ["$lots_principal", "$principal"]},
                        {"$ne": ["$lots_bonus", "$bonus"]},
                        {"$lt": [{"$ifNull": ["$least", 0]}, 0]},
                    ]
                }
            }
        },
        {"$project": {"lots_principal": 1, "principal": 1, "lots_bonus": 1, "bonus": 1}},
    ]


def against_entry(methods: list[str] | None, prefix: str, account: object, wanted: object) -> list[Mapping[str, Any]]:
    """Documents whose journal entry `<prefix><id>` does not book the wanted sum on the account."""
    mine = {"$filter": {"input": "$lines", "cond": {"$eq": ["$$this.account", "$account"]}}}
    return [
        *([{"$match": {"method": {"$in": methods}}}] if methods else []),
        {"$set": {"entry_id": {"$concat": [prefix, "$_id"]}, "account": account, "wanted": wanted}},
        {"$lookup": {"from": "journal", "localField": "entry_id", "foreignField": "_id", "as": "entry"}},
        {"$set": {"lines": {"$ifNull": [{"$first": "$entry.lines"}, []]}}},
        {"$set": {"booked": {"$sum": {"$map": {"input": mine, "in": "$$this.amount_fen"}}}}},
        {"$match": {"$expr": {"$ne": ["$booked", "$wanted"]}}},
        {"$project": {"booked": 1, "wanted": 1, "status": 1}},
    ]


def cards_off_newest_line() -> list[Mapping[str, Any]]:
    """Cards whose newest statement line does not end at what their lots hold."""
    return [
        {"$match": {"statement_rows": {"$gt": 0}}},
        {
            "$lookup": {
                "from": "statement",
                "localField": "_id",
                "foreignField": "card_id",
                "let": {"rows": "$statement_rows"},
                "pipeline": [{"$match": {"$expr": {"$eq": ["$number", "$$rows"]}}}],
                "as": "newest",
            }
        },
        {"$set": {"stated": {"$first": "$newest.balance_after_fen"}, "lots_fen": {"$sum": "$lots.left_fen"}}},
        {"$match": {"$expr": {"$ne": ["$stated", "$lots_fen"]}}},
        {"$project": {"stated": 1, "lots_fen": 1}},
    ]


def orders_off_tenders() -> list[Mapping[str, Any]]:
    """Orders whose lines do not add up to what is payable, or their tenders to what is paid and what went back.

    The shares of an order that a table pays together add up to both, too.

    Money that came too late, and is due back for that reason, is no tender of its order.
    """
    is_paid = {"$in": ["$$this.status", [status.value for status in PAID]]}
    paid = {"$filter": {"input": "$payments", "cond": is_paid}}
    went_back = {"$add": ["$$this.refunded_fen", "$$this.refunding_fen"]}

    def summed(what: object) -> dict[str, Any]:
        return {"$subtract": [{"$sum": {"$map": {"input": paid, "in": what}}}, {"$sum": "$due.amount_fen"}]}

    summed_up = {
        "tendered": summed("$$this.amount_fen"),
        "tenders_back": summed(went_back),
        "lines_fen": {"$sum": "$lines.total_fen"},
        "back_fen": {"$add": ["$refunded_fen", "$refunding_fen"]},
        "shared_fen": {"$sum": "$shares.amount_fen"},
        "shares_paid": {"$sum": "$shares.paid_fen"},
    }
    is_shared = {"$gt": [{"$size": {"$ifNull": ["$shares", []]}}, 0]}
    sold = {"$in": ["$status", [status.value for status in (*REFUNDABLE, OrderStatus.REFUNDED)]]}
    wrong = [
        {"$and": [sold, {"$ne": ["$paid_fen", "$payable_fen"]}]},
        {"$ne": ["$lines_fen", "$payable_fen"]},
        {"$ne": ["$tendered", "$paid_fen"]},
        {"$ne": ["$tenders_back", "$back_fen"]},
        {"$gt": ["$back_fen", "$paid_fen"]},
        {"$and": [is_shared, {"$ne": ["$shared_fen", "$payable_fen"]}]},
        {"$and": [is_shared, {"$ne": ["$shares_paid", "$paid_fen"]}]},
    ]
    return [
        {"$lookup": {"from": "payments", "localField": "_id", "foreignField": "order_id", "as": "payments"}},
        {"$lookup": {"from": "refunds", "localField": "payments._id", "foreignField": "payment_id", "as": "back"}},
        {"$set": {"due": {"$filter": {"input": "$back", "cond": "$$this.due"}}}},
        {"$set": summed_up},
        {"$match": {"$expr": {"$or": wrong}}},
        {
            "$project": dict.fromkeys(
                (
                    *("lines_fen", "payable_fen", "tendered", "paid_fen", "tenders_back", "back_fen"),
                    *("shared_fen", "shares_paid"),
                ),
                1,
            )
        },
    ]


def refunds_here() -> list[Mapping[str, Any]]:
    """What the journal says went back of each payment by card or cash, in fen, by payment id."""
    sales = {"$filter": {"input": "$lines", "cond": {"$regexMatch": {"input": "$$this.account", "regex": ":sales$"}}}}
    return [
        {"$match": {"kind": "REFUND", "_id": {"$regex": "^refund:pay_"}}},
        {"$set": {"payment_id": {"$arrayElemAt": [{"$split": ["$_id", ":"]}, 1]}}},
        {"$set": {"back": {"$sum": {"$map": {"input": sales, "in": "$$this.amount_fen"}}}}},
        {"$group": {"_id": "$payment_id", "back": {"$sum": {"$multiply": ["$back", -1]}}}},
    ]


def holds_off_payments() -> list[Mapping[str, Any]]:
    """Card payments that wait without a hold of just their amount, or their uses, on their card."""
    mine = {"$filter": {"input": {"$first": "$card.holds"}, "cond": {"$eq": ["$$this.payment_id", "$_id"]}}}
    amounts = {
        "$reduce": {"input": mine, "initialValue": [], "in": {"$concatArrays": ["$$value", "$$this.takes.amount_fen"]}}
    }
    wanted = {"$cond": [{"$eq": ["$method", "PASS"]}, 0, "$amount_fen"]}
    uses = {"held_uses": {"$sum": {"$map": {"input": mine, "in": "$$this.uses"}}}, "uses": {"$sum": "$covers.count"}}
    wrong = [{"$ne": ["$held", wanted]}, {"$ne": ["$held_uses", "$uses"]}]
    return [
        {"$match": {"status": "PENDING", "card_id": {"$ne": None}, "purpose": "ORDER"}},
        {"$lookup": {"from": "cards", "localField": "card_id", "foreignField": "_id", "as": "card"}},
        {"$set": {"held": {"$sum": amounts}, **uses}},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"held": 1, "amount_fen": 1, "held_uses": 1, "uses": 1}},
    ]


def lots_over_held() -> list[Mapping[str, Any]]:
    """Cards of which a lot is held for more than is left of it."""
    left = {"$filter": {"input": "$lots", "cond": {"$eq": ["$$this.id", "$_id.lot"]}}}
    return [
        {"$match": {"holds": {"$ne": []}}},
        {"$unwind": "$holds"},
        {"$unwind": "$holds.takes"},
        {
            "$group": {
                "_id": {"card": "$_id", "lot": "$holds.takes.lot_id"},
                "held": {"$sum": "$holds.takes.amount_fen"},
                "lots": {"$first": "$lots"},
            }
        },
        {"$set": {"left": {"$sum": {"$map": {"input": left, "in": "$$this.left_fen"}}}}},
        {"$match": {"$expr": {"$gt": ["$held", "$left"]}}},
        {"$project": {"_id": "$_id.card", "held": 1, "left": 1}},
    ]


def carts_off_orders() -> list[Mapping[str, Any]]:
    """Carts of tables that stay closed for an order which is not theirs, or does not wait to be paid."""
    wrong = [{"$ne": ["$of.status", "AWAITING_PAYMENT"]}, {"$ne": ["$of.cart_id", "$_id"]}]
    return [
        {"$match": {"open": True, "order_id": {"$ne": None}}},
        {"$lookup": {"from": "orders", "localField": "order_id", "foreignField": "_id", "as": "of"}},
        {"$set": {"of": {"$first": "$of"}}},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"order_id": 1}},
    ]


def brand_sums(name: str) -> list[Mapping[str, Any]]:
    """What the journal holds on one account of each brand, in fen, by brand id."""
    return [
        {"$unwind": "$lines"},
        {"$match": {"lines.account": {"$regex": f"^brand:.*:{name}$"}}},
        {"$group": {"_id": "$brand_id", "sum": {"$sum": "$lines.amount_fen"}}},
    ]


def paid_sums(methods: list[str], refunded: object) -> list[Mapping[str, Any]]:
    """What payments by these methods say a brand's account holds: paid (debit) less refunded, by brand id."""
    return [
        {"$match": {"method": {"$in": methods}, "status": {"$in": [status.value for status in PAID]}}},
        {"$group": {"_id": "$brand_id", "sum": {"$sum": {"$subtract": [refunded, "$amount_fen"]}}}},
    ]


def logs_with_holes() -> list[Mapping[str, Any]]:
    """Customers whose event numbers have a hole above the lowest kept, or do not end at their sequence."""
    numbers = {"count": {"$sum": 1}, "low": {"$min": "$number"}, "high": {"$max": "$number"}}
    wrong = [
        {"$ne": ["$count", {"$add": [{"$subtract": ["$high", "$low"]}, 1]}]},
        {"$ne": ["$high", "$sequence"]},
    ]
    return [
        {"$group": {"_id": "$customer_id", **numbers}},
        {"$lookup": {"from": "customers", "localField": "_id", "foreignField": "_id", "as": "customer"}},
        {"$set": {"sequence": {"$first": "$customer.sequence"}}},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"customer": 0}},
    ]


def entries_without_action() -> list[Mapping[str, Any]]:
    """Journal entries made by staff without a staff action of the same person and moment."""
    same_moment = {"$match": {"$expr": {"$eq": ["$at", "$$at"]}}}
    return [
        {"$match": {"actor_id": {"$regex": "^stf_"}}},
        {
            "$lookup": {
                "from": "staff_actions",
                "localField": "actor_id",
                "foreignField": "staff_id",
                "let": {"at": "$at"},
                "pipeline": [same_moment],
                "as": "actions",
            }
        },
        {"$match": {"actions": []}},
        {"$project": {"actor_id": 1}},
    ]
