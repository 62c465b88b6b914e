"""What a purchase of coupons or passes gives back: its pieces when nobody paid, and all of it when it is refunded."""

from collections.abc import Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.cards.movement import write_card
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.ledger.model import BrandAccount, Currency, EntryKind, Line, brand_account, uses_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.payments.model import Payment
from resolvers.work.unit import Work


async def give_pieces_back(app: App, work: Work, payment: Payment) -> None:
    """A purchase came to nothing: others may have its pieces, and they count for its customer no more.

    Pieces go back after the commit, like everything about scarce ones.
    """
    for piece in payment.pieces:
        key = f"{payment.id}:{piece.counter_id}"
        work.later("return_pieces", key, counter_id=piece.counter_id, count=piece.count)
    ids = await app.people.ids_of(payment.customer_id, work.session)
    counted = (payment.template_id or "", tuple(sorted(ids, key=lambda each: each != payment.customer_id)))
    for day in (None, payment.counted_on) if payment.counted_on else (None,):
        await app.coupons.counts.uncount_for_customer(work.session, *counted, day, count=payment.quantity or 0)


async def take_back(
    app: App, work: Work, payment: Payment, cards: Sequence[Card], coupons: Sequence[Coupon], goes_to: BrandAccount
) -> int:
    """Void the coupons, or close the passes, that a payment has bought and that are whole; answers what goes back.

    In fen; `goes_to` is the account that the money waits in.
    """
    lines = [
        Line(brand_account(payment.brand_id, BrandAccount.VOUCHERS_SOLD), -payment.amount_fen),
        Line(brand_account(payment.brand_id, goes_to), payment.amount_fen),
    ]
    for coupon in coupons:
        voided = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, CouponStatus.VOIDED)
        if voided is None:
            raise TransactionExhausted
        before = CouponStatus.AVAILABLE.value
        work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, voided, previous=before)
    for card in cards:
        left = card.uses.left if card.uses else 0
        lines.append(Line(uses_account(card.id), -left, Currency.USES))
        lines.append(Line(brand_account(card.brand_id, BrandAccount.USES_SOLD), left, Currency.USES))
        emptied = replace(card.uses, left=0) if card.uses else None
        await write_card(app.cards, work, card, replace(card, uses=emptied, status=CardStatus.CLOSED))
    key = f"undo:{payment.id}"
    await post(app.ledger, work, EntryKind.COUPON_REFUND, key, payment.brand_id, lines, "券退款")
    await give_pieces_back(app, work, payment)
    return payment.amount_fen
