"""Aggregations about members: points against their account and their statement, growth against orders."""

from collections.abc import Mapping
from typing import Any


def points_off_account() -> list[Mapping[str, Any]]:
    """Members whose points are not what their account holds, or below zero."""
    return [
        {"$set": {"account_id": {"$concat": ["points:", "$_id"]}}},
        {"$lookup": {"from": "accounts", "localField": "account_id", "foreignField": "_id", "as": "account"}},
        {"$set": {"balance": {"$ifNull": [{"$first": "$account.balance_fen"}, 0]}}},
        {"$match": {"$expr": {"$or": [{"$ne": ["$balance", "$points"]}, {"$lt": ["$points", 0]}]}}},
        {"$project": {"balance": 1, "points": 1}},
    ]


def points_off_statement() -> list[Mapping[str, Any]]:
    """Members whose statement does not add up to their points, or whose newest line does not end at them."""
    newest = {"$filter": {"input": "$rows", "cond": {"$eq": ["$$this.number", "$points_rows"]}}}
    sums = {
        "stated": {"$sum": "$rows.change"},
        "lines": {"$size": "$rows"},
        "ends_at": {"$sum": {"$map": {"input": newest, "in": "$$this.balance_after"}}},
    }
    wrong = [
        {"$ne": ["$stated", "$points"]},
        {"$ne": ["$ends_at", "$points"]},
        {"$ne": ["$lines", "$points_rows"]},
    ]
    return [
        {"$lookup": {"from": "points_statement", "localField": "_id", "foreignField": "membership_id", "as": "rows"}},
        {"$set": sums},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"stated": 1, "ends_at": 1, "points": 1, "lines": 1, "points_rows": 1}},
    ]


def growth_off_orders() -> list[Mapping[str, Any]]:
    """Members whose growth is not what orders at the brand, their own and shared ones, have earned them by now.

    By all ids of accounts that were joined; a membership that was merged into another one has none left.
    """
    mine = {"$filter": {"input": "$earners", "cond": {"$in": ["$$this.customer_id", "$$ids"]}}}
    shared = {"$sum": {"$map": {"input": mine, "in": "$$this.growth"}}}
    also = {"$ifNull": [{"$first": "$customer.also"}, []]}
    merged = {"$gt": ["$merged_into", None]}
    sums = {
        "growth": {"$ifNull": ["$growth", 0]},
        "earned": {"$add": [{"$sum": "$orders.growth_earned"}, {"$sum": "$shared.growth"}]},
    }
    return [
        {"$lookup": {"from": "customers", "localField": "customer_id", "foreignField": "_id", "as": "customer"}},
        {"$set": {"ids": {"$cond": [merged, [], {"$concatArrays": [["$customer_id"], also]}]}}},
        _orders_at_the_brand("orders", "customer_id", {"growth_earned": 1}),
        _orders_at_the_brand("shared", "earners.customer_id", {"growth": shared}),
        {"$set": sums},
        {"$match": {"$expr": {"$ne": ["$growth", "$earned"]}}},
        {"$project": {"growth": 1, "earned": 1}},
    ]


def _orders_at_the_brand(name: str, customer: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The member's orders at the brand of which a field names the customer, by any of their ids."""
    return {
        "$lookup": {
            "from": "orders",
            "localField": "ids",
            "foreignField": customer,
            "let": {"brand_id": "$brand_id", "ids": "$ids"},
            "pipeline": [{"$match": {"$expr": {"$eq": ["$brand_id", "$$brand_id"]}}}, {"$project": fields}],
            "as": name,
        }
    }


def members_off_join() -> list[Mapping[str, Any]]:
    """Memberships of an account that was joined and that were not merged, or were merged into no standing one."""
    of = {"from": "memberships", "localField": "merged_into", "foreignField": "_id", "as": "into"}
    is_merged = {"$gt": ["$merged_into", None]}
    stands = {"$and": [{"$eq": [{"$size": "$into"}, 1]}, {"$not": [{"$gt": [{"$first": "$into.merged_into"}, None]}]}]}
    went = {"$gt": [{"$first": "$customer.joined_into"}, None]}
    return [
        {"$lookup": {"from": "customers", "localField": "customer_id", "foreignField": "_id", "as": "customer"}},
        {"$lookup": of},
        {"$match": {"$expr": {"$or": [{"$ne": [went, is_merged]}, {"$and": [is_merged, {"$not": [stands]}]}]}}},
        {"$project": {"customer_id": 1, "merged_into": 1}},
    ]


def accounts_off_join() -> list[Mapping[str, Any]]:
    """Accounts that were joined into one that does not say so, or was joined itself; or that say so of no such one.

    The last that an account's own log tells is that it was joined.
    """
    into = {"from": "customers", "localField": "joined_into", "foreignField": "_id", "as": "into"}
    of = {"from": "customers", "localField": "also", "foreignField": "_id", "as": "of"}
    last = [{"$sort": {"number": -1}}, {"$limit": 1}, {"$project": {"kind": 1}}]
    events = {"from": "events", "localField": "_id", "foreignField": "customer_id", "pipeline": last, "as": "last"}
    went = {"$gt": ["$joined_into", None]}
    own = {"$ifNull": ["$also", []]}
    unsaid = {"$not": [{"$in": ["$_id", {"$ifNull": [{"$first": "$into.also"}, []]}]}]}
    gone_on = {"$and": [{"$eq": [{"$size": "$last"}, 1]}, {"$ne": [{"$first": "$last.kind"}, "JOINED"]}]}
    kept = {"$ne": [{"$size": own}, 0]}
    others = {"$filter": {"input": "$of", "cond": {"$eq": ["$$this.joined_into", "$_id"]}}}
    wrong = [
        {"$and": [went, {"$or": [unsaid, gone_on, kept]}]},
        {"$ne": [{"$size": others}, {"$size": own}]},
    ]
    return [
        {"$match": {"$or": [{"joined_into": {"$ne": None}}, {"also.0": {"$exists": True}}]}},
        {"$lookup": into},
        {"$lookup": of},
        {"$lookup": events},
        {"$match": {"$expr": {"$or": wrong}}},
        {"$project": {"joined_into": 1}},
    ]
