"""Payments, and what the front end hands to the chat app to show the payment sheet."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.cards.refund_rules import PURCHASES, refundable_fen
from resolvers.payments import model
from schema.common import Node
from schema.context import Info, must
from schema.customer.cards import Card, show_card
from schema.customer.coupons import Coupon, show_coupon
from schema.enums import PaymentMethod, PaymentStatus
from schema.scalars import DateTime, Money, money, optional_money

if TYPE_CHECKING:
    from schema.customer.ordering import Order


@strawberry.type(description="The arguments of wx.requestPayment.")
class WeChatPayParameters:
    """The arguments of wx.requestPayment."""

    time_stamp: str = strawberry.field(description="Unix seconds, as text.")
    nonce_str: str = strawberry.field(description="A random text.")
    package: str = strawberry.field(description='"prepay_id=…".')
    sign_type: str = strawberry.field(description='"RSA".')
    pay_sign: str = strawberry.field(description="The signature over the rest.")


@strawberry.type(description="The arguments of qq.requestPayment.")
class QQWalletParameters:
    """The arguments of qq.requestPayment."""

    package: str = strawberry.field(description='"prepay_id=…".')
    bargainor_id: str = strawberry.field(description="The merchant's number.")


ClientParameters = Annotated[
    WeChatPayParameters | QQWalletParameters,
    strawberry.union("ClientParameters", description="What the front end hands to requestPayment."),
]


@strawberry.type(description="A payment.")
class Payment(Node):
    """A payment."""

    model: strawberry.Private[model.Payment]
    revision: int = strawberry.field(description="Rises with every change: keep the newest.")
    status: PaymentStatus = strawberry.field(description="How far it is.")
    method: PaymentMethod = strawberry.field(description="What is paid with.")
    amount: Money = strawberry.field(description="How much.")
    uses: int | None = strawberry.field(description="PASS: how many uses it takes; else null.")
    refunded: Money = strawberry.field(description="What has gone back.")
    refunding: Money = strawberry.field(description="What was asked to go back and is not settled by the provider yet.")
    created_at: DateTime = strawberry.field(description="When it was begun.")
    expires_at: DateTime | None = strawberry.field(description="Until when it can be paid; null: it is paid at once.")

    @strawberry.field(description="The order it is for, if any.")
    async def order(self, info: Info) -> Annotated["Order", strawberry.lazy("schema.customer.ordering")] | None:
        from schema.customer.ordering import show_order

        order = await info.context.loaders.order.load(self.model.order_id) if self.model.order_id else None
        return show_order(order, info.context.now, info.context.viewer_ids) if order is not None else None

    @strawberry.field(description="The cards it was paid from, has topped up or has bought; yours only.")
    async def cards(self, info: Info) -> list[Card]:
        ids = [self.model.card_id] if self.model.card_id else list(self.model.card_ids)
        found = await info.context.loaders.card.load_many(ids)
        mine = [card for card in found if card is not None and card.customer_id in info.context.viewer_ids]
        return [show_card(card, info.context.now) for card in mine]

    @strawberry.field(description="Coupons that came with it, or that it has bought.")
    async def coupons(self, info: Info) -> list[Coupon]:
        found = await info.context.loaders.coupon.load_many(list(self.model.coupon_ids))
        return [show_coupon(coupon, info.context.now) for coupon in found if coupon is not None]

    @strawberry.field(description="Whether refundPayment would take it back now.")
    async def can_refund(self, info: Info) -> bool:
        return await _refundable(info, self.model) is not None

    @strawberry.field(description="What refundPayment would give back now; null when it would refuse.")
    async def refundable(self, info: Info) -> Money | None:
        return optional_money(await _refundable(info, self.model))

    @strawberry.field(description="What the front end hands to requestPayment, while the payment is PENDING.")
    def client_parameters(self, info: Info) -> ClientParameters | None:
        return _client_parameters(info, self.model)


async def _refundable(info: Info, payment: model.Payment) -> int | None:
    if payment.purpose not in PURCHASES or not payment.outside:
        return None
    brand = await must(info.context.loaders.brand.load(payment.brand_id))
    ids = [payment.card_id] if payment.card_id else list(payment.card_ids)
    cards = [card for card in await info.context.loaders.card.load_many(ids) if card is not None]
    found = await info.context.loaders.coupon.load_many(list(payment.coupon_ids))
    coupons = [coupon for coupon in found if coupon is not None]
    return refundable_fen(payment, brand, cards, info.context.now, coupons, info.context.viewer_ids)


def _client_parameters(info: Info, payment: model.Payment) -> WeChatPayParameters | QQWalletParameters | None:
    if payment.status is not PaymentStatus.PENDING or payment.prepay_id is None:
        return None
    values = info.context.app.providers[payment.method].client_parameters(payment.prepay_id, info.context.now)
    if payment.method is PaymentMethod.WECHAT_PAY:
        return WeChatPayParameters(
            time_stamp=values["timeStamp"],
            nonce_str=values["nonceStr"],
            package=values["package"],
            sign_type=values["signType"],
            pay_sign=values["paySign"],
        )
    return QQWalletParameters(package=values["package"], bargainor_id=values["bargainor_id"])


def show_payment(payment: model.Payment) -> Payment:
    """A payment as its customer sees it."""
    return Payment(
        id=strawberry.ID(payment.id),
        model=payment,
        revision=payment.revision,
        status=payment.status,
        method=payment.method,
        amount=money(payment.amount_fen),
        uses=payment.uses or None,
        refunded=money(payment.refunded_fen),
        refunding=money(payment.refunding_fen),
        created_at=payment.created_at,
        expires_at=payment.expires_at,
    )
