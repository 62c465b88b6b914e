"""Buying coupons and passes: pieces are reserved while the payment waits; once it succeeds they are issued."""

from dataclasses import replace
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import Card
from resolvers.coupons.claim import check_claimable
from resolvers.coupons.issue import count_for, day_of, issue_counted, pieces_of
from resolvers.coupons.model import CouponKind, NotEligible, Template
from resolvers.coupons.sold import give_pieces_back
from resolvers.errors import BadInput, LimitReached, NotFound
from resolvers.ledger.model import BrandAccount, Currency, EntryKind, Line, brand_account, uses_account
from resolvers.ledger.posting import post
from resolvers.money import share_of_units
from resolvers.passes.uses import new_pass
from resolvers.payments.model import Payment, Purpose, Reserved
from resolvers.payments.open import open_at_provider, outside_payment, payer_openid
from resolvers.payments.settle import psp_line
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_QUANTITY = 20  # of one template in one payment


async def buy_coupon(app: App, person: SignedIn, template_id: str, quantity: int, key: str) -> str:
    """Open a payment for coupons, or passes, of a template that is sold; answers its id. Joins the brand.

    Raises NotFound, NotEligible, NotStarted, Ended, SoldOut, LimitReached, PaymentUnavailable, IdempotencyKeyReused.
    """
    actor, wanted = person.actor, {"template": template_id, "quantity": quantity}
    call = Call("buyCoupon", actor, key, wanted, contends=(person.customer_id,))
    answered = await app.work.answered(call)
    if answered is not None:
        return answered["payment"]
    if not 1 <= quantity <= MAXIMUM_QUANTITY:
        raise BadInput(f"quantity must be between 1 and {MAXIMUM_QUANTITY}.")
    begun = await app.work.begun(call)
    ids, done = (begun, False) if begun else await _begin(app, person, template_id, quantity, call)
    if not done:
        ids = await open_at_provider(app, call, ids["payment"], None, lambda work: _undo(app, work, ids["payment"]))
    return ids["payment"]


async def _undo(app: App, work: Work, payment_id: str) -> Ids:
    """The payment could not be opened: its pieces are anybody's again."""
    payment = await app.payments.payment(payment_id, work.session)
    if payment is not None:
        await give_pieces_back(app, work, payment)
    return {}


async def _begin(app: App, person: SignedIn, template_id: str, quantity: int, call: Call) -> tuple[Ids, bool]:
    template = await app.coupons.template(template_id)
    brand = await app.brands.brand(template.brand_id) if template else None
    if template is None or brand is None or not template.claimable:
        raise NotFound("没有这张券", field=("input", "templateId"))
    if template.price_fen is None:
        raise NotEligible("此券无需购买，请直接领取")
    price_fen = template.price_fen
    openid = await payer_openid(app, person)
    await ensure_member(app, person.customer_id, brand.id)
    pieces = await pieces_of(app, template, quantity)

    async def reserve(work: Work) -> Ids:
        await check_claimable(app, work, person, template)
        try:
            await count_for(app, work, template, person.customer_id, quantity)
        except LimitReached as error:
            raise LimitReached("已达到购买数量上限，待支付的也计算在内", field=("input", "quantity")) from error
        draft = outside_payment(
            work,
            person,
            openid,
            brand.id,
            Purpose.COUPONS,
            price_fen * quantity,
            f"{brand.name} {template.title}×{quantity}",
            timedelta(minutes=brand.settings.pay_minutes),
        )
        payment = replace(
            draft,
            template_id=template.id,
            quantity=quantity,
            uses_each=_uses_each(template),
            pieces=tuple(Reserved(piece.counter_id, piece.count) for piece in pieces),
            counted_on=await day_of(app, template, work.now) if template.per_customer_day is not None else None,
        )
        await app.payments.insert(work.session, payment)
        return {"payment": payment.id}

    return await app.work.begin(replace(call, pieces=pieces), reserve)


def _uses_each(template: Template) -> int | None:
    if template.pass_uses is not None:
        return template.pass_uses
    return template.uses if template.kind is CouponKind.BUY_GET else None


async def capture_coupons(app: App, work: Work, payment: Payment) -> bool:
    """Issue what a payment which succeeded has bought; False, and the money goes back, when its time is over by now."""
    template = await app.coupons.template(payment.template_id or "", work.session)
    if template is None or (template.valid_until is not None and template.valid_until <= work.now):
        await give_pieces_back(app, work, payment)
        return False
    quantity = payment.quantity or 0
    sold = Line(brand_account(payment.brand_id, BrandAccount.VOUCHERS_SOLD), payment.amount_fen)
    lines = [psp_line(payment), sold]
    coupon_ids, card_ids = [], []
    for number in range(quantity):
        if template.pass_uses is not None:
            price_fen = share_of_units(payment.amount_fen, quantity, number, 1)
            card = await _issue_pass(app, work, payment, template, price_fen)
            card_ids.append(card.id)
            lines += _uses_lines(card)
        else:
            promised = replace(template, uses=payment.uses_each or template.uses)
            coupon = await issue_counted(app, work, promised, payment.customer_id, payment.id)
            coupon_ids.append(coupon.id)
    key = f"capture:{payment.id}"
    await post(app.ledger, work, EntryKind.COUPON_SALE, key, payment.brand_id, lines, template.title)
    await app.payments.set_bought(work.session, payment.id, coupon_ids, card_ids)
    return True


async def _issue_pass(app: App, work: Work, payment: Payment, template: Template, price_fen: int) -> Card:
    uses = payment.uses_each or template.pass_uses or 1
    return await new_pass(app, work, payment.customer_id, template, uses, price_fen)


def _uses_lines(card: Card) -> list[Line]:
    bought = card.uses.bought if card.uses else 0
    return [
        Line(uses_account(card.id), bought, Currency.USES),
        Line(brand_account(card.brand_id, BrandAccount.USES_SOLD), -bought, Currency.USES),
    ]
