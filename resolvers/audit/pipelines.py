"""Aggregations that several of the audit's reads share."""

from collections.abc import Mapping
from typing import Any


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
