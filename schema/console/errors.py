"""The staff endpoint's one domain error."""

from typing import Any

import strawberry

from schema.common import UserError, error_codes
from schema.errors import NOT_FOUND, REUSED
from schema.scalars import DateTime

StaffErrorCode: Any = error_codes(
    "StaffErrorCode",
    {
        "SIGN_IN_FAILED": "Returned when username or password is wrong.",
        "LOCKED": "Returned when the password was wrong too often; see retryAt.",
        "REFRESH_INVALID": "Returned when the refresh token is unknown, expired, ended or was used before.",
        "NOT_FOUND": NOT_FOUND,
        "NOT_ALLOWED": "Returned when the role or the store does not allow it.",
        "CODE_INVALID": "Returned when no code of this brand reads like that.",
        "CODE_EXPIRED": "Returned when the code is older than 60 seconds or a newer one was shown.",
        "ALREADY_REDEEMED": "Returned when the code was used before.",
        "WRONG_STORE": "Returned when it is for another store.",
        "NOT_REDEEMABLE": "Returned when the card, coupon or order cannot be redeemed now.",
        "UNDO_WINDOW_OVER": "Returned when it is too late to undo.",
        "INSUFFICIENT_BALANCE": "Returned when the card, or what the customer allowed, is less than the amount.",
        "BALANCE_LIMIT": "Returned when the card would hold more than is allowed.",
        "AMOUNT_INVALID": "Returned when the amount is missing, not positive, or not what is due.",
        "NOT_REFUNDABLE": "Returned when the top-up cannot be refunded (any more).",
        "STATUS_INVALID": "Returned when the step does not follow from the state, or its reason is missing.",
        "SOLD_OUT": "Returned when all pieces are taken.",
        "LIMIT_REACHED": "Returned when a limit per customer or shift is used up.",
        "TOO_MANY_TRIES": "Returned after too many wrong codes; see retryAt.",
        "CODE_UNAVAILABLE": "Returned when the chat platform makes no such code, or would not make this one.",
        "CONVERSATION_TAKEN": "Returned when another agent has the conversation.",
        "TEXT_INVALID": "Returned when a text is empty, too long or has control characters, or a media id is none.",
        "WINDOW_CLOSED": "Returned when the person did nothing in the chat for so long that nothing may be sent.",
        "QUOTA_REACHED": "Returned when as much was sent as the platform allows until the person writes again.",
        "RULE_INVALID": "Returned when a reply rule breaks a bound; see field.",
        "MENU_INVALID": "Returned when a menu breaks one of the platform's bounds; see field.",
        "PLATFORM_REFUSED": "Returned when the platform does not take it; the message has its code.",
        "PLATFORM_UNAVAILABLE": "Returned when the chat platform does not answer in time; try again.",
        "IDEMPOTENCY_KEY_REUSED": REUSED,
    },
)


@strawberry.type(description="A refusal.")
class StaffError(UserError):
    """A refusal."""

    code: StaffErrorCode = strawberry.field(description="Which refusal it is.")
    retry_at: DateTime | None = strawberry.field(description="When to try again; null when that would not help.")
