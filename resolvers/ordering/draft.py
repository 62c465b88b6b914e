"""An order as it begins: made of a quote, with ids, a number, a code and a time to pay."""

import secrets
from datetime import timedelta

from resolvers.ordering.model import Moment, Order, OrderLine, OrderStatus, OrderType, Taken
from resolvers.ordering.pricing import Quote
from resolvers.ordering.quote import Quoted
from resolvers.people.model import SignedIn
from resolvers.work.model import Piece
from resolvers.work.unit import Work


def draft_order(
    work: Work,
    person: SignedIn,
    quoted: Quoted,
    type_: OrderType,
    number: str,
    life: timedelta,
    pieces: tuple[Piece, ...],
) -> Order:
    """A new order of what was quoted, to be paid within `life`; paid already where it costs nothing."""
    quote, first = quoted.quote, Moment(OrderStatus.AWAITING_PAYMENT, work.now)
    return Order(
        id=work.new_id("ord"),
        customer_id=person.customer_id,
        brand_id=quoted.store.brand_id,
        store_id=quoted.store.id,
        number=number,
        status=OrderStatus.AWAITING_PAYMENT if quote.payable_fen else OrderStatus.PAID,
        type=type_,
        lines=_order_lines(work, quote),
        subtotal_fen=quote.subtotal_fen,
        member_discount_fen=quote.member_discount_fen,
        coupon_discount_fen=quote.coupon_discount_fen,
        payable_fen=quote.payable_fen,
        used_coupons=tuple(used for _, used in quote.used),
        taken=tuple(Taken(piece.counter_id, piece.count) for piece in pieces),
        verification_code=f"{secrets.randbelow(10**6):06d}",
        placed_at=work.now,
        pay_before=work.now + life,
        changed_at=work.now,
        timeline=(first,) if quote.payable_fen else (first, Moment(OrderStatus.PAID, work.now)),
    )


def _order_lines(work: Work, quote: Quote) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            id=work.new_id("lin"),
            dish_id=line.dish_id,
            name=line.name,
            quantity=line.quantity,
            option_ids=line.option_ids,
            options=line.options,
            note=line.note,
            list_fen=line.list_fen,
            unit_price_fen=line.unit_price_fen,
            discount_fen=line.discount_fen,
            total_fen=line.total_fen,
        )
        for line in quote.lines
    )
