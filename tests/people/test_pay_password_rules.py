"""Which six digits a pay password may be, and how many tries are left."""

from datetime import datetime, timedelta

import pytest

from resolvers.brands.model import BrandSettings
from resolvers.people.model import FULL_LOCK_AFTER
from resolvers.people.pay_password.check import refuse_waiting
from resolvers.people.pay_password.model import PayPassword, PayPasswordLocked, is_six_digits, is_trivial, tries_left
from resolvers.till.model import Grant


@pytest.mark.parametrize(
    "digits",
    [
        *(str(digit) * 6 for digit in range(10)),
        *("121212", "909090", "010101"),
        *("123123", "505505", "987987"),
        *("012345", "123456", "234567", "345678", "456789"),
        *("987654", "876543", "765432", "654321", "543210"),
    ],
)
def test_repeats_and_runs_are_trivial(digits: str) -> None:
    assert is_trivial(digits, None)


@pytest.mark.parametrize("digits", ["890123", "210987", "112233", "123321", "123457", "135790", "121213", "482915"])
def test_anything_else_is_not(digits: str) -> None:
    assert not is_trivial(digits, None)
    assert not is_trivial(digits, "13800000000")


def test_the_end_of_the_phone_number_is_trivial() -> None:
    assert is_trivial("482915", "13800482915")
    assert is_trivial("482915", "+85290482915")
    assert not is_trivial("800482", "13800482915")


@pytest.mark.parametrize(
    "text", ["", "48291", "4829156", "48291a", " 48291", "48291\n", "４８２９１５", "٤٨٢٩١٥", "-48291", "482.15"]
)
def test_only_six_ascii_digits_have_the_shape(text: str) -> None:
    assert not is_six_digits(text)
    assert is_six_digits("000000")


def test_how_many_tries_are_left_until_the_next_lock() -> None:
    left = [tries_left(count, FULL_LOCK_AFTER) for count in range(1, 23)]
    assert left == [4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 4, 3, 2, 1, 0, 0, 0]


AT, MOMENT = datetime(2026, 11, 21, 12, 0), timedelta(milliseconds=1)


def test_a_reset_is_waited_out_to_the_moment() -> None:
    settings = BrandSettings(reset_wait_hours=24)
    refuse_waiting(PayPassword("cus_1", "", 1, AT), settings, AT)
    reset = PayPassword("cus_1", "", 2, AT, reset_at=AT)
    with pytest.raises(PayPasswordLocked) as error:
        refuse_waiting(reset, settings, datetime(2026, 11, 22, 12, 0) - MOMENT)
    assert error.value.retry_at == datetime(2026, 11, 22, 12, 0)
    refuse_waiting(reset, settings, datetime(2026, 11, 22, 12, 0))
    refuse_waiting(reset, BrandSettings(reset_wait_hours=0), AT)


def test_a_grant_is_over_at_its_moment_and_with_its_password() -> None:
    grant = Grant("ses_1:crd_1", 3, AT)
    assert grant.good(3, AT - MOMENT)
    assert not grant.good(3, AT)
    assert not grant.good(2, AT - MOMENT)
    assert not grant.good(4, AT - MOMENT)
