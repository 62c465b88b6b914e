"""Domain errors of the customer endpoint: codes, error types, and the one handler that makes errors of refusals."""

from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from resolvers.errors import Refused
from schema.common import UserError, error_codes
from schema.scalars import DateTime

REUSED = "Returned when the idempotency key was used before with other input."
PASSWORD = {
    "PAY_PASSWORD_REQUIRED": "Returned when the pay password is needed and was not given.",
    "PAY_PASSWORD_WRONG": "Returned when the pay password is wrong.",
    "PAY_PASSWORD_LOCKED": "Returned when the pay password was wrong too often, or reset lately; see retryAt.",
}
NOT_FOUND = "Returned when the thing does not exist or is not yours; the two look the same."

AccountErrorCode: Any = error_codes(
    "AccountErrorCode",
    {
        "CODE_INVALID": "Returned when the chat platform does not know the sign-in or phone code, or it is too old.",
        "CODE_USED": "Returned when the sign-in or phone code was used before.",
        "ACCOUNT_BLOCKED": "Returned when the platform or Kabao has blocked this person.",
        "PLATFORM_UNAVAILABLE": "Returned when the chat platform does not answer in time; try again.",
        "UNKNOWN_APP": "Returned when no mini-program of ours has this app id.",
        "REFRESH_INVALID": "Returned when the refresh token is unknown, expired, ended or was used before.",
        "NOT_FOUND": NOT_FOUND,
        "PHONE_TAKEN": "Returned when the number belongs to another account and the proof is missing.",
        "PHONE_MISMATCH": "Returned when the phone is not the one of this account.",
        "PROOF_INVALID": "Returned when the proof from the other account does not hold.",
        "TEXT_REJECTED": "Returned when the platform's content check does not let a text pass.",
        "PAY_PASSWORD_INVALID": "Returned when the new pay password is not six digits or is trivial.",
        **PASSWORD,
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)
CouponErrorCode: Any = error_codes(
    "CouponErrorCode",
    {
        "NOT_FOUND": NOT_FOUND,
        "SOLD_OUT": "Returned when all pieces are taken.",
        "LIMIT_REACHED": "Returned when this customer has had as many as one may have.",
        "NOT_STARTED": "Returned when claiming has not begun.",
        "ENDED": "Returned when claiming is over.",
        "NOT_ELIGIBLE": "Returned when the template is not for this customer's level, or not for claiming.",
        "NOT_ENOUGH_POINTS": "Returned when the customer has fewer points than it costs.",
        "PAYMENT_UNAVAILABLE": "Returned when the payment provider cannot be reached; try again.",
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)
CardErrorCode: Any = error_codes(
    "CardErrorCode",
    {
        "NOT_FOUND": NOT_FOUND,
        "NOT_ACTIVE": "Returned when the card or coupon is being given, was given, or is closed.",
        "INSUFFICIENT_BALANCE": "Returned when the card has less than is asked for.",
        "BALANCE_LIMIT": "Returned when the card would hold more than is allowed.",
        "AMOUNT_INVALID": "Returned when the amount is outside its bounds, or none or two were given.",
        "TIER_UNKNOWN": "Returned when the brand has no such top-up tier.",
        "LIMIT_REACHED": "Returned when a limit per person is used up.",
        "PAYMENT_UNAVAILABLE": "Returned when the payment provider cannot be reached; try again.",
        **PASSWORD,
        "NOT_REFUNDABLE": "Returned when the payment cannot be refunded (any more).",
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)
OrderErrorCode: Any = error_codes(
    "OrderErrorCode",
    {
        "NOT_FOUND": NOT_FOUND,
        "STORE_CLOSED": "Returned when the store takes no orders at that time.",
        "DISH_UNAVAILABLE": "Returned when a dish is not on the menu, or not at that time; see dishes.",
        "SOLD_OUT": "Returned when today's stock of a dish does not suffice; see dishes.",
        "OPTION_INVALID": "Returned when options do not fit the dish, or too few or too many were chosen.",
        "COUPON_NOT_APPLICABLE": "Returned when a named coupon takes nothing off this order; see quote.",
        "EMPTY": "Returned when there is nothing to order.",
        "PRICE_CHANGED": "Returned when the order would cost something else than expected; see quote.",
        "NOT_PAYABLE": "Returned when the order or share does not wait for payment, or not for yours.",
        "NOT_CANCELLABLE": "Returned when the shop has accepted the order already, or somebody else placed it.",
        "INSUFFICIENT_BALANCE": "Returned when a card has less than it should pay.",
        "PAYMENT_UNAVAILABLE": "Returned when the provider cannot be reached (try again) or belongs to the other app.",
        **PASSWORD,
        "AMOUNT_INVALID": "Returned when tenders do not fit or add up, or a quantity or sum is beyond its bound.",
        "SLOT_UNAVAILABLE": "Returned when the pick-up time is not to be had.",
        "TABLE_UNKNOWN": "Returned when no table has this code.",
        "LINE_CHANGED": "Returned when a shared table's line or cart is not as you saw it, or was ordered; look again.",
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)
GiftErrorCode: Any = error_codes(
    "GiftErrorCode",
    {
        "NOT_FOUND": NOT_FOUND,
        "NOT_GIVABLE": "Returned when the thing is empty, in use, on its way already, or may not be given then.",
        "REGIFT_LIMIT": "Returned when it was given on as often as the brand allows.",
        "AMOUNT_INVALID": "Returned when the amount or the number of shares is not one that can be given.",
        "GREETING_REJECTED": "Returned when the greeting is too long or does not pass the content check.",
        "PLATFORM_UNAVAILABLE": "Returned when the chat platform does not answer in time; try again.",
        "BALANCE_LIMIT": "Returned when the receiver's card would hold more than is allowed.",
        "ALREADY_CLAIMED": "Returned when somebody else has claimed the gift.",
        "ALL_CLAIMED": "Returned when all shares are claimed.",
        "WITHDRAWN": "Returned when the giver took the gift back.",
        "DECLINED": "Returned when the gift was declined.",
        "EXPIRED": "Returned when the gift was not claimed in time.",
        "OWN_GIFT": "Returned when the giver tries to claim or decline the gift.",
        "NOT_THE_RECIPIENT": "Returned when a private gift was sent to somebody else, or its ticket is missing.",
        "NOT_PENDING": "Returned when the gift is not delivered yet, or one of a group would decline it.",
        "CODE_UNAVAILABLE": "Returned when the chat platform would not make a code for the gift.",
        **PASSWORD,
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)

_CODE = "Which refusal it is."
_RETRY = "When to try again; null when that would not help."


@strawberry.type(description="A refusal about the account.")
class AccountError(UserError):
    """A refusal about the account."""

    code: AccountErrorCode = strawberry.field(description=_CODE)
    retry_at: DateTime | None = strawberry.field(description=_RETRY)


@strawberry.type(description="A refusal about coupons.")
class CouponError(UserError):
    """A refusal about coupons."""

    code: CouponErrorCode = strawberry.field(description=_CODE)


@strawberry.type(description="A refusal about cards, top-ups and codes.")
class CardError(UserError):
    """A refusal about cards, top-ups and codes."""

    code: CardErrorCode = strawberry.field(description=_CODE)
    retry_at: DateTime | None = strawberry.field(description=_RETRY)


@strawberry.type(description="A refusal about gifts.")
class GiftError(UserError):
    """A refusal about gifts."""

    code: GiftErrorCode = strawberry.field(description=_CODE)
    retry_at: DateTime | None = strawberry.field(description=_RETRY)


class Refusals(strawberry.ExceptionHandler[Refused, Any]):
    """Makes one domain's error type of every refusal; a code that its enum lacks is a bug and stays an exception."""

    def __init__(
        self, error_type: type, codes: type[Enum], details: Callable[[Refused, datetime], dict[str, Any]]
    ) -> None:
        self.error_type = error_type
        self._codes = codes
        self._details = details

    def handle(self, exception: Refused, *, field: StrawberryField, info: Any) -> Any:
        """The error, or None when the code does not belong to this domain."""
        if exception.code not in self._codes.__members__:
            return None
        return self.error_type(
            code=self._codes[exception.code],
            code_name=exception.code,
            message=exception.text,
            field=list(exception.field),
            **self._details(exception, info.context.now),
        )


def with_retry(refusal: Refused, now: datetime) -> dict[str, Any]:
    """The fields of an error that can say when to try again."""
    return {"retry_at": refusal.retry_at}


def without_details(refusal: Refused, now: datetime) -> dict[str, Any]:
    """No more fields than every error has."""
    return {}
