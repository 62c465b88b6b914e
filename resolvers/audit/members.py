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
    """Members whose growth is not what orders at the brand, their own and shared ones, have earned them by now."""
    mine = {"$filter": {"input": "$earners", "cond": {"$eq": ["$$this.customer_id", "$$customer_id"]}}}
    shared = {"$sum": {"$map": {"input": mine, "in": "$$this.growth"}}}
    sums = {
        "growth": {"$ifNull": ["$growth", 0]},
        "earned": {"$add": [{"$sum": "$orders.growth_earned"}, {"$sum": "$shared.growth"}]},
    }
    return [
        _orders_at_the_brand("orders", "customer_id", {"growth_earned": 1}),
        _orders_at_the_brand("shared", "earners.customer_id", {"growth": shared}),
        {"$set": sums},
        {"$match": {"$expr": {"$ne": ["$growth", "$earned"]}}},
        {"$project": {"growth": 1, "earned": 1}},
    ]


def _orders_at_the_brand(name: str, customer: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """The member's orders at the brand of which a field names the customer."""
    return {
        "$lookup": {
            "from": "orders",
            "localField": "customer_id",
            "foreignField": customer,
            "let": {"brand_id": "$brand_id", "customer_id": "$customer_id"},
            "pipeline": [{"$match": {"$expr": {"$eq": ["$brand_id", "$$brand_id"]}}}, {"$project": fields}],
            "as": name,
        }
    }
