"""Refund rules on paper: the formula of a top-up, lines and tenders by the split rule, lots that get back their own."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.brands.model import Brand, BrandSettings, SpendOrder
from resolvers.cards.model import Card, CardKind, CardStatus, Hold, Lot, Take, total
from resolvers.cards.refund_rules import reason_against, refund_fen, remains_of
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.ordering.model import Moment, Order, OrderLine, OrderStatus, OrderType
from resolvers.ordering.refund_rules import LineRefund, spread, takes_back, what_goes_back
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus, Purpose

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=9)
HISTORIES = 20_000


def _card(*lots: Lot, holds: tuple[Hold, ...] = ()) -> Card:
    return Card("crd_1", "cus_1", "brd_1", CardKind.STORED_VALUE, CardStatus.ACTIVE, "", lots, holds, 3, NOW)


def _top_up(amount: int, bonus: int, **values: object) -> Payment:
    lots = (Take("p", False, amount, None), *((Take("b", True, bonus, SOON),) if bonus else ()))
    paid = Payment(
        "pay_1", "cus_1", "brd_1", PaymentMethod.WECHAT_PAY, Purpose.TOP_UP, PaymentStatus.SUCCEEDED, amount, "", NOW
    )
    return replace(paid, bonus_fen=bonus, lots=lots, card_id="crd_1", paid_at=NOW, **values)  # type: ignore[arg-type]


# ------------------------------------------------------------------ spending


def test_proportional_spending_takes_principal_and_bonus_as_they_stand() -> None:
    card = _card(Lot("p", False, 30_000, None), Lot("b1", True, 6_000, LATER), Lot("b2", True, 4_000, SOON))
    takes = card.pick(10_000, NOW, SpendOrder.PROPORTIONAL)  # 3 : 1
    assert [(take.lot_id, take.amount_fen) for take in takes] == [("b2", 2_500), ("p", 7_500)]
    takes = card.pick(20_001, NOW, SpendOrder.PROPORTIONAL)  # 15 000.75 and 5 000.25: the odd fen to the larger rest
    assert [(take.lot_id, take.amount_fen) for take in takes] == [("b2", 4_000), ("b1", 1_000), ("p", 15_001)]
    assert card.less(card.pick(40_000, NOW, SpendOrder.PROPORTIONAL)).lots == ()


def test_proportional_spending_leaves_out_what_is_held_or_lapsed() -> None:
    hold = Hold("pay_0", (Take("p", False, 20_000, None),))
    card = _card(
        Lot("p", False, 30_000, None), Lot("b", True, 10_000, LATER), Lot("gone", True, 9_999, NOW), holds=(hold,)
    )
    takes = card.pick(1_000, NOW, SpendOrder.PROPORTIONAL)  # of 10 000 and 10 000
    assert [(take.lot_id, take.amount_fen) for take in takes] == [("b", 500), ("p", 500)]
    with pytest.raises(InsufficientBalance):
        card.pick(20_001, NOW, SpendOrder.PROPORTIONAL)


def test_lapsed_bonus_is_posted_but_not_what_a_hold_has_named_and_never_principal() -> None:
    hold = Hold("pay_0", (Take("b", True, 700, SOON),))
    card = _card(Lot("b", True, 1_000, SOON), Lot("p", False, 500, SOON), holds=(hold,))
    assert card.lapsed_takes(SOON - timedelta(milliseconds=1)) == ()
    assert card.lapsed_takes(SOON) == (Take("b", True, 300, SOON),)
    assert card.lapses_at == SOON
    assert replace(card, lots=card.lots[1:], holds=()).lapses_at is None


LOTS = st.lists(st.tuples(st.booleans(), st.integers(1, 5_000), st.sampled_from([None, SOON, LATER])), max_size=6)


@given(LOTS, st.sampled_from(SpendOrder), st.integers(1, 20_000))
def test_any_pick_takes_exactly_the_sum_and_no_lot_below_zero(
    lots: list[tuple[bool, int, datetime | None]], order: SpendOrder, amount: int
) -> None:
    card = _card(*(Lot(f"lot{number}", *each) for number, each in enumerate(lots)))
    available = card.available_fen(NOW)
    if amount > available:
        with pytest.raises(InsufficientBalance):
            card.pick(amount, NOW, order)
        return
    takes = card.pick(amount, NOW, order)
    assert total(takes) == amount
    left = card.less(takes)
    assert left.available_fen(NOW) == available - amount
    assert all(lot.left_fen > 0 for lot in left.lots)
    assert {lot.id: lot for lot in left.plus(takes).lots} == {lot.id: lot for lot in card.lots}


# ------------------------------------------------------------------ a top-up


@pytest.mark.parametrize(
    ("paid", "bonus", "spent", "left", "back"),
    [
        (50_000, 6_000, 0, 50_000, 50_000),  # untouched
        (50_000, 0, 12_345, 37_655, 37_655),  # no bonus: what is left
        (50_000, 6_000, 11_200, 44_800, 40_000),  # 11 200 x 50/56 = 10 000 counts as paid
        (50_000, 6_000, 11_201, 44_799, 39_999),  # 10 000.9 counts as 10 001
        (300_000, 100_000, 100_000, 300_000, 225_000),  # 3000 + 1000: each yuan spent counts at 0.75
        (50_000, 6_000, 56_000, 0, 0),  # all spent
        (100, 900, 901, 99, 9),  # 90.1 counts as 91
        (50_000, 6_000, 1_000, 100, 100),  # never more than the principal that is left
    ],
)
def test_what_of_a_top_up_goes_back(paid: int, bonus: int, spent: int, left: int, back: int) -> None:
    assert refund_fen(paid, bonus, spent, left) == back


@given(st.integers(1, 500_000), st.integers(0, 500_000), st.data())
def test_a_refund_and_what_was_used_never_exceed_what_was_paid(paid: int, bonus: int, data: st.DataObject) -> None:
    spent = data.draw(st.integers(0, paid + bonus))
    principal = max(0, paid - max(0, spent - bonus))  # bonus first
    back = refund_fen(paid, bonus, spent, principal)
    assert 0 <= back <= principal
    assert (paid - back) * (paid + bonus) >= spent * paid  # what was spent, at paid / (paid + bonus), is kept


def test_bonus_that_lapsed_was_not_spent() -> None:
    card = _card(Lot("p", False, 50_000, None))
    assert remains_of(_top_up(50_000, 6_000, lapsed_fen=6_000), card).refund_fen == 50_000
    assert remains_of(_top_up(50_000, 6_000, lapsed_fen=400), card).refund_fen == 45_000  # 5 600 x 50/56 = 5 000


def test_every_reason_against_a_refund_is_said() -> None:
    brand = Brand("brd_1", "", None, BrandSettings(top_up_refund_days=7))
    good, card = _top_up(10_000, 0), _card(Lot("p", False, 10_000, None))
    gift = replace(good, purpose=Purpose.GIFT_CARDS, face_value_fen=10_000, card_ids=("crd_1", "crd_2"))
    for payment, cards, now, reason in (
        (good, [card], NOW, None),
        (good, [card], NOW + timedelta(days=7) - timedelta(milliseconds=1), None),
        (good, [card], NOW + timedelta(days=7), "已超过 7 天退款期"),
        (replace(good, purpose=Purpose.ORDER), [card], NOW, "订单请联系门店退款"),
        (replace(good, status=PaymentStatus.PENDING), [card], NOW, "此笔支付尚未成功"),
        (replace(good, undone_at=NOW), [card], NOW, "此笔支付已退款或正在退款"),
        (replace(good, refunding_fen=1), [card], NOW, "此笔支付已退款或正在退款"),
        (good, [replace(card, status=CardStatus.GIFTING)], NOW, "卡已转赠或停用，不能退款"),
        (good, [replace(card, customer_id="cus_2")], NOW, "卡已转赠或停用，不能退款"),
        (good, [], NOW, "卡已转赠或停用，不能退款"),
        (good, [replace(card, holds=(Hold("pay_0", ()),))], NOW, "卡内有未完成的支付，请稍后再试"),
        (good, [replace(card, lots=())], NOW, "此次充值已用完"),
        (gift, [card, replace(card, id="crd_2")], NOW, None),
        (gift, [card], NOW, "礼品卡已使用，不能退款"),
        (gift, [card, _card(Lot("p", False, 9_999, None))], NOW, "礼品卡已使用，不能退款"),
    ):
        assert reason_against(payment, brand, cards, now) == reason


# ------------------------------------------------------------------ an order, by line


def _line(number: int, quantity: int, total_fen: int, refunded: int = 0) -> OrderLine:
    return OrderLine(
        f"lin_{number}", "dsh", f"菜{number}", quantity, (), (), None, 0, 0, 0, total_fen, refunded_quantity=refunded
    )


def _order(*lines: OrderLine) -> Order:
    payable = sum(line.total_fen for line in lines)
    return Order(
        "ord_1", "cus_1", "brd_1", "sto_1", "001", OrderStatus.PAID, OrderType.PICK_UP, lines, payable, 0, 0, payable,
        (), (), "000000", NOW, NOW, NOW, (Moment(OrderStatus.PAID, NOW),), paid_fen=payable,
    )  # fmt: skip


def _tender(number: int, amount: int, takes: tuple[Take, ...] = ()) -> Payment:
    method = PaymentMethod.STORED_VALUE if takes else PaymentMethod.WECHAT_PAY
    return Payment(
        f"pay_{number}", "cus_1", "brd_1", method, Purpose.ORDER, PaymentStatus.SUCCEEDED, amount, "", NOW, takes=takes
    )


def test_a_line_of_three_for_ten_yuan_goes_back_unit_by_unit() -> None:
    order, backs = _order(_line(1, 3, 1_000), _line(2, 1, 500)), []
    for _ in range(3):
        back = what_goes_back(order, [LineRefund("lin_1", 1)])
        backs.append(back.amount_fen)
        order = replace(order, lines=back.lines)
    assert backs == [333, 333, 334]
    last = what_goes_back(order, None)
    assert (last.amount_fen, last.whole) == (500, True)


@pytest.mark.parametrize(
    ("wanted", "refusal"),
    [
        ([], AmountInvalid),
        ([("lin_1", 0)], AmountInvalid),
        ([("lin_1", -1)], AmountInvalid),
        ([("lin_1", 3)], AmountInvalid),  # one of three is back already
        ([("lin_1", 2**53)], AmountInvalid),
        ([("lin_1", 1), ("lin_1", 1)], AmountInvalid),
        ([("lin_1", 1), ("lin_9", 1)], NotFound),
    ],
)
def test_what_cannot_be_refunded_is_refused(wanted: list[tuple[str, int]], refusal: type[Exception]) -> None:
    order = _order(_line(1, 3, 1_000, refunded=1), _line(2, 1, 500))
    with pytest.raises(refusal):
        what_goes_back(order, [LineRefund(*each) for each in wanted])


def test_a_refund_is_split_over_what_remains_of_each_tender() -> None:
    tenders = [_tender(1, 6_000), replace(_tender(2, 3_000), refunded_fen=1_000), _tender(3, 1_000)]
    assert [(payment.id, share) for payment, share in spread(900, tenders)] == [
        ("pay_1", 600),
        ("pay_2", 200),
        ("pay_3", 100),
    ]


def test_twenty_thousand_random_histories_never_give_back_more_than_a_tender_a_lot_or_a_line_had() -> None:
    chance = random.Random(20_261_121)
    for _ in range(HISTORIES):
        _one_history(chance)


def _one_history(chance: random.Random) -> None:
    lines = [_line(n, chance.randint(1, 5), chance.choice((0, chance.randint(1, 9_999)))) for n in range(3)]
    order = _order(*lines)
    cuts = sorted(chance.randint(0, order.payable_fen) for _ in range(chance.randint(0, 3)))
    sums = [after - before for before, after in zip([0, *cuts], [*cuts, order.payable_fen], strict=True)]
    tenders = {f"pay_{n}": _tender(n, fen, _lots(chance, fen)) for n, fen in enumerate(sums)}
    by_line = dict.fromkeys((line.id for line in lines), 0)
    while any(line.refunded_quantity < line.quantity for line in order.lines):
        open_lines = [line for line in order.lines if line.refunded_quantity < line.quantity]
        line = chance.choice(open_lines)
        count = chance.randint(1, line.quantity - line.refunded_quantity)
        back = what_goes_back(order, [LineRefund(line.id, count)])
        by_line[line.id] += back.amount_fen
        order = replace(order, lines=back.lines)
        for payment, share in spread(back.amount_fen, list(tenders.values())):
            given_back = payment.given_back
            if payment.takes:
                takes, given_back = takes_back(payment, share)
                assert total(takes) == share
                assert all(got <= take.amount_fen for got, take in zip(given_back, payment.takes, strict=True))
            tenders[payment.id] = replace(payment, refunded_fen=payment.refunded_fen + share, given_back=given_back)
            assert tenders[payment.id].left_fen >= 0
    assert by_line == {line.id: line.total_fen for line in lines}
    assert [payment.left_fen for payment in tenders.values()] == [0] * len(tenders)
    for payment in tenders.values():
        if payment.given_back:
            assert payment.given_back == tuple(take.amount_fen for take in payment.takes)


def _lots(chance: random.Random, fen: int) -> tuple[Take, ...]:
    """Nothing, as of an outside payment, or the sum in up to three lots, as of a card."""
    if fen == 0 or chance.random() < 0.4:
        return ()
    cuts = sorted(chance.randint(0, fen) for _ in range(chance.randint(0, 2)))
    parts = [after - before for before, after in zip([0, *cuts], [*cuts, fen], strict=True)]
    return tuple(Take(f"lot{n}", n % 2 == 0, part, None) for n, part in enumerate(parts) if part)
