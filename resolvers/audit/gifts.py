"""Aggregations about gifts: what was given is claimed, came back, or still waits, and exists once."""

from collections.abc import Mapping
from typing import Any

from resolvers.gifts.model import OPEN, GiftStatus

OPEN_GIFTS = [status.value for status in OPEN]


def gifts_off_uses() -> list[Mapping[str, Any]]:
    """Gifts of a pass whose account does not hold its uses while they wait, or holds some after."""
    waiting = {"$cond": [{"$in": ["$status", OPEN_GIFTS]}, "$uses", 0]}
    return [
        {"$match": {"uses": {"$gt": 0}}},
        {"$set": {"account_id": {"$concat": ["gift:", "$_id", ":uses"]}, "waiting": waiting}},
        {"$lookup": {"from": "accounts", "localField": "account_id", "foreignField": "_id", "as": "account"}},
        {"$set": {"balance": {"$ifNull": [{"$first": "$account.balance_fen"}, 0]}}},
        {"$match": {"$expr": {"$ne": ["$balance", "$waiting"]}}},
        {"$project": {"balance": 1, "waiting": 1}},
    ]


def gifts_off_claims() -> list[Mapping[str, Any]]:
    """Gifts with too many claims, or too few, or two of one person; or given ≠ claimed + came back + waits."""
    count, claimants = {"$size": "$claims"}, {"$size": {"$setUnion": ["$claims.customer_id"]}}
    is_claimed, is_declined = ({"$eq": ["$status", each.value]} for each in (GiftStatus.CLAIMED, GiftStatus.DECLINED))
    accounted = {"$add": ["$claimed", "$returned_fen", "$waiting"]}
    wrong = [
        {"$ne": [is_claimed, {"$eq": ["$count", "$shares"]}]},
        {"$gt": ["$count", "$shares"]},
        {"$ne": ["$count", claimants]},
        {"$and": [is_declined, {"$gt": ["$count", 0]}]},
        {"$in": ["$giver_id", "$claims.customer_id"]},
        {"$ne": ["$given_fen", accounted]},
        {"$and": [{"$not": [{"$in": ["$status", OPEN_GIFTS]}]}, {"$gt": ["$waiting", 0]}]},
    ]
    sums = {"claimed": {"$sum": "$claims.moved_fen"}, "waiting": {"$sum": "$takes.amount_fen"}, "count": count}
    return [
        {"$set": sums},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"status": 1, "shares": 1, "count": 1, "given_fen": 1, "claimed": 1, "returned_fen": 1}},
    ]


def things_off_gifts(gift_of: str) -> list[Mapping[str, Any]]:
    """Cards or coupons that are being given without exactly one open gift of them; `gift_of` names the gift's field."""
    own = {"from": "gifts", "localField": "_id", "foreignField": gift_of}
    going = [{"$match": {"whole": True, "status": {"$in": OPEN_GIFTS}}}, {"$project": {"_id": 1}}]
    return [
        {"$match": {"status": "GIFTING"}},
        {"$lookup": {**own, "pipeline": going, "as": "gifts"}},
        {"$match": {"$expr": {"$ne": [{"$size": "$gifts"}, 1]}}},
        {"$project": {"status": 1}},
    ]
