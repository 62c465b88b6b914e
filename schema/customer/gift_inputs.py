"""The inputs about gifts."""

import strawberry

from resolvers.gifts.present import Present
from resolvers.gifts.private import MAXIMUM_TICKET, Ticket
from schema.customer.inputs import KEY, PAY_PASSWORD, secret
from schema.enums import GiftSplit
from schema.scalars import DateTime, Fen, check_length


@strawberry.input(description="What to give: one of cardId and couponId.")
class GiveInput:
    """What to give."""

    card_id: strawberry.ID | None = strawberry.field(description="A card of yours.", default=None)
    coupon_id: strawberry.ID | None = strawberry.field(description="A coupon of yours.", default=None)
    amount_fen: Fen | None = strawberry.field(description="Part of the card; null: the whole card.", default=None)
    shares: int = strawberry.field(description="For so many friends, 1 to 100, each of whom gets one.", default=1)
    split: GiftSplit = strawberry.field(
        description="How a sum is shared; EQUAL and LUCKY without amountFen share all that can be spent.",
        default=GiftSplit.WHOLE,
    )
    greeting: str = strawberry.field(description="Up to 80 characters, seen by the content check first.", default="")
    deliver_at: DateTime | None = strawberry.field(
        description="Not to be claimed before; at most a year ahead, a private message 7 days.", default=None
    )
    private_message: bool = strawberry.field(
        description="Only for whoever the message is sent to: see the gift's activityId. WeChat only.", default=False
    )
    pay_password: str | None = secret(PAY_PASSWORD, default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def read(self) -> Present:
        """What is to be given."""
        return Present(
            card_id=self.card_id,
            coupon_id=self.coupon_id,
            amount_fen=self.amount_fen,
            greeting=self.greeting,
            split=self.split,
            shares=self.shares,
            deliver_at=self.deliver_at,
            private=self.private_message,
        )


@strawberry.input(description="What wx.authPrivateMessage gave whoever opened a private message.")
class PrivateMessageInput:
    """The ticket of a private message."""

    encrypted_data: str = strawberry.field(description="Its encryptedData.")
    iv: str = strawberry.field(description="Its iv.")

    def read(self) -> Ticket:
        """The ticket. Raises BadInput when it is too long to be one."""
        return Ticket(
            check_length("encryptedData", self.encrypted_data, MAXIMUM_TICKET),
            check_length("iv", self.iv, MAXIMUM_TICKET),
        )


@strawberry.input(description="The gift to claim.")
class ClaimGiftInput:
    """The gift to claim."""

    token: str = strawberry.field(description="The token of the link.")
    private_message: PrivateMessageInput | None = strawberry.field(
        description="Of a private gift: the ticket.", default=None
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The gift to decline.")
class DeclineGiftInput:
    """The gift to decline."""

    token: str = strawberry.field(description="The token of the link.")
    private_message: PrivateMessageInput | None = strawberry.field(
        description="Of a private gift: the ticket.", default=None
    )


@strawberry.input(description="The gift to take back.")
class WithdrawGiftInput:
    """The gift to take back."""

    gift_id: strawberry.ID = strawberry.field(description="A gift of yours.")


def ticket_of(input: ClaimGiftInput | DeclineGiftInput) -> Ticket | None:
    """The ticket that came with it. Raises BadInput when it is too long to be one."""
    return input.private_message.read() if input.private_message else None
