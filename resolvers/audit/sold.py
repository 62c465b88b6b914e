"""Aggregations about what is sold: pieces of templates, uses of passes, and the money that was paid for both."""

from collections.abc import Mapping
from typing import Any

from resolvers.ledger.model import BrandAccount
from resolvers.payments.model import PAID, Purpose


def templates_off_pieces() -> list[Mapping[str, Any]]:
    """Limited templates of which issued, left and reserved pieces do not add up to the limit.

    What a friend received is the same piece as the giver's GIFTED one. A purchase that waits to be paid has its pieces;
    those of one that came to nothing are returned by the outbox, and may be on their way.
    """
    refunded = {"status": "VOIDED", "payment_id": {"$ne": None}}
    kept = {"status": {"$ne": "GIFTED"}, "$nor": [refunded]}
    sums = {
        "issued": {"$add": [{"$sum": "$coupons.count"}, {"$sum": "$passes.count"}]},
        "left": "$counter.left",
        "noted": {"$sum": "$counter.notes.count"},
        "waiting": {"$sum": "$payments.count"},
        "returning": {"$sum": "$tasks.count"},
    }
    wrong = [
        {"$lt": ["$left", 0]},
        {"$gt": [{"$add": ["$issued", "$left", "$waiting"]}, "$total"]},
        {"$lt": [{"$add": ["$issued", "$left", "$waiting", "$noted", "$returning"]}, "$total"]},
    ]
    own, standing = {"localField": "_id", "foreignField": "template_id"}, {"status": {"$nin": ["GIFTED", "CLOSED"]}}
    of_counter = {"localField": "counter_id", "foreignField": "payload.counter_id"}
    return [
        {"$match": {"total": {"$ne": None}}},
        _counted("coupons", "coupons", own, kept),
        _counted("passes", "cards", own | {"foreignField": "uses.template_id"}, standing),
        _counted("payments", "payments", own, {"status": "PENDING"}, "$quantity"),
        {"$set": {"counter_id": {"$concat": ["template:", "$_id"]}}},
        {"$lookup": {"from": "counters", "localField": "counter_id", "foreignField": "_id", "as": "counter"}},
        _counted("tasks", "outbox", of_counter, {"state": {"$ne": "DONE"}}, "$payload.count"),
        {"$set": {"counter": {"$first": "$counter"}}},
        {"$set": sums},
        {"$project": {"issued": 1, "left": 1, "noted": 1, "waiting": 1, "returning": 1, "total": 1}},
        {"$match": {"$expr": {"$or": wrong}}},
    ]


def _counted(
    name: str, collection: str, fields: Mapping[str, str], matching: Mapping[str, Any], each: object = 1
) -> Mapping[str, Any]:
    """How many documents belong to one, as `name.count`; counted there, since a hundred thousand fit in no document."""
    pipeline = [{"$match": matching}, {"$group": {"_id": None, "count": {"$sum": each}}}]
    return {"$lookup": {"from": collection, **fields, "pipeline": pipeline, "as": name}}


def passes_off_accounts() -> list[Mapping[str, Any]]:
    """Passes whose uses are not what their account holds, below zero, held twice, or not all that were bought.

    Those of a pass that is being given, was given or was refunded are elsewhere.
    """
    here = {"$not": [{"$in": ["$status", ["GIFTING", "GIFTED", "CLOSED"]]}]}
    wrong = [
        {"$ne": ["$balance", "$uses.left"]},
        {"$lt": ["$uses.left", {"$sum": "$holds.uses"}]},
        {"$and": [here, {"$ne": [{"$add": ["$uses.left", "$uses.taken"]}, "$uses.bought"]}]},
    ]
    return [
        {"$match": {"kind": "PASS"}},
        {"$set": {"account_id": {"$concat": ["card:", "$_id", ":uses"]}}},
        {"$lookup": {"from": "accounts", "localField": "account_id", "foreignField": "_id", "as": "account"}},
        {"$set": {"balance": {"$ifNull": [{"$first": "$account.balance_fen"}, 0]}}},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$set": {"left": "$uses.left", "taken": "$uses.taken", "bought": "$uses.bought"}},
        {"$project": {"balance": 1, "left": 1, "taken": 1, "bought": 1}},
    ]


def paid_for_vouchers() -> list[Mapping[str, Any]]:
    """What was paid for coupons and passes that were issued and not taken back, in fen, by brand id."""
    issued: Mapping[str, Any] = {"$or": [{"coupon_ids": {"$ne": []}}, {"card_ids": {"$ne": []}}]}
    bought = {"purpose": Purpose.COUPONS.value, "status": {"$in": [each.value for each in PAID]}, "undone_at": None}
    return [
        {"$match": {**bought, **issued}},
        {"$group": {"_id": "$brand_id", "sum": {"$sum": "$amount_fen"}}},
    ]


def taken_of_passes() -> list[Mapping[str, Any]]:
    """What of the price of passes their taken uses carry, in fen, by brand id; a given one counts where it is now."""
    product = {"$multiply": ["$uses.price_fen", "$uses.taken"]}
    whole = {"$subtract": [product, {"$mod": [product, "$uses.bought"]}]}
    carried = {"$divide": [whole, "$uses.bought"]}
    return [
        {"$match": {"kind": "PASS", "status": {"$nin": ["GIFTED", "CLOSED"]}}},
        {"$group": {"_id": "$brand_id", "sum": {"$sum": {"$toLong": carried}}}},
    ]


VOUCHERS = BrandAccount.VOUCHERS_SOLD.value
