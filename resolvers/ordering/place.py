"""Placing an order: quoted again, stock reserved, coupons held, numbered, waiting to be paid."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.brands.model import MAXIMUM_TABLE_CODE, Store
from resolvers.coupons.model import CouponStatus
from resolvers.errors import BadInput, Refused
from resolvers.live.model import EventKind
from resolvers.ordering.apply_tenders import Paid, apply_tenders
from resolvers.ordering.cancel import end_order
from resolvers.ordering.change import announce_order, redeem_coupons
from resolvers.ordering.draft import draft_order
from resolvers.ordering.lapsed import free_lapsed
from resolvers.ordering.model import (
    MAXIMUM_NOTE,
    LineRequest,
    Order,
    OrderStatus,
    OrderType,
)
from resolvers.ordering.passes import with_passes
from resolvers.ordering.pay import Paying
from resolvers.ordering.pricing import Quote
from resolvers.ordering.quote import Cart, Quoted, quote_order
from resolvers.ordering.refusals import CouponTaken, PriceChanged, TableUnknown
from resolvers.ordering.scarce import scarce_pieces
from resolvers.ordering.tenders import Tender, take_apart
from resolvers.payments.open import method_here, open_at_provider, payer_openid
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import prove
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

# What else is done with an order before it is written, in the transaction that writes it; answers it as it then is.
Join = Callable[[Work, Order], Awaitable[Order]]
QUOTES = 3  # of one call, while other calls take the coupons it was quoted with


@dataclass(frozen=True, slots=True)
class Placement:
    """What a diner sends to place an order."""

    store_id: str
    type: OrderType
    lines: tuple[LineRequest, ...]
    coupon_ids: tuple[str, ...] | None
    expected_payable_fen: int | None
    party_size: int | None
    table_code: str | None
    pick_up_at: datetime | None
    note: str | None
    tenders: tuple[Tender, ...] | None = None  # placed and paid in one call

    def cart(self) -> Cart:
        """The cart to be quoted, judged at the moment of picking up."""
        return Cart(self.store_id, self.lines, self.coupon_ids, self.pick_up_at, self.type, self.party_size)

    def on(self, order: Order) -> Order:
        """The order with what was said about it beside its lines."""
        return replace(
            order,
            party_size=self.party_size,
            table_code=self.table_code,
            pick_up_at=self.pick_up_at,
            note=self.note,
        )


async def place_order(
    app: App, person: SignedIn, placement: Placement, key: str, pay_password: str | None = None
) -> Paying:
    """Place an order, and with tenders pay it in the same call: refused tenders place nothing.

    Raises all that quoting and paying raise, and PriceChanged, DishSoldOut, SlotUnavailable, TableUnknown,
    IdempotencyKeyReused.
    """
    actor = person.actor
    call = Call("placeOrder", actor, key, asdict(placement), (person.customer_id,))
    ids = await app.work.answered(call)
    if ids is None:
        ids = await app.work.begun(call)
        if ids is None:
            ids = await place_new(app, person, placement, call, pay_password)
        if "payment" in ids:
            await open_at_provider(app, call, ids["payment"], None, lambda work: _undo(app, work, ids["order"]))
    return Paying(ids["order"], ids.get("payment"))


async def place_new(
    app: App,
    person: SignedIn,
    placement: Placement,
    call: Call,
    pay_password: str | None = None,
    join: Join | None = None,
) -> Ids:
    """Quote and place an order for a call that is new; a copy of the call that was first has the answer.

    Raises what `place_order` raises, and what `join` raises.
    """
    _check_shape(placement)
    await free_lapsed(app, person.ids)
    try:
        for _ in range(QUOTES):
            quoted = await quote_order(app, person, placement.cart())
            _check_price(quoted.quote, placement.expected_payable_fen)
            paid = await _paid(app, person, placement, quoted, pay_password)
            with suppress(CouponTaken):  # by another call of the same person: quoted anew, it is another price
                return await _place(app, person, placement, quoted, paid, call, join)
        raise CouponTaken(field=("input", "couponIds"), details=quoted.quote)
    except Refused:
        # A copy of this very call may have been first, and its order be the reason why this one is refused.
        begun = await app.work.begun(call)
        if begun is None:
            raise
        return begun


async def _paid(
    app: App, person: SignedIn, placement: Placement, quoted: Quoted, pay_password: str | None
) -> Paid | None:
    """What the order is paid with at once, if anything; an order that costs nothing needs no tender."""
    if placement.tenders is None or not quoted.quote.payable_fen:
        return None
    quote, at = quoted.quote, placement.pick_up_at
    tenders = await with_passes(app, person, quoted.store.id, at, quote.lines, placement.tenders)
    parts = take_apart(quote.payable_fen, tenders, method_here(person))
    proof = await prove(app, person.customer_id, quoted.store.brand_id, parts.cards_fen, pay_password)
    openid = await payer_openid(app, person) if parts.outside_fen else None
    return Paid(person, parts, openid, proof)


async def _place(
    app: App,
    person: SignedIn,
    placement: Placement,
    quoted: Quoted,
    paid: Paid | None,
    call: Call,
    join: Join | None,
) -> Ids:
    store, quote = quoted.store, quoted.quote
    _check_table(store, placement)
    pieces = await scarce_pieces(app, quoted, placement.pick_up_at)
    day = store.business_day(placement.pick_up_at or app.clock.now())
    number = await app.work_store.next_number(f"orders:{store.id}:{day}")

    async def steps(work: Work) -> Ids:
        brand = await app.brands.brand(store.brand_id, work.session)
        minutes = brand.settings.pay_minutes if brand else 15
        life, called = timedelta(minutes=minutes), f"{number:03d}"
        order = placement.on(draft_order(work, person, quoted, placement.type, called, life, pieces))
        order = await join(work, order) if join is not None else order
        await _hold_coupons(app, work, order, quote)
        await app.orders.insert(work.session, order)
        if not quote.payable_fen:
            await redeem_coupons(app, work, order)
        announce_order(work, order)
        return await apply_tenders(app, work, order, paid) if paid else {"order": order.id}

    with_pieces = replace(call, pieces=pieces)
    if paid is not None and paid.parts.outside_fen:
        return (await app.work.begin(with_pieces, steps))[0]
    return await app.work.run(with_pieces, steps)


async def _undo(app: App, work: Work, order_id: str) -> Ids:
    """The outside part could not be opened: the order ends, and all that it took comes back."""
    order = await app.orders.order(order_id, work.session)
    if order is not None and order.status is OrderStatus.AWAITING_PAYMENT:
        await end_order(app, work, order, OrderStatus.CANCELLED, "支付未能发起")
    return {}


async def _hold_coupons(app: App, work: Work, order: Order, quote: Quote) -> None:
    for coupon, used in quote.used:
        uses_left = None if coupon.uses_left is None else coupon.uses_left - used.uses
        held = await app.coupons.move(
            work.session,
            coupon.id,
            CouponStatus.AVAILABLE,
            CouponStatus.HELD,
            order_id=order.id,
            uses_left=uses_left,
        )
        if held is None or held.revision != coupon.revision + 1:  # used or given since the quote was made
            raise CouponTaken(field=("input", "couponIds"), details=quote)
        work.announce(order.customer_id, EventKind.COUPON_CHANGED, held, previous=CouponStatus.AVAILABLE.value)


def _check_price(quote: Quote, expected_fen: int | None) -> None:
    if expected_fen is not None and expected_fen != quote.payable_fen:
        raise PriceChanged(field=("input", "expectedPayableFen"), details=quote)


def _check_shape(placement: Placement) -> None:
    if len(placement.note or "") > MAXIMUM_NOTE:
        raise BadInput(f"note must have at most {MAXIMUM_NOTE} characters.")
    if len(placement.table_code or "") > MAXIMUM_TABLE_CODE:
        raise BadInput(f"tableCode must have at most {MAXIMUM_TABLE_CODE} characters.")


def _check_table(store: Store, placement: Placement) -> None:
    if placement.table_code is None:
        return
    if placement.type is OrderType.PICK_UP:
        raise TableUnknown("自取订单没有桌台，请选择堂食", field=("input", "tableCode"))
    if store.table(placement.table_code) is None:
        raise TableUnknown(field=("input", "tableCode"))
