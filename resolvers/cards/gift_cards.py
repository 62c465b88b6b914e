"""Buying gift cards: a payment that, once it succeeds, puts new cards into the buyer's wallet."""

from dataclasses import replace
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import CardKind, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, new_card, write_card
from resolvers.errors import AmountInvalid, BalanceLimit, NotFound
from resolvers.ledger.model import EntryKind, Line
from resolvers.ledger.posting import post
from resolvers.money import display
from resolvers.payments.model import Payment, Purpose
from resolvers.payments.open import open_at_provider, outside_payment, payer_openid
from resolvers.payments.settle import psp_line
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_QUANTITY = 20  # gift cards in one payment; larger purchases need the bank transfer the law asks for anyway


async def buy_gift_card(
    app: App, person: SignedIn, design_id: str, face_value_fen: int, quantity: int, key: str
) -> str:
    """Open a payment for gift cards of one design and face value; answers its id.

    Raises NotFound, AmountInvalid, BalanceLimit, PaymentUnavailable, IdempotencyKeyReused.
    """
    call = Call(
        "buyGiftCard",
        person.actor,
        key,
        {"design": design_id, "face": face_value_fen, "quantity": quantity},
        contends=(person.customer_id,),
    )
    answered = await app.work.answered(call)
    if answered is not None:
        return answered["payment"]
    design = await app.cards.design(design_id)
    brand = await app.brands.brand(design.brand_id) if design else None
    if design is None or brand is None:
        raise NotFound("没有这款礼品卡", field=("input", "designId"))
    if face_value_fen not in design.face_values_fen:
        raise AmountInvalid("没有这个面额", field=("input", "faceValueFen"))
    if not 1 <= quantity <= MAXIMUM_QUANTITY:
        raise AmountInvalid(f"一次可购买 1 到 {MAXIMUM_QUANTITY} 张", field=("input", "quantity"))
    if face_value_fen > brand.settings.unregistered_limit_fen:
        raise BalanceLimit(f"单张礼品卡不能超过 {display(brand.settings.unregistered_limit_fen)}")
    openid = await payer_openid(app, person)
    await ensure_member(app, person.customer_id, brand.id)

    async def reserve(work: Work) -> Ids:
        draft = outside_payment(
            work,
            person,
            openid,
            brand.id,
            Purpose.GIFT_CARDS,
            face_value_fen * quantity,
            f"{brand.name} {design.title} {display(face_value_fen)}×{quantity}",
            timedelta(minutes=brand.settings.pay_minutes),
        )
        payment = replace(draft, design_id=design_id, face_value_fen=face_value_fen, quantity=quantity)
        await app.payments.insert(work.session, payment)
        return {"payment": payment.id}

    ids, done = await app.work.begin(call, reserve)
    if not done:
        ids = await open_at_provider(app, call, ids["payment"], None, None)
    return ids["payment"]


async def capture_gift_cards(app: App, work: Work, payment: Payment) -> bool:
    """Make the cards that a payment which succeeded has bought."""
    design = await app.cards.design(payment.design_id or "")
    brand = await app.brands.brand(payment.brand_id)
    if design is None or brand is None or not payment.face_value_fen or not payment.quantity:
        return False
    cards = [
        new_card(work, payment.customer_id, brand.id, CardKind.GIFT_CARD, design.title, brand.settings.regift_limit)
        for _ in range(payment.quantity)
    ]
    expires_at = work.now + timedelta(days=365 * brand.settings.gift_card_years + 1)
    credits = {card.id: [Take(work.new_id("lot"), False, payment.face_value_fen, expires_at)] for card in cards}
    lines: list[Line] = [psp_line(payment)]
    for card_id, takes in credits.items():
        lines.extend(card_lines(card_id, takes, +1))
    await post(app.ledger, work, EntryKind.GIFT_CARD_SALE, f"capture:{payment.id}", brand.id, lines, design.title)
    for card in cards:
        await app.cards.insert(work.session, card)
        bought = Movement(StatementKind.TOP_UP, payment.face_value_fen, "购买礼品卡", payment_id=payment.id)
        await write_card(app.cards, work, card, card.plus(credits[card.id]), [bought])
    await app.payments.set_cards(work.session, payment.id, [card.id for card in cards])
    return True
