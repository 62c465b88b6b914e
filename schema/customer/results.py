"""Answers of the customer endpoint's mutations: `<Verb>Success | <Domain>Error`."""

from typing import Annotated, Any

import strawberry

from resolvers.people.model import Customer
from resolvers.people.sign_in import Signed
from schema.context import Info, must
from schema.customer.cards import Card
from schema.customer.coupons import Coupon
from schema.customer.gifts import Gift, GiftPreview
from schema.customer.ordering import Order
from schema.customer.payments import Payment
from schema.customer.people import Me, Membership, show_me
from schema.customer.quotes import OrderError
from schema.customer.tables import TableCart
from schema.errors import AccountError, CardError, CouponError, GiftError
from schema.scalars import DateTime


@strawberry.type(description="A signed-in device.")
class Session:
    """A signed-in device."""

    access_token: str = strawberry.field(description="Goes into the Authorization header, as `Bearer …`.")
    expires_at: DateTime = strawberry.field(description="When the access token expires, 15 minutes from now.")
    refresh_token: str = strawberry.field(description="Good for one refreshSession within 30 days.")
    me: Me = strawberry.field(description="Who signed in.")


async def show_session(info: Info, signed: Signed) -> Session:
    """A session as its own device sees it."""
    session, app = signed.session, info.context.app
    claims = {"platform": session.platform.value if session.platform else "", "app": session.app_id or ""}
    token, expires_at = app.tokens.issue(session.audience.value, session.owner_id, session.id, claims)
    customer: Customer = await must(app.people.customer_now(session.owner_id))
    return Session(access_token=token, expires_at=expires_at, refresh_token=signed.refresh_token, me=show_me(customer))


@strawberry.type(description="Signed in.")
class SignInSuccess:
    """Signed in."""

    session: Session = strawberry.field(description="The session.")


@strawberry.type(description="The session goes on.")
class RefreshSessionSuccess:
    """The session goes on."""

    session: Session = strawberry.field(description="The session with its new tokens.")


@strawberry.type(description="The session has ended.")
class SignOutSuccess:
    """The session has ended."""

    signed_out: bool = strawberry.field(description="Whether there was a session to end.")


@strawberry.type(description="The pay password is set.")
class SetPayPasswordSuccess:
    """The pay password is set."""

    me: Me = strawberry.field(description="You.")


@strawberry.type(description="The profile as it is now.")
class UpdateProfileSuccess:
    """The profile as it is now."""

    me: Me = strawberry.field(description="You.")


@strawberry.type(description="The number is yours.")
class BindPhoneSuccess:
    """The number is yours."""

    session: Session = strawberry.field(description="A new session: the account may be another one now.")
    merged_accounts: int = strawberry.field(
        description="How many accounts this has joined: 1 when the number was that of another account of yours, else 0."
    )


@strawberry.type(description="A code to type into your other account.")
class ShowJoinCodeSuccess:
    """A code to type into the other account."""

    join_code: str = strawberry.field(description="Eight letters and digits, good once; a new code kills the last.")
    expires_at: DateTime = strawberry.field(description="Ten minutes from when it was made.")


@strawberry.type(description="A member now.")
class JoinBrandSuccess:
    """A member now."""

    membership: Membership = strawberry.field(description="The membership.")


@strawberry.type(description="The coupon is in the wallet.")
class ClaimCouponSuccess:
    """The coupon is in the wallet."""

    coupon: Coupon = strawberry.field(description="The coupon.")


@strawberry.type(description="A code to show at the till.")
class ShowCodeSuccess:
    """A code to show at the till."""

    digits: str = strawberry.field(description="18 digits; a new code kills the last.")
    expires_at: DateTime = strawberry.field(description="60 seconds from when it was made.")
    password_free_until: DateTime | None = strawberry.field(
        description="Until when this session may show the card's codes without the pay password; null: not at all, "
        "or there is none."
    )


@strawberry.type(description="The payment waits for the person.")
class TopUpCardSuccess:
    """The payment waits for the person."""

    payment: Payment = strawberry.field(description="The payment to confirm in the chat app.")
    card: Card = strawberry.field(description="The card it will credit; it may be new and still empty.")


@strawberry.type(description="The payment waits for the person.")
class BuyGiftCardSuccess:
    """The payment waits for the person."""

    payment: Payment = strawberry.field(description="The payment to confirm; its cards appear once it is paid.")


@strawberry.type(description="The payment waits for the person.")
class BuyCouponSuccess:
    """The payment waits for the person."""

    payment: Payment = strawberry.field(
        description="The payment to confirm; its coupons, or the cards that are passes, appear once it is paid."
    )


@strawberry.type(description="The money is on its way back.")
class RefundPaymentSuccess:
    """The money is on its way back."""

    payment: Payment = strawberry.field(description="The payment; `refunding` until the provider has carried it out.")


@strawberry.type(description="The order is placed.")
class PlaceOrderSuccess:
    """The order is placed."""

    order: Order = strawberry.field(description="The order.")
    payment: Payment | None = strawberry.field(description="The one that waits for the chat platform, if any.")


@strawberry.type(description="The order is paid, or waits for the chat platform.")
class PayOrderSuccess:
    """The order is paid, or waits for the chat platform."""

    order: Order = strawberry.field(description="The order.")
    payment: Payment | None = strawberry.field(description="The one that waits for the chat platform, if any.")


@strawberry.type(description="The line is in the cart.")
class AddToTableSuccess:
    """The line is in the cart."""

    table: TableCart = strawberry.field(description="The cart as it is now.")


@strawberry.type(description="The line is as you want it.")
class ChangeTableLineSuccess:
    """The line is as you want it."""

    table: TableCart = strawberry.field(description="The cart as it is now.")


@strawberry.type(description="The table's order is placed.")
class PlaceTableOrderSuccess:
    """The table's order is placed."""

    order: Order = strawberry.field(description="The order, with its shares.")


@strawberry.type(description="The order is cancelled.")
class CancelOrderSuccess:
    """The order is cancelled."""

    order: Order = strawberry.field(description="The order.")


@strawberry.type(description="The gift waits to be claimed.")
class GiveSuccess:
    """The gift waits to be claimed."""

    gift: Gift = strawberry.field(description="The gift with the token of its link.")


@strawberry.type(description="The gift is yours.")
class ClaimGiftSuccess:
    """The gift is yours."""

    preview: GiftPreview = strawberry.field(description="The gift as its link shows it now.")
    card: Card | None = strawberry.field(description="The card you got, if it was one.")
    coupon: Coupon | None = strawberry.field(description="The coupon you got, if it was one.")


@strawberry.type(description="The gift went back.")
class DeclineGiftSuccess:
    """The gift went back."""

    preview: GiftPreview = strawberry.field(description="The gift as its link shows it now.")


@strawberry.type(description="The gift is yours again.")
class WithdrawGiftSuccess:
    """The gift is yours again."""

    gift: Gift = strawberry.field(description="The gift.")


def _result(name: str) -> Any:
    return strawberry.union(name, description="It went well, or the reason why not.")


SignInResult = Annotated[SignInSuccess | AccountError, _result("SignInResult")]
RefreshSessionResult = Annotated[RefreshSessionSuccess | AccountError, _result("RefreshSessionResult")]
SignOutResult = Annotated[SignOutSuccess | AccountError, _result("SignOutResult")]
SetPayPasswordResult = Annotated[SetPayPasswordSuccess | AccountError, _result("SetPayPasswordResult")]
UpdateProfileResult = Annotated[UpdateProfileSuccess | AccountError, _result("UpdateProfileResult")]
BindPhoneResult = Annotated[BindPhoneSuccess | AccountError, _result("BindPhoneResult")]
ShowJoinCodeResult = Annotated[ShowJoinCodeSuccess | AccountError, _result("ShowJoinCodeResult")]
JoinBrandResult = Annotated[JoinBrandSuccess | AccountError, _result("JoinBrandResult")]
ClaimCouponResult = Annotated[ClaimCouponSuccess | CouponError, _result("ClaimCouponResult")]
BuyCouponResult = Annotated[BuyCouponSuccess | CouponError, _result("BuyCouponResult")]
ShowCodeResult = Annotated[ShowCodeSuccess | CardError, _result("ShowCodeResult")]
TopUpCardResult = Annotated[TopUpCardSuccess | CardError, _result("TopUpCardResult")]
BuyGiftCardResult = Annotated[BuyGiftCardSuccess | CardError, _result("BuyGiftCardResult")]
RefundPaymentResult = Annotated[RefundPaymentSuccess | CardError, _result("RefundPaymentResult")]
PlaceOrderResult = Annotated[PlaceOrderSuccess | OrderError, _result("PlaceOrderResult")]
PayOrderResult = Annotated[PayOrderSuccess | OrderError, _result("PayOrderResult")]
CancelOrderResult = Annotated[CancelOrderSuccess | OrderError, _result("CancelOrderResult")]
AddToTableResult = Annotated[AddToTableSuccess | OrderError, _result("AddToTableResult")]
ChangeTableLineResult = Annotated[ChangeTableLineSuccess | OrderError, _result("ChangeTableLineResult")]
PlaceTableOrderResult = Annotated[PlaceTableOrderSuccess | OrderError, _result("PlaceTableOrderResult")]
GiveResult = Annotated[GiveSuccess | GiftError, _result("GiveResult")]
ClaimGiftResult = Annotated[ClaimGiftSuccess | GiftError, _result("ClaimGiftResult")]
DeclineGiftResult = Annotated[DeclineGiftSuccess | GiftError, _result("DeclineGiftResult")]
WithdrawGiftResult = Annotated[WithdrawGiftSuccess | GiftError, _result("WithdrawGiftResult")]
