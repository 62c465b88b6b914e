"""Giving: the thing becomes GIFTING, its value waits in accounts of its own, a token is made."""

import base64
import hashlib
import hmac
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from resolvers.app import App
from resolvers.brands.model import Brand
from resolvers.cards.model import Card, CardKind, CardStatus, StatementKind, Take, total
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, BalanceLimit, InsufficientBalance, NotFound, PlatformUnavailable
from resolvers.gifts.give_uses import give_uses
from resolvers.gifts.model import MAXIMUM_GREETING, Gift, GiftStatus, GreetingRejected, NotGivable, RegiftLimit
from resolvers.ledger.model import EntryKind, Line, gift_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import prove, uphold
from resolvers.people.pay_password.model import Proof
from resolvers.ports import OutsideFault, TextScene
from resolvers.vault import Vault
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Present:
    """What is to be given: a card (whole, or `amount_fen` of it) or a coupon, with a greeting."""

    card_id: str | None
    coupon_id: str | None
    amount_fen: int | None
    greeting: str


def share_token(vault: Vault, gift_id: str) -> str:
    """The token of a gift: derived from its id, so that it can be shown again without being stored."""
    digest = hmac.new(vault.key("gift"), gift_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def token_mac(vault: Vault, token: str) -> str:
    """What a gift is found by: a database that leaks gives no token away."""
    return vault.mac("gift_token", token)


async def give(app: App, person: SignedIn, present: Present, key: str, pay_password: str | None = None) -> Gift:
    """Make a gift of something of the customer's own; a card, or part of one, needs the pay password.

    Raises NotFound, NotGivable, RegiftLimit, AmountInvalid, BalanceLimit, PayPasswordRequired, PayPasswordWrong,
    PayPasswordLocked, GreetingRejected, PlatformUnavailable, IdempotencyKeyReused.
    """
    actor = Actor(ActorKind.CUSTOMER, person.customer_id)
    call = Call("give", actor, key, asdict(present), (person.customer_id,))
    done = await app.work.answered(call)
    if done is None:
        if (present.card_id is None) == (present.coupon_id is None):
            raise NotGivable("请选择一张卡或一张券", field=("input", "cardId"))
        if present.coupon_id is not None and present.amount_fen is not None:
            raise AmountInvalid("优惠券不能按金额转赠", field=("input", "amountFen"))
        proof = await _prove(app, person.customer_id, present, pay_password)
        await _check_greeting(app, person, present.greeting)
        give_it = _give_card if present.card_id is not None else _give_coupon
        done = await app.work.run(call, lambda work: give_it(app, work, proof, present))
    gift = await app.gifts.gift(done["gift"])
    if gift is None:
        raise NotFound
    return gift


async def _prove(app: App, giver_id: str, present: Present, pay_password: str | None) -> Proof:
    """That the giver may part with what the card has now, or with the part of it. Raises NotFound, PayPassword…."""
    if present.card_id is None:
        return Proof(giver_id, 0, limit_fen=0)
    card = _own(await app.cards.card(present.card_id), giver_id)
    if card.uses is not None:
        return await prove(app, giver_id, card.brand_id, card.uses.worth_fen, pay_password)
    amount_fen = card.available_fen(app.clock.now()) if present.amount_fen is None else present.amount_fen
    return await prove(app, giver_id, card.brand_id, amount_fen, pay_password)


async def _check_greeting(app: App, person: SignedIn, greeting: str) -> None:
    """The platform sees the greeting before any friend does. Raises GreetingRejected, PlatformUnavailable."""
    if len(greeting) > MAXIMUM_GREETING:
        raise GreetingRejected(f"祝福语不能超过 {MAXIMUM_GREETING} 字", field=("input", "greeting"))
    if not greeting.strip():
        return
    customer = await app.people.customer(person.customer_id)
    identity = customer.identity_for(person.platform, person.app_id) if customer else None
    if identity is None:
        raise PlatformUnavailable
    try:
        accepted = await app.platforms[person.platform, person.app_id].accepts_text(
            identity.openid, greeting, TextScene.SOCIAL
        )
    except OutsideFault as error:
        raise PlatformUnavailable from error
    if not accepted:
        raise GreetingRejected(field=("input", "greeting"))


async def _give_card(app: App, work: Work, proof: Proof, present: Present) -> Ids:
    giver_id = proof.customer_id
    card = _own(await app.cards.card(present.card_id or "", work.session), giver_id)
    if card.status_at(work.now) is not CardStatus.ACTIVE:
        raise NotGivable
    if card.regifts_left <= 0:
        raise RegiftLimit
    brand = await _brand(app, card.brand_id)
    if card.kind is CardKind.PASS:
        return await _give_pass(app, work, proof, brand, card, present)
    whole = present.amount_fen is None
    if whole:
        if card.holds or card.available_fen(work.now) <= 0:
            raise NotGivable("卡内没有可转赠的余额，或有未完成的支付")
        takes = tuple(Take(lot.id, lot.bonus, lot.left_fen, lot.expires_at) for lot in card.lots)
    else:
        if (present.amount_fen or 0) < 1:
            raise AmountInvalid(field=("input", "amountFen"))
        try:
            takes = card.pick(present.amount_fen or 0, work.now, brand.settings.spend_order)
        except InsufficientBalance as error:
            raise AmountInvalid("超过可转赠的余额", field=("input", "amountFen")) from error
    amount_fen = total(take for take in takes if not take.lapsed(work.now))
    if amount_fen > brand.settings.unregistered_limit_fen:  # what a friend gets is a gift card
        limit = display(brand.settings.unregistered_limit_fen)
        raise BalanceLimit(f"单次转赠不能超过 {limit}", field=("input", "amountFen"))
    await uphold(app, work, proof, brand.id, amount_fen)
    gift = replace(
        _draft(app, work, giver_id, brand, card.title, present),
        card_id=card.id,
        whole=whole,
        takes=takes,
        amount_fen=amount_fen,
        regifts_left=card.regifts_left - 1,
    )
    lines = [*card_lines(card.id, takes, -1), *gift_lines(gift.id, takes, +1)]
    await post(app.ledger, work, EntryKind.GIVE, f"give:{gift.id}", card.brand_id, lines, "转赠")
    await app.gifts.insert(work.session, gift)
    after = replace(card.less(takes), status=CardStatus.GIFTING if whole else card.status)
    await write_card(app.cards, work, card, after, [Movement(StatementKind.GIFT_OUT, -total(takes), "转赠好友")])
    work.announce(giver_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


async def _give_pass(app: App, work: Work, proof: Proof, brand: Brand, card: Card, present: Present) -> Ids:
    """A pass goes whole, with the uses that are left."""
    if present.amount_fen is not None:
        raise AmountInvalid("次卡只能整卡转赠", field=("input", "amountFen"))
    if card.uses is None or card.holds or not card.uses.left:
        raise NotGivable("次卡没有可转赠的次数，或有未完成的支付")
    await uphold(app, work, proof, brand.id, card.uses.worth_fen)
    draft = _draft(app, work, proof.customer_id, brand, f"{card.title}（剩 {card.uses.left} 次）", present)
    gift = replace(draft, card_id=card.id, whole=True, uses=card.uses.left, regifts_left=card.regifts_left - 1)
    await give_uses(app, work, gift, card)
    work.announce(proof.customer_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


async def _give_coupon(app: App, work: Work, proof: Proof, present: Present) -> Ids:
    giver_id = proof.customer_id
    coupon = await app.coupons.coupon(present.coupon_id or "", work.session)
    if coupon is None or coupon.customer_id != giver_id:
        raise NotFound("没有这张券", field=("input", "couponId"))
    if not coupon.giveable or coupon.status_at(work.now) is not CouponStatus.AVAILABLE:
        raise NotGivable
    if coupon.regifts_left <= 0:
        raise RegiftLimit
    brand = await _brand(app, coupon.brand_id)
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, CouponStatus.GIFTING)
    if moved is None:
        raise NotGivable
    gift = replace(
        _draft(app, work, giver_id, brand, coupon.title, present),
        coupon_id=coupon.id,
        coupon_uses=coupon.uses_left,
        whole=True,
        regifts_left=coupon.regifts_left - 1,
    )
    await app.gifts.insert(work.session, gift)
    work.announce(giver_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.AVAILABLE.value)
    work.announce(giver_id, EventKind.GIFT_CHANGED, gift)
    return {"gift": gift.id}


def _draft(app: App, work: Work, giver_id: str, brand: Brand, title: str, present: Present) -> Gift:
    gift_id = work.new_id("gft")
    return Gift(
        id=gift_id,
        giver_id=giver_id,
        brand_id=brand.id,
        status=GiftStatus.PENDING,
        title=title,
        greeting=present.greeting,
        token_mac=token_mac(app.vault, share_token(app.vault, gift_id)),
        created_at=work.now,
        expires_at=work.now + timedelta(hours=brand.settings.gift_hours),
    )


def gift_lines(gift_id: str, takes: tuple[Take, ...], sign: int) -> list[Line]:
    """Ledger lines that credit (+1) or debit (-1) a gift's accounts."""
    return [Line(gift_account(gift_id, bonus=take.bonus), sign * take.amount_fen) for take in takes]


def _own(card: Card | None, giver_id: str) -> Card:
    if card is None or card.customer_id != giver_id:
        raise NotFound("没有这张卡", field=("input", "cardId"))
    return card


async def _brand(app: App, brand_id: str) -> Brand:
    brand = await app.brands.brand(brand_id)
    if brand is None:
        raise LookupError(brand_id)
    return brand
