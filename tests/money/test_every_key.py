"""One key, one effect, for every mutation that has one: copies at once, other input, a restart, two applications."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.wiring import wire
from schema.console.schema import console_schema
from schema.customer.schema import customer_schema
from scripts.client import Api, GraphQLFailed, Json, Refused, new_key
from tests.money import every_key as e
from tests.money.every_key import ORDER, PAYMENT, PREPAID, Case, Sending
from tests.payments.money import audited, count, until
from tests.support.world import World, free_socket, open_product, running, settings_of

REDEEMED = "redemption { id amount { amountFen } undoneAt }"
REFUNDED = "order { id } refunded { amountFen } bySource { method amount { amountFen } }"
ISSUED = "issued skipped { customerId reason }"

# What one effect makes, worked out by hand: "statement" are lines of cards, "provider" and "provider refunds" what the
# chat app's payment system has been asked for. A key's own row is counted too: `issueCoupons` has one more for each
# member, and a refund by the provider is booked when it is asked for (of a purchase) and when it is carried out.
TABLE = [
    Case("topUpCard", "", e.topping_up, PAYMENT, {"payments": 1, "provider": 1}),
    Case("buyGiftCard", "", e.buying, PAYMENT, {"payments": 1, "provider": 1}),
    Case("buyCoupon", "", e.buying_coupons, PAYMENT, {"payments": 1, "provider": 1}),
    Case(
        "refundPayment",
        "",
        e.refunding_a_top_up,
        PREPAID,
        {"refunds": 1, "provider refunds": 1, "journal": 2, "statement": 1},
    ),
    Case("placeOrder", "", e.placing, ORDER, {"orders": 1}),
    Case("placeOrder", "card", e.placing_and_paying, ORDER, {"orders": 1, "payments": 1, "journal": 1, "statement": 1}),
    Case(
        "placeOrder",
        "card and outside",
        e.placing_and_opening,
        f"{ORDER} {PAYMENT}",
        {"orders": 1, "payments": 2, "provider": 1},
    ),
    Case("payOrder", "card", e.paying, ORDER, {"payments": 1, "journal": 1, "statement": 1}),
    Case("payOrder", "card and outside", e.paying_two_ways, f"{ORDER} {PAYMENT}", {"payments": 2, "provider": 1}),
    Case("payOrder", "share", e.paying_a_share, ORDER, {"payments": 1, "journal": 1, "statement": 1}),
    Case("addToTable", "", e.adding_to_a_table, "table { id revision lines { id } }", {"table_carts": 1}),
    Case("placeTableOrder", "", e.placing_for_a_table, f"{ORDER[:-1]} shares {{ id }} }}", {"orders": 1}),
    Case("recordConsents", "", e.agreeing, "consents { remaining }", {"message_consents": 1}),
    Case("updateProfile", "", e.changing_the_profile, "me { id nickname }", {}),
    Case("claimCoupon", "", e.claiming_a_coupon, "coupon { id status }", {"coupons": 1}),
    Case("give", "", e.giving, "gift { id shareToken }", {"gifts": 1, "journal": 1, "statement": 1}),
    Case("claimGift", "", e.claiming_a_gift, "card { id }", {"cards": 1, "journal": 1, "statement": 1}),
    Case(
        "redeemCode",
        "",
        e.redeeming,
        REDEEMED,
        {"redemptions": 1, "journal": 1, "statement": 1, "staff_actions": 1},
    ),
    Case("undoRedemption", "", e.undoing, REDEEMED, {"journal": 1, "statement": 1, "staff_actions": 1}),
    Case(
        "cashTopUp",
        "",
        e.taking_cash_for_a_card,
        "card { id balance { amountFen } }",
        {"payments": 1, "journal": 1, "statement": 1, "staff_actions": 1},
    ),
    Case(
        "refundTopUp",
        "",
        e.giving_cash_back,
        "refunded { amountFen } card { id balance { amountFen } }",
        {"journal": 1, "statement": 1, "staff_actions": 1},
    ),
    Case("takeCash", "", e.taking_cash, ORDER, {"payments": 1, "journal": 1, "staff_actions": 1}),
    Case(
        "refundOrder",
        "whole",
        e.refunding_an_order,
        REFUNDED,
        {
            "order_refunds": 1,
            "refunds": 1,
            "provider refunds": 1,
            "journal": 2,
            "statement": 1,
            "staff_actions": 1,
        },
    ),
    Case(
        "refundOrder",
        "line",
        e.refunding_a_line,
        REFUNDED,
        {"order_refunds": 1, "journal": 1, "statement": 1, "staff_actions": 1},
    ),
    Case("issueCoupons", "", e.issuing, ISSUED, {"coupons": 2, "staff_actions": 1, "idempotency": 2}),
    Case("writeToDesk", "", e.writing_to_the_desk, "said { id }", {"conversations": 1, "conversation_messages": 1}),
    Case("sendMessage", "", e.saying, "said { id }", {"conversation_messages": 1, "staff_actions": 1}),
    Case("addNote", "", e.saying, "said { id }", {"conversation_messages": 1, "staff_actions": 1}),
    Case("putReplyRule", "", e.writing_a_rule, "rule { id }", {"reply_rules": 1, "staff_actions": 1}),
]
COUNTED = [
    "message_consents",
    "conversations",
    "conversation_messages",
    "reply_rules",
    "payments",
    "cards",
    "coupons",
    "gifts",
    "orders",
    "table_carts",
    "order_refunds",
    "refunds",
    "redemptions",
    "journal",
    "statement",
    "staff_actions",
    "idempotency",
]
CASES = [pytest.param(case, id=f"{case.verb}{case.case and '-'}{case.case.replace(' ', '-')}") for case in TABLE]


@dataclass(frozen=True, slots=True)
class Two:
    """A product, and a second application on the same database, with queues of its own."""

    world: World
    elsewhere: str

    def there(self, sender: Api) -> Api:
        """The same person at the second application."""
        url = sender.url.replace(self.world.gateway, self.elsewhere)
        return Api(sender.http, url, sender.token)

    async def counts(self) -> dict[str, int]:
        """How many there are of everything that money or a right hangs on."""
        found = {name: await count(self.world, name) for name in COUNTED}
        provider = await self.world.phone.payments()
        refunds = sum(len(each.get("refunds", [])) for each in provider)
        return {**found, "provider": len(provider), "provider refunds": refunds}

    async def made_since(self, before: dict[str, int], wanted: dict[str, int]) -> dict[str, int]:
        """What there is more of; looked at again when it is what is wanted, for what may still be on its way."""

        async def look() -> bool:
            return _more(before, await self.counts()) == wanted

        try:
            await until(look)
            await asyncio.sleep(0.3)
        except TimeoutError:
            pass
        return _more(before, await self.counts())


def _more(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    return {name: now[name] - before[name] for name in now if now[name] != before[name]}


@pytest.fixture(scope="module")
async def two(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Two]:
    """Two applications of one product, whose books are in order when all is done."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("keys"))) as world:
        second = wire(settings_of(world.settings), world.clock)
        async with running(second, free_socket(), with_jobs=False) as elsewhere:
            yield Two(world, elsewhere)
            await audited(world)


def effect(case: Case) -> dict[str, int]:
    """What one effect makes, the row of the key included."""
    return {**case.effect, "idempotency": 1 + case.effect.get("idempotency", 0)}


def send(case: Case, api: Api, sending: Sending, key: str) -> Awaitable[Json]:
    """Send a request once."""
    return api.do(case.verb, case.wanted, **sending.fields, idempotencyKey=key)


async def insisting(case: Case, api: Api, sending: Sending, key: str) -> Json:
    """Send a request, and again while one is told to, as clients do."""
    while True:
        try:
            return await send(case, api, sending, key)
        except GraphQLFailed as failed:
            if failed.code != "TRY_AGAIN":
                raise


@pytest.mark.parametrize("case", CASES)
async def test_fifty_copies_at_once_have_one_effect_and_fifty_equal_answers(two: Two, case: Case) -> None:
    sending, key = await case.prepare(two.world), new_key()
    before = await two.counts()
    answers = await asyncio.gather(*(send(case, sending.sender, sending, key) for _ in range(50)))
    assert [each for each in answers if each != answers[0]] == []
    assert await two.made_since(before, effect(case)) == effect(case)

    with pytest.raises(Refused) as refused:  # the same key with other input
        await sending.sender.do(case.verb, case.wanted, **sending.other, idempotencyKey=key)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert refused.value.error["field"] == ["input", "idempotencyKey"]
    # After a restart, as it were: another application remembers nothing but what the database says.
    assert await send(case, two.there(sending.sender), sending, key) == answers[0]
    assert await two.made_since(before, effect(case)) == effect(case)


@pytest.mark.parametrize("case", CASES)
async def test_copies_at_two_applications_at_once_have_one_effect(two: Two, case: Case) -> None:
    sending, key = await case.prepare(two.world), new_key()
    before = await two.counts()
    senders = [sending.sender, two.there(sending.sender)] * 25
    answers = await asyncio.gather(*(insisting(case, each, sending, key) for each in senders))
    assert [each for each in answers if each != answers[0]] == []
    assert await two.made_since(before, effect(case)) == effect(case)


@pytest.mark.parametrize("case", CASES)
async def test_what_else_was_sent_is_good_under_a_key_of_its_own(two: Two, case: Case) -> None:
    """So that it is the key, and nothing about the other input, that was refused above."""
    sending = await case.prepare(two.world)
    answer = await sending.sender.do(case.verb, case.wanted, **sending.other, idempotencyKey=new_key())
    assert answer["__typename"] == f"{case.verb[0].upper()}{case.verb[1:]}Success"


async def test_the_table_has_every_mutation_with_a_key() -> None:
    keyed = set()
    for schema in (customer_schema._schema, console_schema._schema):
        assert schema.mutation_type is not None
        for name, field in schema.mutation_type.fields.items():
            if "idempotencyKey" in field.args["input"].type.of_type.fields:
                keyed.add(name)
    # All that bindPhone is told is secret, so there is no other input to compare; its copies race in tests/joining.
    assert {case.verb for case in TABLE} == keyed - {"bindPhone"}
