"""Notifications: believed only when they are right, applied once, and not needed."""

import asyncio

import pytest

from scripts.client import Api, Json
from tests.payments.money import (
    NOTIFY,
    PLATFORMS,
    T500,
    ask_provider,
    at_provider,
    audited,
    balances,
    count,
    faulty,
    lines_of,
    payment_row,
    top_up,
    until,
    until_status,
)
from tests.support.world import World

FORGED = [
    ("WECHAT", "bad_signature", 401),
    ("WECHAT", "wrong_amount", 400),
    ("WECHAT", "stale", 401),
    ("WECHAT", "unknown", 400),
    ("QQ", "bad_signature", 401),
    ("QQ", "wrong_amount", 400),
    ("QQ", "unknown", 400),
]


async def opened(world: World, platform: str) -> tuple[Api, Json]:
    """Somebody with an opened top-up of 充 500 送 60."""
    person = await world.person(platform)
    return person, await top_up(world, person, tierId=T500)


async def answers(world: World, payment: Json, least: int) -> list[tuple[str, int]]:
    """(what was wrong, what we answered) of a payment's notifications, once there are so many."""

    async def look() -> list[tuple[str, int]] | None:
        there = (await at_provider(world.phone, payment["id"]))["notifications"]
        said = [(each["fault"], each["status"]) for each in there]
        return said if len(said) >= least else None

    return await until(look)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_twenty_notifications_at_once_are_one_credit(world: World, platform: str) -> None:
    person, top = await opened(world, platform)
    entries = await count(world, "journal")
    async with faulty(world, NOTIFY[platform], "duplicate"):
        await world.phone.pay(top["payment"])
        said = await answers(world, top["payment"], 20)
    assert said == [("duplicate", 204 if platform == "WECHAT" else 200)] * 20
    assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)
    assert await count(world, "journal") == entries + 1
    row = await payment_row(world, top["payment"]["id"])
    assert (row["status"], row["revision"]) == ("SUCCEEDED", 3)


@pytest.mark.parametrize(("platform", "mode", "status"), FORGED)
async def test_a_wrong_notification_changes_nothing_and_the_right_one_later_counts(
    world: World, platform: str, mode: str, status: int
) -> None:
    person, top = await opened(world, platform)
    payment_id, card_id = top["payment"]["id"], top["card"]["id"]
    entries, before = await count(world, "journal"), await payment_row(world, payment_id)
    async with faulty(world, NOTIFY[platform], mode, times=1_000):
        await world.phone.pay(top["payment"])
        said = await answers(world, top["payment"], 2)
        assert set(said) == {(mode, status)}
        assert await count(world, "journal") == entries
        assert await balances(person, card_id) == (0, 0, 0)
        assert await payment_row(world, payment_id) == before
    await world.phone.control("notify", out_trade_no=payment_id)
    assert (await payment_row(world, payment_id))["status"] == "SUCCEEDED"
    assert await balances(person, card_id) == (50_000, 6_000, 0)
    assert await count(world, "journal") == entries + 1


async def test_wechats_probe_is_refused_and_the_real_one_behind_it_counts(world: World) -> None:
    person, top = await opened(world, "WECHAT")
    async with faulty(world, "notify:wechat", "probe"):
        await world.phone.pay(top["payment"])
        await until_status(world, top["payment"]["id"], "SUCCEEDED")
    assert await answers(world, top["payment"], 2) == [("probe", 401), ("", 204)]
    assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)


async def test_a_notification_that_is_late_is_as_good(world: World) -> None:
    both = [await opened(world, platform) for platform in PLATFORMS]
    async with faulty(world, "notify", "late", times=2):
        for _, top in both:
            await world.phone.pay(top["payment"])
        await asyncio.sleep(1)
        assert [await balances(person, top["card"]["id"]) for person, top in both] == [(0, 0, 0)] * 2
        for person, top in both:
            await until_status(world, top["payment"]["id"], "SUCCEEDED")
            assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_the_poller_makes_good_a_notification_that_never_comes(world: World, platform: str) -> None:
    person, top = await opened(world, platform)
    async with faulty(world, NOTIFY[platform], "drop", times=1_000):
        await world.phone.pay(top["payment"])
        assert set(await answers(world, top["payment"], 2)) == {("drop", 0)}
        assert await balances(person, top["card"]["id"]) == (0, 0, 0)
        await ask_provider(world, top["payment"]["id"])
        row = await until_status(world, top["payment"]["id"], "SUCCEEDED")
        assert row["transaction_id"] == (await at_provider(world.phone, row["_id"]))["transaction_id"]
        assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)
    await world.phone.control("notify", out_trade_no=top["payment"]["id"])  # and then it comes after all
    assert (await lines_of(world, f"capture:{top['payment']['id']}"))[f"card:{top['card']['id']}:bonus"] == 6_000
    assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_payment_that_nobody_pays_is_asked_about_less_often_and_closed_at_its_end(
    world: World, platform: str
) -> None:
    person, top = await opened(world, platform)
    payment_id = top["payment"]["id"]
    first = await payment_row(world, payment_id)
    assert (first["poll_at"] - first["created_at"]).total_seconds() == pytest.approx(20, abs=2)
    await ask_provider(world, payment_id)

    async def asked() -> bool:
        return bool((await payment_row(world, payment_id))["polls"] == 1)

    await until(asked)
    now = await payment_row(world, payment_id)
    assert (now["poll_at"] - world.clock.now()).total_seconds() == pytest.approx(20, abs=3)
    assert (now["status"], now["revision"]) == ("PENDING", 2)
    over = {"$set": {"expires_at": first["created_at"]}}
    await world.app.connection.collection("payments").update_one({"_id": payment_id}, over)
    await ask_provider(world, payment_id)
    await until_status(world, payment_id, "CLOSED")
    assert (await at_provider(world.phone, payment_id))["state"] == "CLOSED"
    assert await balances(person, top["card"]["id"]) == (0, 0, 0)


RUBBISH = [b"", b"{}", b"null", b"<xml></xml>", b"\xff\xfe", b"<!DOCTYPE x><xml/>", b"x" * 70_000]


@pytest.mark.parametrize("path", ["/webhooks/wechat-pay", "/webhooks/qq-wallet"])
async def test_what_is_no_notification_is_refused(world: World, path: str) -> None:
    entries = await count(world, "journal")
    for body in RUBBISH:
        for headers in ({}, {"Wechatpay-Signature": "é" * 40, "Wechatpay-Serial": "1", "Wechatpay-Timestamp": "1"}):
            async with world.http.post(f"{world.gateway}{path}", data=body, headers=headers) as answer:
                assert 400 <= answer.status < 500, (body[:20], answer.status)
                assert "SUCCESS" not in await answer.text()
    async with world.http.get(f"{world.gateway}{path}") as answer:
        assert answer.status == 405
    assert await count(world, "journal") == entries
    await audited(world)
