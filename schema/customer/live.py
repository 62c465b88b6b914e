"""Wallet events as clients see them: scalars from the snapshot, relations read now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry

from resolvers.cards import model as cards
from resolvers.coupons import model as coupons
from resolvers.documents import from_document
from resolvers.gifts import model as gifts
from resolvers.live.model import EventKind
from resolvers.live.model import WalletEvent as Event
from resolvers.ordering import model as ordering
from resolvers.payments import model as payments
from resolvers.people import model as people
from schema.customer.cards import Card, StatementEntry, show_card, show_statement_entry
from schema.customer.coupons import Coupon, show_coupon
from schema.customer.gifts import Gift, show_gift
from schema.customer.ordering import Order, show_order
from schema.customer.payments import Payment, show_payment
from schema.customer.people import Membership, show_membership
from schema.enums import CouponStatus
from schema.scalars import DateTime


@strawberry.interface(description="Something that happened to your wallet.")
class WalletEvent:
    """Something that happened to a wallet."""

    cursor: str = strawberry.field(description="Subscribe after it to go on from here.")
    at: DateTime = strawberry.field(description="When it happened.")


@strawberry.type(description="A coupon came into the wallet.")
class CouponReceived(WalletEvent):
    """A coupon came into the wallet."""

    coupon: Coupon = strawberry.field(description="The coupon.")


@strawberry.type(description="A coupon of yours has changed.")
class CouponChanged(WalletEvent):
    """A coupon has changed."""

    coupon: Coupon = strawberry.field(description="The coupon as it became.")
    previous_status: CouponStatus = strawberry.field(description="What it was before.")


@strawberry.type(description="A coupon of yours lapses soon: told once 3 days and once 1 day before.")
class CouponExpiring(WalletEvent):
    """A coupon lapses soon."""

    coupon: Coupon = strawberry.field(description="The coupon as it is.")
    days_left: int = strawberry.field(description="In how many days it lapses, a part of one counted whole.")


@strawberry.type(description="A card of yours is new or has changed.")
class CardChanged(WalletEvent):
    """A card is new or has changed."""

    card: Card = strawberry.field(description="The card as it became.")
    entry: StatementEntry | None = strawberry.field(description="The newest line of its statement, if value moved.")
    entries: list[StatementEntry] = strawberry.field(description="All lines that this change wrote, oldest first.")


@strawberry.type(description="A gift you gave or got has changed.")
class GiftChanged(WalletEvent):
    """A gift has changed."""

    gift: Gift = strawberry.field(description="The gift as it became.")


@strawberry.type(description="An order of yours, or of your table, is new or has changed.")
class OrderChanged(WalletEvent):
    """An order is new or has changed."""

    order: Order = strawberry.field(description="The order as it became.")


@strawberry.type(description="A payment of yours is new or has changed.")
class PaymentChanged(WalletEvent):
    """A payment is new or has changed."""

    payment: Payment = strawberry.field(description="The payment as it became.")


@strawberry.type(description="Your points, your growth or your level at a brand have changed.")
class PointsChanged(WalletEvent):
    """Points, growth or level have changed."""

    membership: Membership = strawberry.field(description="The membership as it became.")
    change: int = strawberry.field(
        description="By how many points; negative: fewer; 0 when only growth or level changed."
    )


@strawberry.type(description="Filtered streams: nothing for you up to here.")
class CursorAdvanced(WalletEvent):
    """Nothing for you up to here."""


@strawberry.type(description="The log no longer reaches back to your cursor: query the wallet, go on from this one.")
class ResyncRequired(WalletEvent):
    """The log no longer reaches back that far."""

    reason: str = strawberry.field(description="Why, in zh-CN.")


def show_event(event: Event, viewer_ids: Sequence[str]) -> WalletEvent:
    """An event as its customer sees it, as of the moment it happened."""
    cursor, at = event.cursor, event.at
    match event.kind:
        case None | EventKind.JOINED if event.resync is not None:
            return ResyncRequired(cursor=cursor, at=at, reason=event.resync)
        case None | EventKind.JOINED:
            return CursorAdvanced(cursor=cursor, at=at)
        case EventKind.COUPON_RECEIVED:
            return CouponReceived(cursor=cursor, at=at, coupon=_coupon(event))
        case EventKind.COUPON_CHANGED:
            before = CouponStatus(event.details["previous"])
            return CouponChanged(cursor=cursor, at=at, coupon=_coupon(event), previous_status=before)
        case EventKind.COUPON_EXPIRING:
            return CouponExpiring(cursor=cursor, at=at, coupon=_coupon(event), days_left=event.details["days_left"])
        case EventKind.CARD_CHANGED:
            card = show_card(from_document(cards.Card, event.snapshot), at)
            entries = [show_statement_entry(from_document(cards.StatementEntry, each)) for each in _lines(event)]
            newest = entries[-1] if entries else None
            return CardChanged(cursor=cursor, at=at, card=card, entry=newest, entries=entries)
        case EventKind.GIFT_CHANGED:
            gift = from_document(gifts.Gift, event.snapshot)
            return GiftChanged(cursor=cursor, at=at, gift=show_gift(gift, viewer_ids, at))
        case EventKind.ORDER_CHANGED:
            return OrderChanged(cursor=cursor, at=at, order=_order(event, viewer_ids, at))
        case EventKind.POINTS_CHANGED:
            membership = show_membership(from_document(people.Membership, event.snapshot))
            return PointsChanged(cursor=cursor, at=at, membership=membership, change=event.details["change"])
        case EventKind.PAYMENT_CHANGED:
            payment = from_document(payments.Payment, event.snapshot)
            return PaymentChanged(cursor=cursor, at=at, payment=show_payment(payment))


def _coupon(event: Event) -> Coupon:
    return show_coupon(from_document(coupons.Coupon, event.snapshot), event.at)


def _lines(event: Event) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = event.details["entries"]
    return lines


def _order(event: Event, viewer_ids: Sequence[str], at: datetime) -> Order:
    return show_order(from_document(ordering.Order, event.snapshot), at, viewer_ids)
