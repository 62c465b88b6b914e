"""Paying an order with passes: which dishes their uses pay for, and what a refund of those dishes gives back."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from resolvers.app import App
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind
from resolvers.cards.movement import present_card
from resolvers.coupons.model import Template
from resolvers.coupons.rules import Occasion
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.ledger.model import EntryKind
from resolvers.ledger.posting import post
from resolvers.ordering.model import Order
from resolvers.ordering.tenders import MAXIMUM_TENDERS, Line, Tender, cover, covered_fen
from resolvers.passes.uses import check_uses, give_uses_back, take_uses, uses_of, why_not_now, write_pass
from resolvers.payments.model import Covered, Payment, PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.work.unit import Work

WHERE = ("input", "tenders")


async def with_passes(
    app: App,
    person: SignedIn,
    store_id: str,
    at: datetime | None,
    lines: Sequence[Line],
    tenders: Sequence[Tender],
    freed: Collection[str] = (),
) -> list[Tender]:
    """The tenders, each PASS with the units it pays for and what they cost, after discounts.

    One after the other, as they are named, each takes the dearest units that are left. `at`: when the order is eaten,
    None: now. What payments in `freed` hold counts as free. Raises NotFound, AmountInvalid, InsufficientBalance.
    """
    if len(tenders) > MAXIMUM_TENDERS:
        raise AmountInvalid("请选择支付方式", field=WHERE)
    found: list[Tender] = []
    for tender in tenders:
        if tender.method is not PaymentMethod.PASS:
            if tender.uses is not None:
                raise AmountInvalid("只有次卡按次数支付", field=WHERE)
            found.append(tender)
            continue
        if tender.card_id is None or tender.amount_fen is not None:
            raise AmountInvalid("次卡按次抵扣菜品，请选择次卡，不填金额", field=WHERE)
        card, template = await _usable(app, person, store_id, at, tender.card_id, freed)
        before = [each for other in found for each in other.covers]
        covers = _covers(card, template, lines, tender.uses, before)
        found.append(replace(tender, amount_fen=covered_fen(lines, covers), covers=covers))
    return found


async def _usable(
    app: App, person: SignedIn, store_id: str, at: datetime | None, card_id: str, freed: Collection[str]
) -> tuple[Card, Template]:
    store = await app.brands.store(store_id)
    if store is None:
        raise NotFound("没有这家门店", field=WHERE)
    card = own_pass(await app.cards.card(card_id), person, store.brand_id)
    template = await app.coupons.template(uses_of(card).template_id)
    brand = await app.brands.brand(store.brand_id)
    if template is None or brand is None:
        raise NotFound("没有这张卡", field=WHERE)
    check_active(card, app.clock.now())
    moment = at or app.clock.now()
    member = await app.people.membership(person.customer_id, store.brand_id)
    names, level = brand.settings.level_names, member.level if member else None
    occasion = Occasion(store.id, moment, store.local(moment), level, person.platform, names)
    unused = why_not_now(template, card, occasion)
    if unused is not None:
        raise AmountInvalid(f"「{card.title}」{unused.explanation}", field=WHERE)
    for payment_id in freed:
        card = card.without_hold(payment_id)
    return card, template


def _covers(
    card: Card, template: Template, lines: Sequence[Line], uses: int | None, before: Sequence[Covered]
) -> tuple[Covered, ...]:
    if uses is not None and uses < 1:
        raise AmountInvalid("次数至少为 1", field=WHERE)
    check_uses(card, uses or 1)
    covers = cover(lines, template.free_dish_ids, card.free_uses if uses is None else uses, before)
    units = sum(each.count for each in covers)
    if units < (uses or 1):
        raise AmountInvalid(f"本单只有 {units} 份菜品可用「{card.title}」", field=WHERE)
    return covers


def own_pass(card: Card | None, person: SignedIn, brand_id: str) -> Card:
    """The customer's own pass at a brand; any other card is as good as absent. Raises NotFound."""
    own = card is not None and person.owns(card.customer_id) and card.brand_id == brand_id
    if card is None or not own or card.kind is not CardKind.PASS:
        raise NotFound("没有这张卡", field=WHERE)
    return card


def check_active(card: Card, now: datetime) -> None:
    """Raise InsufficientBalance for a pass that is used up, past its time, or being given."""
    status = card.status_at(now)
    if status is not CardStatus.ACTIVE:
        raise InsufficientBalance(_WHY.get(status, "此卡正在转赠或已停用"), field=WHERE)


_WHY = {CardStatus.USED_UP: "次卡已用完", CardStatus.EXPIRED: "次卡已过期"}


async def take_for(app: App, work: Work, order: Order, card: Card, payment: Payment) -> None:
    """Take the uses of a payment by pass; the sales get what the dishes cost."""
    moved = take_uses(card.without_hold(payment.id), payment.uses, payment.amount_fen)
    await app.payments.set_worth(work.session, payment.id, uses_of(card).worth_fen - uses_of(moved.card).worth_fen)
    memo = f"订单 {order.number}"
    await post(app.ledger, work, EntryKind.PURCHASE, f"capture:{payment.id}", order.brand_id, moved.lines, memo)
    await write_pass(app, work, card, moved.card, StatementKind.PURCHASE, memo, order.id, payment.id)


async def give_back_for(
    app: App, work: Work, order: Order, payment: Payment, uses: int, amount_fen: int, reason: str
) -> str:
    """Put uses back for dishes that are refunded, onto whatever the pass has become; answers its id."""
    card = await present_card(app.cards, work, payment.card_id or "")
    moved = give_uses_back(card, uses, amount_fen)
    key = f"refund:{payment.id}:{payment.revision}"
    await post(app.ledger, work, EntryKind.REFUND, key, order.brand_id, moved.lines, reason)
    own = card.customer_id in await app.people.ids_of(
        payment.customer_id, work.session
    )  # a friend's statement does not tell of the giver's order
    memo = f"退款 订单 {order.number}：{reason}" if own else "退款"
    await write_pass(app, work, card, moved.card, StatementKind.REFUND, memo, order.id, payment.id)
    return card.id
