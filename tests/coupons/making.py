"""Templates, coupons and occasions made for one test of the rules, and what a few coupons take off together."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from resolvers.brands.model import DEFAULT_ZONE
from resolvers.coupons.combine import Applied, combine
from resolvers.coupons.model import Coupon, CouponKind, CouponStatus, Template
from resolvers.coupons.rules import Candidate, CartLine, Occasion, Unused, candidate

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # a Saturday, noon in Shanghai


def template(kind: CouponKind, key: str = "1", **values: Any) -> Template:
    """A template without any rule but those given."""
    base = Template(f"tpl_{key}", "brd_1", kind, key, "", valid_days=30, per_customer=1, claimable=True, giveable=True)
    return replace(base, **values)


def coupon(key: str = "1", **values: Any) -> Coupon:
    """A coupon of the template of that key, good from yesterday to tomorrow."""
    base = Coupon(
        f"cpn_{key}", "cus_1", "brd_1", f"tpl_{key}", CouponKind.CASH, CouponStatus.AVAILABLE, "", "", "",
        NOW - timedelta(days=1), NOW + timedelta(days=1), True, 3, NOW,
    )  # fmt: skip
    return replace(base, **values)


def occasion(at: datetime = NOW, **values: Any) -> Occasion:
    """An order at a store in Shanghai at a moment."""
    return Occasion("sto_1", at, at.astimezone(ZoneInfo(DEFAULT_ZONE)), **values)


def candidates(offered: Sequence[tuple[Template, Coupon]], lines: Sequence[CartLine]) -> list[Candidate]:
    """Those of the coupons that hold for the cart, now."""
    judged = [candidate(each, held, lines, occasion()) for each, held in offered]
    return [found for found in judged if isinstance(found, Candidate)]


def alone(offered: Template, held: Coupon, lines: Sequence[CartLine], when: Occasion | None = None) -> Applied | Unused:
    """What one coupon takes off a cart, or why nothing."""
    found = candidate(offered, held, lines, when or occasion())
    return found if isinstance(found, Unused) else combine([found], lines)[0]
