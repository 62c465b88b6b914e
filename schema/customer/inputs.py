"""Inputs of the customer endpoint."""

from collections.abc import Callable
from typing import Any

import strawberry

from resolvers.ordering.model import LineRequest
from resolvers.ordering.place import Placement
from resolvers.ordering.tenders import Tender
from schema.enums import OrderType, PaymentMethod, Platform
from schema.scalars import DateTime, Fen

KEY = "Made by you, kept for the retry: the same key and input get the first answer again."
PAY_PASSWORD = "The pay password, where one is set and more than the brand's small sum is taken from cards."


def secret(description: str, **more: Any) -> Any:
    """A field that is left out wherever an input is printed as a text."""
    field = strawberry.field(description=description, **more)
    field.repr = False
    return field


@strawberry.input(description="The chat app's one-time code.")
class SignInInput:
    """What sign-in needs."""

    platform: Platform = strawberry.field(description="The chat app.")
    app_id: str = strawberry.field(description="The mini-program's id there.")
    code: str = strawberry.field(description="What wx.login or qq.login gave you.")
    device_id: str | None = strawberry.field(description="A name of your own for the device.", default=None)


@strawberry.input(description="A refresh token.")
class RefreshSessionInput:
    """What going on with a session needs."""

    refresh_token: str = strawberry.field(description="The newest one you have.")
    device_id: str | None = strawberry.field(description="A name of your own for the device.", default=None)


@strawberry.input(description="The session to end.")
class SignOutInput:
    """What signing out needs."""

    refresh_token: str = strawberry.field(description="A refresh token of the session.")


@strawberry.input(description="The new pay password, and what allows to replace an old one.")
class SetPayPasswordInput:
    """What setting the pay password needs."""

    new_password: str = secret("Six digits: no repeats, no runs, not the end of your phone number.")
    current_password: str | None = secret("The present one, if there is one.", default=None)
    phone_code: str | None = secret(
        "Instead of the present one: the phone-number button's code. Cards then wait a day.", default=None
    )


@strawberry.input(description="What you are to be shown as.")
class UpdateProfileInput:
    """What changing the profile needs."""

    nickname: str | None = strawberry.field(
        default=None, description="1 to 20 characters, checked by the chat platform; null: as it is."
    )
    avatar: str | None = strawberry.field(
        default=None,
        description="A PNG, JPEG or WebP in base64, at most 64 KiB and 1024 pixels a side; null: as it is.",
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The number to bind.")
class BindPhoneInput:
    """What binding a number needs."""

    code: str = secret("The phone-number button's code.")
    proof: str | None = secret(
        "Where the number belongs to another account of yours: its pay password, or a join code shown in it.",
        default=None,
    )
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="What showing a join code needs.")
class ShowJoinCodeInput:
    """What showing a join code needs."""

    pay_password: str | None = secret("Needed when one is set.", default=None)


@strawberry.input(description="The brand to join.")
class JoinBrandInput:
    """What joining needs."""

    brand_id: strawberry.ID = strawberry.field(description="The brand.")


@strawberry.input(description="The coupon to claim.")
class ClaimCouponInput:
    """What claiming a coupon needs."""

    template_id: strawberry.ID = strawberry.field(description="The template.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="What to buy: coupons or passes of one template.")
class BuyCouponInput:
    """What buying coupons needs."""

    template_id: strawberry.ID = strawberry.field(description="A template with a price.")
    quantity: int = strawberry.field(description="How many, 1 to 20.", default=1)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="What to show at the till: one of cardId and couponId.")
class ShowCodeInput:
    """What showing a code needs."""

    card_id: strawberry.ID | None = strawberry.field(description="A card of yours.", default=None)
    coupon_id: strawberry.ID | None = strawberry.field(description="A coupon of yours.", default=None)
    max_fen: Fen | None = strawberry.field(description="The most a till may take; null: all of it.", default=None)
    pay_password: str | None = secret("For a card; for 5 minutes it is not needed again.", default=None)


@strawberry.input(description="How to top up: one of tierId and amountFen.")
class TopUpCardInput:
    """What a top-up needs."""

    brand_id: strawberry.ID = strawberry.field(description="The brand.")
    tier_id: strawberry.ID | None = strawberry.field(description="A tier of the brand.", default=None)
    amount_fen: Fen | None = strawberry.field(description="Any amount, without a bonus.", default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="Which gift cards to buy.")
class BuyGiftCardInput:
    """What buying gift cards needs."""

    design_id: strawberry.ID = strawberry.field(description="The design.")
    face_value_fen: Fen = strawberry.field(description="One of its face values.")
    quantity: int = strawberry.field(description="How many, 1 to 20.", default=1)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="A line of a cart.")
class OrderLineInput:
    """A line of a cart."""

    dish_id: strawberry.ID = strawberry.field(description="A dish of the store.")
    quantity: int = strawberry.field(description="How many, 1 to 999.")
    option_ids: list[strawberry.ID] = strawberry.field(description="What is chosen with it.", default_factory=list)
    note: str | None = strawberry.field(description="A wish to the kitchen.", default=None)

    def request(self) -> LineRequest:
        """The line as the core takes it."""
        return LineRequest(self.dish_id, self.quantity, tuple(self.option_ids), self.note)


@strawberry.input(description="A cart to be priced.")
class QuoteOrderInput:
    """A cart to be priced."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    type: OrderType = strawberry.field(description="Where the food is eaten.")
    lines: list[OrderLineInput] = strawberry.field(description="What is wanted.")
    coupon_ids: list[strawberry.ID] | None = strawberry.field(
        description="Coupons to use; null: the best there is.", default=None
    )
    party_size: int | None = strawberry.field(description="For how many people.", default=None)
    pick_up_at: DateTime | None = strawberry.field(description="When it will be fetched; null: now.", default=None)

    def requests(self) -> tuple[LineRequest, ...]:
        """The lines as the core takes them."""
        return tuple(line.request() for line in self.lines)

    def coupons(self) -> tuple[str, ...] | None:
        """The coupons as the core takes them."""
        return None if self.coupon_ids is None else tuple(self.coupon_ids)


@strawberry.input(description="One thing to pay with.")
class TenderInput:
    """One thing to pay with."""

    method: PaymentMethod = strawberry.field(description="What to pay with.")
    card_id: strawberry.ID | None = strawberry.field(
        description="The card, for STORED_VALUE, GIFT_CARD and PASS.", default=None
    )
    amount_fen: Fen | None = strawberry.field(
        description="How much; null: all that is left to pay. Always null for a PASS: it pays for whole dishes.",
        default=None,
    )
    uses: int | None = strawberry.field(
        description="PASS only: for how many of its dishes, the dearest first; null: for as many as it can.",
        default=None,
    )

    def tender(self) -> Tender:
        """The tender as the core takes it."""
        return Tender(self.method, self.card_id, self.amount_fen, self.uses)


@strawberry.input(description="An order to be placed.")
class PlaceOrderInput:
    """An order to be placed."""

    store_id: strawberry.ID = strawberry.field(description="The store.")
    type: OrderType = strawberry.field(description="Where the food is eaten.")
    lines: list[OrderLineInput] = strawberry.field(description="What is wanted.")
    coupon_ids: list[strawberry.ID] | None = strawberry.field(
        description="Coupons to use; null: the best there is.", default=None
    )
    party_size: int | None = strawberry.field(description="For how many people.", default=None)
    table_code: str | None = strawberry.field(
        description="What the table's mini-program code says, with DINE_IN only; null: none was scanned.", default=None
    )
    pick_up_at: DateTime | None = strawberry.field(
        description="When it will be fetched, with PICK_UP only: any moment of a slot; null: as soon as possible.",
        default=None,
    )
    expected_payable_fen: Fen | None = strawberry.field(
        description="What you were quoted: refused with PRICE_CHANGED when it is another sum.", default=None
    )
    note: str | None = strawberry.field(description="A wish to the shop.", default=None)
    tenders: list[TenderInput] | None = strawberry.field(
        description="Pay it in the same call; refused tenders place nothing. Null: it waits to be paid.", default=None
    )
    pay_password: str | None = secret(PAY_PASSWORD, default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def placement(self, table_code: Callable[[str], str]) -> Placement:
        """The order as the core takes it; `table_code` reads what a table's mini-program code says."""
        return Placement(
            store_id=self.store_id,
            type=self.type,
            lines=tuple(line.request() for line in self.lines),
            coupon_ids=None if self.coupon_ids is None else tuple(self.coupon_ids),
            expected_payable_fen=self.expected_payable_fen,
            party_size=self.party_size,
            table_code=None if self.table_code is None else table_code(self.table_code),
            pick_up_at=self.pick_up_at,
            note=self.note,
            tenders=None if self.tenders is None else tuple(tender.tender() for tender in self.tenders),
        )


@strawberry.input(description="How to pay an order.")
class PayOrderInput:
    """How to pay an order."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
    share_id: strawberry.ID | None = strawberry.field(
        description="The share to pay, yours or a friend's, whole; null: all that is left of the order.", default=None
    )
    tenders: list[TenderInput] = strawberry.field(
        description="Cards, and at most one of the chat app's own way to pay and cash at the till; for an order with "
        "shares neither passes nor cash."
    )
    pay_password: str | None = secret(PAY_PASSWORD, default=None)
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)

    def parts(self) -> list[Tender]:
        """The tenders as the core takes them."""
        return [tender.tender() for tender in self.tenders]


@strawberry.input(description="The payment to refund.")
class RefundPaymentInput:
    """The payment to refund."""

    payment_id: strawberry.ID = strawberry.field(description="A top-up, or gift cards bought and untouched.")
    idempotency_key: strawberry.ID = strawberry.field(description=KEY)


@strawberry.input(description="The order to cancel.")
class CancelOrderInput:
    """The order to cancel."""

    order_id: strawberry.ID = strawberry.field(description="The order.")
