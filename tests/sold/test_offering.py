"""A template that makes no sense as a pass is not published."""

from typing import Any

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.coupons.publish import check
from tests.coupons.making import template

FINE: dict[str, Any] = {"free_dish_ids": ("dsh_1",), "price_fen": 1_000, "pass_uses": 10}


def test_a_pass_is_sold_for_dishes() -> None:
    check(template(CouponKind.EXCHANGE, **FINE))
    assert template(CouponKind.EXCHANGE, **FINE).headline == "10次卡"


@pytest.mark.parametrize(
    ("kind", "values", "fault"),
    [
        (CouponKind.EXCHANGE, {"pass_uses": 0}, "uses of a pass"),
        (CouponKind.EXCHANGE, {"pass_uses": 101}, "uses of a pass"),
        (CouponKind.EXCHANGE, {"price_fen": None}, "a pass that is not sold"),
        (CouponKind.CASH, {"amount_off_fen": 100}, "a pass of no dishes"),
        (CouponKind.EXCHANGE, {"free_dish_ids": ()}, "no free dish"),
        (CouponKind.EXCHANGE, {"minimum_fen": 1}, "a pass with a minimum"),
        (CouponKind.EXCHANGE, {"points_price": 5}, "two prices"),
    ],
)
def test_what_makes_no_sense_is_refused(kind: CouponKind, values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check(template(kind, **{**FINE, **values}))
