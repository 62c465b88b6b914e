"""Topping up a stored-value card through the chat platform's payment system."""

from dataclasses import dataclass, replace
from datetime import timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.cards.credit import check_limits, credit_top_up, ensure_card
from resolvers.cards.model import TierUnknown
from resolvers.cards.offers import TopUpTier
from resolvers.errors import AmountInvalid, BalanceLimit, LimitReached, NotFound
from resolvers.money import display
from resolvers.payments.model import Payment, Purpose
from resolvers.payments.open import open_at_provider, outside_payment, payer_openid
from resolvers.payments.settle import psp_line
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


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
    NotFound, TierUnknown, AmountInvalid, BalanceLimit, LimitReached, PaymentUnavailable, IdempotencyKeyReused.
    """
    call = Call(
        "topUpCard",
        person.actor,
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
    amount, tier = await top_up_amount(app, brand, tier_id, amount_fen)
    openid = await payer_openid(app, person)
    await ensure_member(app, person.customer_id, brand_id)

    async def reserve(work: Work) -> Ids:
        await check_limits(app, work, person.customer_id, brand, tier, amount + (tier.bonus_fen if tier else 0))
        life = timedelta(minutes=brand.settings.pay_minutes)
        description = f"{brand.name} 储值 {display(amount)}"
        draft = outside_payment(work, person, openid, brand_id, Purpose.TOP_UP, amount, description, life)
        await app.payments.insert(work.session, promising(draft, tier))
        return {"payment": draft.id}

    async def opened(work: Work) -> Ids:
        card = await ensure_card(app, work, person.customer_id, brand)
        await app.payments.set_card(work.session, ids["payment"], card.id)
        return {"card": card.id}

    ids, done = await app.work.begin(call, reserve)
    if not done:
        ids = await open_at_provider(app, call, ids["payment"], opened, None)
    return ToppedUp(ids["payment"], ids["card"])


async def top_up_amount(
    app: App, brand: Brand, tier_id: str | None, amount_fen: int | None
) -> tuple[int, TopUpTier | None]:
    """What is to be paid, in fen, and the tier that was chosen, if any. Raises TierUnknown, AmountInvalid."""
    if (tier_id is None) == (amount_fen is None):
        raise AmountInvalid("请选择一个充值档位，或填写金额，二者只能选一", field=("input", "amountFen"))
    if tier_id is not None:
        tier = await app.cards.tier(tier_id)
        if tier is None or tier.brand_id != brand.id:
            raise TierUnknown(field=("input", "tierId"))
        if not tier.open_at(app.clock.now()):
            raise TierUnknown("此充值档位不在活动时间内", field=("input", "tierId"))
        return tier.amount_fen, tier
    amount = amount_fen or 0
    least, most = brand.settings.top_up_minimum_fen, brand.settings.registered_limit_fen
    if not least <= amount <= most:
        raise AmountInvalid(f"充值金额须在 {display(least)} 到 {display(most)} 之间", field=("input", "amountFen"))
    return amount, None


def promising(payment: Payment, tier: TopUpTier | None) -> Payment:
    """A payment with what its tier gives on top, as it is promised at this moment."""
    if tier is None:
        return payment
    return replace(
        payment,
        tier_id=tier.id,
        bonus_fen=tier.bonus_fen,
        bonus_days=tier.bonus_days,
        bonus_points=tier.bonus_points,
        template_ids=tier.template_ids,
    )


async def capture_top_up(app: App, work: Work, payment: Payment) -> bool:
    """Credit a card with a payment that succeeded.

    False when it may not be any more (the card is full, or the tier used up, by others that were opened with it): the
    money goes back.
    """
    brand = await app.brands.brand(payment.brand_id, work.session)
    if brand is None:
        return False
    try:
        await credit_top_up(app, work, payment, brand, psp_line(payment))
    except (BalanceLimit, LimitReached):  # raised before anything is written
        return False
    return True
