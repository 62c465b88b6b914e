"""What is wrong with our own books is found too; what only fell on either side of midnight is not wrong."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from resolvers.reconciliation.model import bounds
from resolvers.reconciliation.run import reconcile_day
from tests.books.reconciled import PROVIDERS, Day

pytestmark = pytest.mark.usefixtures("agrees_again")


@asynccontextmanager
async def changed(day: Day, name: str, number: str, **values: Any) -> AsyncIterator[None]:
    """A row of ours changed by hand, and put back."""
    kept = await day.collection(name).find_one({"_id": number})
    await day.collection(name).update_one({"_id": number}, {"$set": values})
    try:
        yield
    finally:
        await day.collection(name).replace_one({"_id": number}, kept)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", ["payments", "refunds"])
async def test_what_is_deleted_from_our_books_is_missing_here(day: Day, provider: str, name: str) -> None:
    number = {"payments": day.payments, "refunds": day.refunds}[name][provider]
    kept = await day.collection(name).find_one({"_id": number})
    await day.collection(name).delete_one({"_id": number})
    try:
        assert await day.exit_code() == 1
        assert await day.open() == [(PROVIDERS[provider], number, "MISSING_HERE")]
    finally:
        await day.collection(name).insert_one(kept)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", ["payments", "refunds"])
async def test_what_is_invented_in_our_books_is_missing_there(day: Day, provider: str, name: str) -> None:
    number = {"payments": day.payments, "refunds": day.refunds}[name][provider]
    row = {**await day.collection(name).find_one({"_id": number}), "_id": f"{number}x"}
    await day.collection(name).insert_one(row)
    try:
        assert await day.exit_code() == 1
        assert await day.open() == [(PROVIDERS[provider], f"{number}x", "MISSING_THERE")]
        assert await reconcile_day(day.world.app, day.day - timedelta(days=1)) == [], "on its own day only"
    finally:
        await day.collection(name).delete_one({"_id": row["_id"]})


async def test_what_was_never_paid_need_not_be_there(day: Day) -> None:
    row = await day.collection("payments").find_one({"_id": day.payments["wechat"]})
    await day.collection("payments").insert_one({**row, "_id": f"{row['_id']}x", "status": "CLOSED"})
    try:
        assert await day.exit_code() == 0
    finally:
        await day.collection("payments").delete_one({"_id": f"{row['_id']}x"})


@pytest.mark.parametrize(("status", "expected"), [("PENDING", True), ("CLOSED", True), ("PARTIALLY_REFUNDED", False)])
async def test_a_payment_that_is_not_paid_here_differs(day: Day, status: str, expected: bool) -> None:
    number = day.payments["wechat"]
    async with changed(day, "payments", number, status=status, poll_at=None):
        assert await day.exit_code() == (1 if expected else 0)
        assert await day.open() == ([("WECHAT_PAY", number, "STATUS")] if expected else [])


async def test_a_payment_of_the_other_provider_does_not_explain_a_row(day: Day) -> None:
    number = day.payments["wechat"]
    async with changed(day, "payments", number, method="QQ_WALLET"):
        assert await day.exit_code() == 1
        found = {("QQ_WALLET", number, "MISSING_THERE"), ("WECHAT_PAY", number, "MISSING_HERE")}
        assert set(await day.open()) == found


Midnight = tuple[datetime, float]


@pytest.fixture
def midnight(day: Day) -> Midnight:
    """When the day began, for us and in the provider's seconds."""
    start, _ = bounds(day.day)
    return start, start.timestamp()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_paid_just_before_midnight_and_noticed_just_after_is_no_difference(
    day: Day, provider: str, midnight: Midnight
) -> None:
    number, (start, seconds) = day.payments[provider], midnight
    [[paid_at]] = _rows(day, "SELECT paid_at FROM payment WHERE out_trade_no = ?", number)
    day.at_provider("UPDATE payment SET paid_at = ? WHERE out_trade_no = ?", seconds - 1, number)
    try:
        async with changed(day, "payments", number, paid_at=start + timedelta(seconds=2)):
            assert await reconcile_day(day.world.app, day.day) == [], "it stands in the bill of the day before"
            assert await reconcile_day(day.world.app, day.day - timedelta(days=1)) == [], "and is known there"
    finally:
        day.at_provider("UPDATE payment SET paid_at = ? WHERE out_trade_no = ?", paid_at, number)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refund_that_arrived_days_before_we_asked_is_no_difference(
    day: Day, provider: str, midnight: Midnight
) -> None:
    number, (start, seconds) = day.refunds[provider], midnight
    [[settled_at]] = _rows(day, "SELECT settled_at FROM refund WHERE out_refund_no = ?", number)
    day.at_provider("UPDATE refund SET settled_at = ? WHERE out_refund_no = ?", seconds - 3 * 86_400, number)
    try:
        created, learnt = start - timedelta(days=4), start + timedelta(hours=1)
        async with changed(day, "refunds", number, created_at=created, settled_at=learnt):
            assert await reconcile_day(day.world.app, day.day) == []
        async with changed(day, "refunds", number, created_at=start, settled_at=learnt):
            [missing] = await reconcile_day(day.world.app, day.day)
            assert missing.number == number, "asked for today, it cannot have arrived three days ago"
    finally:
        day.at_provider("UPDATE refund SET settled_at = ? WHERE out_refund_no = ?", settled_at, number)


def _rows(day: Day, query: str, *values: Any) -> list[Any]:
    with sqlite3.connect(day.folder / "simulator.sqlite3") as books:
        return books.execute(query, values).fetchall()
