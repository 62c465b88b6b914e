"""When a bill and our books disagree, and in which bills something may stand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from resolvers.payments.model import PaymentMethod
from resolvers.ports_payment import BillRow
from resolvers.reconciliation.model import DifferenceKind, Own, bounds, china_day, compare, neighbours

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)


def _own(moved_at: datetime | None = NOON, asked_at: datetime = NOON, *, moved: bool = True) -> Own:
    return Own("ref_1", True, 801, moved, asked_at, moved_at, "SETTLED" if moved else "PROCESSING", "brd_1")


@pytest.mark.parametrize(
    ("own", "settled", "differs"),
    [
        (_own(), True, False),
        (_own(), False, True),
        (_own(datetime(2026, 11, 20, 15, 59, 59, tzinfo=UTC)), False, True),
        (_own(datetime(2026, 11, 20, 16, tzinfo=UTC)), False, False),  # it moved after the day of the bill
        (_own(None), False, True),
        (_own(None, moved=False), True, True),
        (_own(None, moved=False), False, False),
    ],
)
def test_a_state_differs_when_the_money_moved_for_one_of_the_two_only(own: Own, settled: bool, differs: bool) -> None:
    row = BillRow("ref_1", "pay_1", True, 801, settled, "?", "42")
    found = compare(PaymentMethod.WECHAT_PAY, date(2026, 11, 20), [row], {"ref_1": own}, [])
    assert [each.kind for each in found] == ([DifferenceKind.STATUS] if differs else [])


def test_the_bills_of_neighbouring_days_are_looked_at_as_far_as_they_can_say_anything() -> None:
    day, days = date(2026, 11, 20), [date(2026, 11, number) for number in (19, 18, 17)]
    assert neighbours(day, day, []) == []
    assert neighbours(day, day, [_own()]) == days[:1]
    assert neighbours(day, day, [_own(), _own(asked_at=NOON - timedelta(days=3))]) == days
    assert neighbours(day, date(2026, 11, 21), [_own()]) == days[:1], "the next day's bill is not made yet"
    assert neighbours(day, date(2026, 11, 22), [_own()]) == [*days[:1], date(2026, 11, 21)]
    assert len(neighbours(day, day, [_own(asked_at=NOON - timedelta(days=300))])) == 31


def test_a_day_is_chinas() -> None:
    start, end = bounds(date(2026, 11, 20))
    assert (start, end) == (datetime(2026, 11, 19, 16, tzinfo=UTC), datetime(2026, 11, 20, 16, tzinfo=UTC))
    assert china_day(start) == date(2026, 11, 20) == china_day(end - timedelta(milliseconds=1))
