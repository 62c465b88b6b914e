"""Topping up a stored-value card through the chat platform's payment system."""

from dataclasses import dataclass, replace
from datetime import timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind, Take, TierUnknown, TopUpTier
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.errors import AmountInvalid, BalanceLimit, NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.payments.model import Payment, Purpose
from resolvers.payments.open import open_at_provider, outside_payment, payer_openid
from resolvers.payments.settle import psp_line
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

STORED_VALUE_TITLE = "储值卡"


@dataclass(frozen=True, slots=True)
class ToppedUp:
    """The payment that waits for the customer, and the card it will credit."""

    payment_id: str
    card_id: str


async def top_up_card(
    app: App, person: SignedIn, brand_id: str, tier_id: str | None, amount_fen: int | None, key: str
) -> ToppedUp:
    """Open a payment that tops up the customer's stored-value card at a brand; the card is made if there is none.

    One of `tier_id` (a tier with its bonus) and `amount_fen` (any amount within the brand's bounds, no bonus). Raises
    NotFound, TierUnknown, AmountInvalid, BalanceLimit, PaymentUnavailable, IdempotencyKeyReused.
    """
    call = Call(
        "topUpCard",
        Actor(ActorKind.CUSTOMER, person.customer_id),
        key,
        {"brand": brand_id, "tier": tier_id, "amount": amount_fen},
        contends=(person.customer_id,),
    )
    answered = await app.work.answered(call)
    if answered is not None:
        return ToppedUp(answered["payment"], answered["card"])
    brand = await app.brands.brand(brand_id)
    if brand is None:
        raise NotFound("没有这家商户", field=("input", "brandId"))
    amount, tier = await _amount(app, brand, tier_id, amount_fen)
    bonus_fen, bonus_days = (tier.bonus_fen, tier.bonus_days) if tier else (0, None)
    openid = await payer_openid(app, person)
    await ensure_member(app, person.customer_id, brand_id)

    async def reserve(work: Work) -> Ids:
        await _check_limit(app, work, person.customer_id, brand, amount + bonus_fen)
        life = timedelta(minutes=brand.settings.pay_minutes)
        description = f"{brand.name} 储值 {display(amount)}"
        draft = outside_payment(work, person, openid, brand_id, Purpose.TOP_UP, amount, description, life)
        await app.payments.insert(
            work.session, replace(draft, tier_id=tier_id, bonus_fen=bonus_fen, bonus_days=bonus_days)
        )
        return {"payment": draft.id}

    async def opened(work: Work) -> Ids:
        card = await ensure_card(app, work, person.customer_id, brand)
        await app.payments.set_card(work.session, ids["payment"], card.id)
        return {"card": card.id}

    ids, done = await app.work.begin(call, reserve)
    if not done:
        ids = await open_at_provider(app, call, ids["payment"], opened, None)
    return ToppedUp(ids["payment"], ids["card"])


async def _amount(app: App, brand: Brand, tier_id: str | None, amount_fen: int | None) -> tuple[int, TopUpTier | None]:
    if (tier_id is None) == (amount_fen is None):
        raise AmountInvalid("请选择一个充值档位，或填写金额，二者只能选一", field=("input", "amountFen"))
    if tier_id is not None:
        tier = await app.cards.tier(tier_id)
        if tier is None or tier.brand_id != brand.id:
            raise TierUnknown(field=("input", "tierId"))
        return tier.amount_fen, tier
    amount = amount_fen or 0
    least, most = brand.settings.top_up_minimum_fen, brand.settings.registered_limit_fen
    if not least <= amount <= most:
        raise AmountInvalid(f"充值金额须在 {display(least)} 到 {display(most)} 之间", field=("input", "amountFen"))
    return amount, None


async def _check_limit(app: App, work: Work, customer_id: str, brand: Brand, credit_fen: int) -> None:
    card = await app.cards.stored_value_card(customer_id, brand.id, work.session)
    if (card.ledger_fen if card else 0) + credit_fen > brand.settings.registered_limit_fen:
        raise BalanceLimit(f"卡内余额不能超过 {display(brand.settings.registered_limit_fen)}")


async def ensure_card(app: App, work: Work, customer_id: str, brand: Brand) -> Card:
    """The customer's stored-value card at a brand, made if there is none."""
    card = await app.cards.stored_value_card(customer_id, brand.id, work.session)
    if card is None:
        card = Card(
            id=work.new_id("crd"),
            customer_id=customer_id,
            brand_id=brand.id,
            kind=CardKind.STORED_VALUE,
            status=CardStatus.ACTIVE,
            title=f"{brand.name}{STORED_VALUE_TITLE}",
            lots=(),
            holds=(),
            regifts_left=brand.settings.regift_limit,
            created_at=work.now,
        )
        await app.cards.insert(work.session, card)
        work.announce(customer_id, EventKind.CARD_CHANGED, card, entry=None)
    return card


async def capture_top_up(app: App, work: Work, payment: Payment) -> bool:
    """Credit a card with a payment that succeeded: a lot of principal, and the bonus that was promised in its own.

    A card that is just being given takes the credit too; one that was given away meanwhile is followed by a new one.
    False when the card would hold more than is allowed, as when two top-ups were opened and both paid: the money goes
    back.
    """
    brand = await app.brands.brand(payment.brand_id, work.session)
    if brand is None:
        return False
    card = await ensure_card(app, work, payment.customer_id, brand)
    granted = payment.bonus_fen
    if card.ledger_fen + payment.amount_fen + granted > brand.settings.registered_limit_fen:
        return False
    credits = [Take(work.new_id("lot"), False, payment.amount_fen, None)]
    if granted:
        expires_at = work.now + timedelta(days=payment.bonus_days) if payment.bonus_days else None
        credits.append(Take(work.new_id("lot"), True, granted, expires_at))
    lines = [
        psp_line(payment),
        Line(brand_account(brand.id, BrandAccount.BONUS_GRANTED), -granted),
        *card_lines(card.id, credits, +1),
    ]
    await post(app.ledger, work, EntryKind.TOP_UP, f"capture:{payment.id}", brand.id, lines, payment.description)
    movements = [Movement(StatementKind.TOP_UP, payment.amount_fen, "充值", payment_id=payment.id)]
    if granted:
        movements.append(Movement(StatementKind.BONUS, granted, "充值赠送", payment_id=payment.id))
    await app.payments.set_card(work.session, payment.id, card.id)
    await write_card(app.cards, work, card, card.plus(credits), movements)
    return True
