"""The providers' bills against our books: honest days agree; each lie, loss and invention is found, told and kept."""

from datetime import timedelta

import pytest

from resolvers.ports import OutsideFault
from resolvers.reconciliation.run import reconcile_again, reconcile_day
from scripts.reconcile_bills import run
from tests.books.reconciled import PROVIDERS, Day
from tests.support.faults import fault

pytestmark = pytest.mark.usefixtures("agrees_again")


async def test_an_honest_day_agrees(day: Day, capsys: pytest.CaptureFixture[str]) -> None:
    assert await day.exit_code() == 0
    assert "agree" in capsys.readouterr().out
    for provider, method in PROVIDERS.items():
        wallet = {method.value: each for method, each in day.world.app.providers.items()}[method]
        numbers = {row.number for row in await wallet.bill(day.day)}
        assert {day.payments[provider], day.refunds[provider]} < numbers, "and there was something to agree upon"


LIES = [
    ("omit", "payment", "MISSING_THERE"),
    ("omit", "refund", "MISSING_THERE"),
    ("invent", "stranger", "MISSING_HERE"),
    ("amount", "payment", "AMOUNT"),
    ("amount", "refund", "AMOUNT"),
    ("status", "payment", "STATUS"),
    ("status", "refund", "STATUS"),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("lie", "about", "kind"), LIES)
async def test_each_lie_is_found_kept_once_and_resolved_when_it_is_gone(
    day: Day, provider: str, lie: str, about: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    number = {"payment": day.payments, "refund": day.refunds}.get(about, {}).get(provider, "pay_stranger")
    expected = (PROVIDERS[provider], number, kind)
    difference_id = f"{PROVIDERS[provider]}:{day.day}:{number}:{kind}"
    async with day.lying(provider=provider, kind=lie, number=number):
        assert await day.exit_code() == 1
        [first] = await day.differences(resolved_at=None)
        assert first["_id"] == difference_id
        assert await day.exit_code() == 1
        assert await day.differences(resolved_at=None) == [first], "the same once more"
        assert await day.open() == [expected]
        [incident] = await day.incidents()
        assert (incident["key"], incident["subject_id"]) == (f"bill:{difference_id}", difference_id)
        assert incident["brand_id"] == (None if kind == "MISSING_HERE" else day.world.brand_id)
        assert number in incident["summary"]
        told = [line for line in capsys.readouterr().out.splitlines() if number in line]
        assert len(told) == 2
        assert all(kind in line for line in told)
    assert await day.exit_code() == 0
    [gone] = await day.differences(_id=difference_id)
    assert gone["resolved_at"] is not None
    assert await day.incidents() == []


async def test_a_difference_that_comes_back_is_open_again(day: Day) -> None:
    for _ in range(2):
        async with day.lying(provider="wechat", kind="amount", number=day.payments["wechat"]):
            assert await day.exit_code() == 1
            assert len(await day.incidents()) == 1
        [difference] = await day.differences(resolved_at=None)
        await reconcile_again(day.world.app, difference["_id"])
        assert await day.incidents() == []


async def test_two_lies_are_two_differences(day: Day) -> None:
    async with (
        day.lying(provider="wechat", kind="amount", number=day.payments["wechat"]),
        day.lying(provider="qq", kind="status", number=day.refunds["qq"]),
    ):
        assert await day.exit_code() == 1
        assert {kind for _, _, kind in await day.open()} == {"AMOUNT", "STATUS"}


@pytest.mark.parametrize(("provider", "kind"), [("wechat", "hash"), ("wechat", "cut"), ("qq", "cut")])
async def test_a_damaged_bill_changes_nothing(
    day: Day, provider: str, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await day.differences()
    async with (
        day.lying(provider=provider, kind="amount", number=day.payments[provider]),
        day.lying(provider=provider, kind=kind),
    ):
        assert await day.exit_code() == 2
        assert await day.differences() == before
        assert await day.incidents() == []
    assert PROVIDERS[provider] in capsys.readouterr().out


async def test_a_damaged_bill_resolves_nothing_either(day: Day) -> None:
    async with day.lying(provider="wechat", kind="amount", number=day.payments["wechat"]):
        assert await day.exit_code() == 1
        async with day.lying(provider="wechat", kind="cut"):
            assert await day.exit_code() == 2
            assert len(await day.open()) == len(await day.incidents()) == 1


async def test_one_provider_down_does_not_hide_what_the_other_says(day: Day) -> None:
    async with (
        day.lying(provider="qq", kind="amount", number=day.payments["qq"]),
        fault(day.world.http, day.world.simulator, "bill/tradebill", "html", 9),
    ):
        assert await day.exit_code() == 2
        assert await day.open() == [("QQ_WALLET", day.payments["qq"], "AMOUNT")]


async def test_days_to_come_have_no_bill(day: Day) -> None:
    with pytest.raises(OutsideFault):
        await reconcile_day(day.world.app, day.day + timedelta(days=1))
    assert await run(day.world.app, day.day + timedelta(days=1)) == 2


async def test_a_day_on_which_nothing_happened_agrees(day: Day) -> None:
    assert await run(day.world.app, day.day - timedelta(days=40)) == 0
